//! The sum that closes a residual block: `y = a + b`, number by number (He et al. 2016).
//!
//! There is no backward to call. `y` grows by as much as `a` grows, and by as much as `b` grows, so
//! `da = dy` and `db = dy`: both branches receive the same tensor, unscaled and undivided. That is
//! the point of a shortcut: the gradient reaches the block's input without passing a single weight.

use super::{relu, threads};
use crate::{real::Real, simd, tensor::Tensor};

/// `a + b`, in the memory of `a`.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn forward<T: Real>(mut a: Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    assert_eq!(a.shape(), b.shape(), "only tensors of one shape are added");
    let bs = b.as_slice();
    threads::split(a.as_mut_slice(), 1, |at, a| {
        simd::vectorize(|| a.iter_mut().zip(&bs[at..]).for_each(|(a, &b)| *a += b));
    });
    a
}

/// As [`forward`] and a ReLU on its `y`, in one pass over memory.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn forward_relu<T: Real>(mut a: Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    assert_eq!(a.shape(), b.shape(), "only tensors of one shape are added");
    let bs = b.as_slice();
    threads::split(a.as_mut_slice(), 1, |at, a| {
        simd::vectorize(|| a.iter_mut().zip(&bs[at..]).for_each(|(a, &b)| *a = relu::cut(*a + b)));
    });
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_number_by_number() {
        let count = 100_000;
        let sum =
            forward(Tensor::from_fn([count], |i| i as f64), &Tensor::from_fn([count], |i| 2.0 * i as f64));
        assert_eq!(sum, Tensor::from_fn([count], |i| 3.0 * i as f64));
    }

    #[test]
    fn with_a_relu_behind_it_is_both_one_after_the_other() {
        let a = Tensor::from_fn([100_001], |i| (i % 7) as f32 - 3.0);
        let b = Tensor::from_fn([100_001], |i| (i % 5) as f32 - 2.0);
        assert_eq!(forward_relu(a.clone(), &b), relu::forward(forward(a, &b)));
    }

    #[test]
    #[should_panic(expected = "only tensors of one shape")]
    fn refuses_to_broadcast() {
        forward(Tensor::<f32>::zeros([2, 3]), &Tensor::zeros([3]));
    }
}
