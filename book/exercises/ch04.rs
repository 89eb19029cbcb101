//! Exercises of chapter 4. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch04`

/// Exercise 1. The fewest layers of this `factor`, between 0 and 1, after which a gradient of length 1
/// is shorter than `least`.
pub fn layers_until(factor: f64, least: f64) -> usize {
    todo!("count layers, or take logarithms")
}

/// Exercise 2. Leaky ReLU is z above zero and `leak`·z below. The deviation of its weights times
/// √fan_in for which a layer keeps the length of a gradient.
pub fn leaky_scale(leak: f64) -> f64 {
    todo!("half of the slopes are 1, half are leak")
}

/// Exercise 3. Blocks x + a·F(x), where F(x) is as long as x and at a right angle to it. The `a` for
/// which x grows to √2 times its length over this many blocks, however many they are.
pub fn branch_scale(blocks: usize) -> f64 {
    todo!("one block multiplies the squared length by 1 + a²")
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{Tensor, ops::linear, rng::Generator};

    #[test]
    #[ignore = "yours to solve"]
    fn layers_are_counted() {
        assert_eq!(layers_until(0.25, 1e-6), 10);
        assert_eq!(layers_until(0.25, 1e-12), 20);
        assert_eq!(layers_until(0.5, 0.5), 2, "0.5 is not shorter than 0.5");
        assert_eq!(layers_until(0.9, 2.0), 0);
    }

    /// The product of 20 layers' factors, measured on random gradients.
    fn measured(leak: f64) -> f64 {
        let (width, layers) = (400, 20);
        let mut random = Generator::new(4, 0);
        let deviation = leaky_scale(leak) / (width as f64).sqrt();
        let mut h = Tensor::from_fn([1, width], |_| random.normal());
        let mut dz = Tensor::from_fn([1, width], |_| random.normal());
        let norm = |x: &Tensor<f64>| x.as_slice().iter().map(|x| x * x).sum::<f64>().sqrt();
        let before = norm(&dz);
        for _ in 0..layers {
            let w = Tensor::from_fn([width, width], |_| deviation * random.normal());
            let z = linear::forward(&h, &w);
            let slopes = z.map(|z| if z > 0.0 { 1.0 } else { leak });
            h = z.map(|z| if z > 0.0 { z } else { leak * z });
            let back = linear::grad_input(&dz, &w);
            dz = Tensor::from_fn([1, width], |i| back.as_slice()[i] * slopes.as_slice()[i]);
        }
        norm(&dz) / before
    }

    #[test]
    #[ignore = "yours to solve"]
    fn leaky_relu_keeps_the_length() {
        assert!((leaky_scale(0.0) - 2f64.sqrt()).abs() < 1e-12, "without a leak, He's");
        assert!((leaky_scale(1.0) - 1.0).abs() < 1e-12, "without a corner, the identity's");
        for leak in [0.0, 0.2, 0.5] {
            let product = measured(leak);
            assert!((0.5..2.0).contains(&product), "leak {leak}: {product} after 20 layers");
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn any_number_of_blocks_grows_as_much() {
        for blocks in [1, 10, 1000] {
            let squared = (1.0 + branch_scale(blocks).powi(2)).powi(blocks as i32);
            assert!((squared - 2.0).abs() < 1e-9, "{blocks} blocks: {squared}");
        }
    }
}
