//! Softmax: from scores to probabilities, row by row (Bridle 1990).
//!
//! ```text
//! y[n, k] = exp(x[n, k]) / Σ over j of exp(x[n, j])
//! ```
//!
//! Adding a number to a whole row changes nothing, so we subtract the row's maximum first: the
//! largest exponent is then 0, nothing overflows and the sum is at least 1.
//!
//! Backward: `∂y[k]/∂x[j] = y[k] · ([k = j] - y[j])`. Summed with `dy[k]` over `k` that is
//! `dx[j] = y[j] · (dy[j] - Σ over k of dy[k] · y[k])`.
//!
//! A loss should not go through this: [`super::cross_entropy`] takes the scores themselves.

use crate::{real::Real, tensor::Tensor};

/// `y` (N, classes) from `x` (N, classes), in its memory.
///
/// # Panics
/// If there are not two axes.
#[track_caller]
pub fn forward<T: Real>(mut x: Tensor<T>) -> Tensor<T> {
    let [_, classes] = x.dims();
    x.as_mut_slice().chunks_exact_mut(classes).for_each(|row| {
        normalise(row);
    });
    x
}

/// `dx` (N, classes), in the memory of `dy`, from the output `y`.
///
/// # Panics
/// If the shapes differ or there are not two axes.
#[track_caller]
pub fn backward<T: Real>(mut dy: Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    assert_eq!(dy.shape(), y.shape(), "dy has the shape of the output");
    let [_, classes] = dy.dims();
    let rows = dy.as_mut_slice().chunks_exact_mut(classes);
    for (dy, y) in rows.zip(y.as_slice().chunks_exact(classes)) {
        let mean: T = dy.iter().zip(y).map(|(&dy, &y)| dy * y).sum();
        dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy = y * (*dy - mean));
    }
    dy
}

/// Replaces a row of scores by their probabilities; returns log Σ exp of the scores.
pub(super) fn normalise<T: Real>(row: &mut [T]) -> f64 {
    let max = row.iter().fold(T::NEG_INFINITY, |max, &x| max.max(x));
    row.iter_mut().for_each(|x| *x = (*x - max).exp());
    let sum: f64 = row.iter().map(|x| x.to_f64()).sum();
    let scale = T::of(1.0 / sum);
    row.iter_mut().for_each(|x| *x *= scale);
    max.to_f64() + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exact_for_logarithms() {
        let y = forward(Tensor::from_vec([2, 3], vec![0.0, 2f64.ln(), 5f64.ln(), 4.0, 4.0, 4.0]));
        let expected = [0.125, 0.25, 0.625, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0];
        approx::assert_relative_eq!(y.as_slice(), expected.as_slice(), max_relative = 1e-15);
        let dx = backward(Tensor::from_vec([2, 3], vec![1.0, 0.0, 0.0, 2.0, 2.0, 2.0]), &y);
        let expected = [0.125 * 0.875, -0.125 * 0.25, -0.125 * 0.625, 0.0, 0.0, 0.0];
        approx::assert_abs_diff_eq!(dx.as_slice(), expected.as_slice(), epsilon = 1e-15);
    }

    #[test]
    fn huge_scores_do_not_overflow() {
        let y = forward(Tensor::from_vec([2, 2], vec![1e30f32, 1e30, -1e30, 1e30]));
        assert_eq!(y.as_slice(), [0.5, 0.5, 0.0, 1.0]);
    }

    #[test]
    fn nan_is_not_hidden() {
        let y = forward(Tensor::from_vec([1, 2], vec![f32::NAN, 1.0]));
        assert!(y.as_slice().iter().all(|y| y.is_nan()));
    }
}
