//! Solutions of chapter 4.
//!
//! Exercise 4. At a width of 16 the factors of one seed lie further from theory, and those of ten seeds
//! further from one another: sums over 16 weights vary more than sums over 128. The log of a product of
//! L factors spreads by about √(L / width), so narrow deep networks need luck even with He's variance.
//!
//! Exercise 5. For small z, tanh² z ≈ z² - (2/3)·z⁴, and the mean of z⁴ is 3q². So q falls by 2q² in a
//! layer, which q = 1 / (2l) does. The mean of (1 - tanh² z)² is about 1 - 2q, its root 1 - q. The product of
//! 1 - 1/(2l) over layers has the logarithm -½ · Σ 1/l, about -½ · ln l: the gradient falls as 1/√l.
//! From depth 20 to 60 that is a factor of 0.58; the table says 0.17 / 0.28 = 0.61.

/// Exercise 1. The fewest layers of this `factor`, between 0 and 1, after which a gradient of length 1
/// is shorter than `least`.
pub fn layers_until(factor: f64, least: f64) -> usize {
    let mut length = 1.0;
    let mut layers = 0;
    while length >= least {
        length *= factor;
        layers += 1;
    }
    layers
}

/// Exercise 2. Leaky ReLU is z above zero and `leak`·z below. The deviation of its weights times
/// √fan_in for which a layer keeps the length of a gradient.
pub fn leaky_scale(leak: f64) -> f64 {
    // χ = s² · (1 + leak²) / 2
    (2.0 / (1.0 + leak * leak)).sqrt()
}

/// Exercise 3. Blocks x + a·F(x), where F(x) is as long as x and at a right angle to it. The `a` for
/// which x grows to √2 times its length over this many blocks, however many they are.
pub fn branch_scale(blocks: usize) -> f64 {
    (2f64.powf(1.0 / blocks as f64) - 1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{Tensor, ops::linear, rng::Generator};

    #[test]
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
    fn leaky_relu_keeps_the_length() {
        assert!((leaky_scale(0.0) - 2f64.sqrt()).abs() < 1e-12, "without a leak, He's");
        assert!((leaky_scale(1.0) - 1.0).abs() < 1e-12, "without a corner, the identity's");
        for leak in [0.0, 0.2, 0.5] {
            let product = measured(leak);
            assert!((0.5..2.0).contains(&product), "leak {leak}: {product} after 20 layers");
        }
    }

    #[test]
    fn any_number_of_blocks_grows_as_much() {
        for blocks in [1, 10, 1000] {
            let squared = (1.0 + branch_scale(blocks).powi(2)).powi(blocks as i32);
            assert!((squared - 2.0).abs() < 1e-9, "{blocks} blocks: {squared}");
        }
    }
}
