//! Exercises of chapter 9. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch09`

use residual::Tensor;

/// Exercise 1. (dx, dγ, dβ) for the numbers `x` of one channel, with ε = 0.
pub fn backward(x: &[f64], dy: &[f64], gamma: f64) -> (Vec<f64>, f64, f64) {
    todo!("the closed form: two sums, then one line")
}

/// What a machine knows of its part of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Numbers of the channel.
    pub count: f64,
    pub mean: f64,
    /// The biased one.
    pub var: f64,
}

/// Exercise 2. The statistics of both parts together.
pub fn joint(a: Part, b: Part) -> Part {
    todo!("the mean of the squares about the joint mean, from three numbers of each part")
}

/// Exercise 3. `x` (N, C) with each *row* normalised: mean 0 and variance 1 over its C numbers, with this ε.
pub fn layer_norm(x: &Tensor<f64>, eps: f64) -> Tensor<f64> {
    todo!("batch norm of something else, with γ = 1 and β = 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{ops::batch_norm, rng::Generator};

    fn numbers(count: usize, stream: u64) -> Vec<f64> {
        let mut rng = Generator::new(9, stream);
        (0..count).map(|_| 3.0 + rng.normal()).collect()
    }

    #[test]
    #[ignore = "yours to solve"]
    fn backward_is_the_crates() {
        let (x, dy) = (numbers(7, 0), numbers(7, 1));
        let column = |values: &[f64]| Tensor::from_vec([7, 1], values.to_vec());
        let gamma = Tensor::full([1], -1.5);
        let (_, saved) = batch_norm::forward(column(&x), &gamma, &Tensor::zeros([1]), 0.0);
        let (expected, dgamma, dbeta) = batch_norm::backward(column(&dy), &saved, &gamma);
        let found = backward(&x, &dy, -1.5);
        for (found, expected) in found.0.iter().zip(expected.as_slice()) {
            assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
        }
        assert_eq!(found.0.len(), 7);
        assert!((found.1 - dgamma.as_slice()[0]).abs() < 1e-12);
        assert!((found.2 - dbeta.as_slice()[0]).abs() < 1e-12);
    }

    #[test]
    #[ignore = "yours to solve"]
    fn two_machines_know_what_one_would() {
        let part = |x: &[f64]| {
            let count = x.len() as f64;
            let mean = x.iter().sum::<f64>() / count;
            Part { count, mean, var: x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count }
        };
        let x = [numbers(5, 2), numbers(3, 3).iter().map(|x| x + 10.0).collect()].concat();
        let (found, expected) = (joint(part(&x[..5]), part(&x[5..])), part(&x));
        assert_eq!(found.count, 8.0);
        assert!((found.mean - expected.mean).abs() < 1e-12, "{found:?} and {expected:?}");
        assert!((found.var - expected.var).abs() < 1e-12, "{found:?} and {expected:?}");
    }

    #[test]
    #[ignore = "yours to solve"]
    fn a_row_needs_no_others() {
        let x = Tensor::from_vec([3, 4], numbers(12, 4));
        let y = layer_norm(&x, 0.0);
        assert_eq!(y.shape(), x.shape());
        for row in y.as_slice().chunks(4) {
            let square = row.iter().map(|y| y * y).sum::<f64>() / 4.0;
            assert!(row.iter().sum::<f64>().abs() < 1e-12 && (square - 1.0).abs() < 1e-12, "{row:?}");
        }
        let alone = layer_norm(&Tensor::from_vec([1, 4], x.as_slice()[..4].to_vec()), 0.0);
        assert!(alone.as_slice().iter().zip(y.as_slice()).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
