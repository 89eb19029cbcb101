//! Solutions of chapter 9's exercises in code. Those on paper are on the page.

use residual::{Tensor, ops::batch_norm::forward};

/// Exercise 1. (dx, dγ, dβ) for the numbers `x` of one channel, with ε = 0.
pub fn backward(x: &[f64], dy: &[f64], gamma: f64) -> (Vec<f64>, f64, f64) {
    let m = x.len() as f64;
    let mean = x.iter().sum::<f64>() / m;
    let var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / m;
    let inv_std = 1.0 / var.sqrt();
    let x_hat: Vec<f64> = x.iter().map(|x| (x - mean) * inv_std).collect();
    let dbeta: f64 = dy.iter().sum();
    let dgamma: f64 = dy.iter().zip(&x_hat).map(|(dy, x_hat)| dy * x_hat).sum();
    let each = dy.iter().zip(&x_hat);
    let dx = each.map(|(dy, x_hat)| gamma * inv_std * (dy - dbeta / m - x_hat * dgamma / m)).collect();
    (dx, dgamma, dbeta)
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
    let count = a.count + b.count;
    let mean = (a.count * a.mean + b.count * b.mean) / count;
    // About the joint mean, a part's mean square is its variance and the square of its mean's distance.
    let squares = |part: Part| part.count * (part.var + (part.mean - mean).powi(2));
    Part { count, mean, var: (squares(a) + squares(b)) / count }
}

/// Exercise 3. `x` (N, C) with each *row* normalised: mean 0 and variance 1 over its C numbers, with this ε.
pub fn layer_norm(x: &Tensor<f64>, eps: f64) -> Tensor<f64> {
    let [n, c] = x.dims();
    let turned = |x: &Tensor<f64>, [n, c]: [usize; 2]| {
        Tensor::from_fn([c, n], |i| x.as_slice()[i % n * c + i / n])
    };
    let (y, _) = forward(turned(x, [n, c]), &Tensor::full([n], 1.0), &Tensor::zeros([n]), eps);
    turned(&y, [c, n])
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
