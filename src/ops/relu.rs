//! The rectified linear unit: `y = max(x, 0)`, number by number (Nair and Hinton 2010).
//!
//! Its slope is 1 where `x > 0` and 0 where `x < 0`. At 0 there is a kink, where any slope between
//! the two is a subgradient; like PyTorch we take 0. Since `y > 0` where `x > 0` and nowhere else,
//! backward needs only `y`, which the next layer keeps anyway.

use super::threads;
use crate::{real::Real, simd, tensor::Tensor};

/// max(x, 0); NaN stays NaN. Inlined, as [`simd::vectorize`] wants it.
#[inline(always)]
pub(super) fn cut<T: Real>(x: T) -> T {
    if x <= T::ZERO { T::ZERO } else { x }
}

/// `y`, in the memory of `x`. NaN stays NaN.
pub fn forward<T: Real>(mut x: Tensor<T>) -> Tensor<T> {
    threads::split(x.as_mut_slice(), 1, |_, x| simd::vectorize(|| x.iter_mut().for_each(|x| *x = cut(*x))));
    x
}

/// `dx`, in the memory of `dy`: where `y = x` it is `dy`, where `y = 0` it is 0.
///
/// # Panics
/// If `dy` and the output `y` differ in shape.
#[track_caller]
// ANCHOR: backward
pub fn backward<T: Real>(mut dy: Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    assert_eq!(dy.shape(), y.shape(), "dy has the shape of the output");
    let ys = y.as_slice();
    threads::split(dy.as_mut_slice(), 1, |at, dy| {
        simd::vectorize(|| {
            for (dy, &y) in dy.iter_mut().zip(&ys[at..]) {
                *dy = if y <= T::ZERO { T::ZERO } else { *dy };
            }
        });
    });
    dy
}
// ANCHOR_END: backward

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_off_below_zero_and_has_no_slope_there() {
        let y = forward(Tensor::from_vec([5], vec![-2.0f32, -0.0, 0.0, 1e-30, 3.0]));
        assert_eq!(y.as_slice(), [0.0, 0.0, 0.0, 1e-30, 3.0]);
        let dx = backward(Tensor::full([5], 7.0), &y);
        assert_eq!(dx.as_slice(), [0.0, 0.0, 0.0, 7.0, 7.0]);
    }

    #[test]
    fn does_not_hide_nan() {
        let y = forward(Tensor::full([1], f32::NAN));
        assert!(y.as_slice()[0].is_nan());
    }

    #[test]
    fn large_tensors_are_cut_right() {
        let x = Tensor::from_fn([3, 70_001], |i| if i % 3 == 0 { i as f32 } else { -1.0 });
        let y = forward(x);
        assert!(y.as_slice().iter().enumerate().all(|(i, &y)| y == if i % 3 == 0 { i as f32 } else { 0.0 }));
        let dx = backward(Tensor::from_fn([3, 70_001], |i| i as f32), &y);
        assert_eq!(dx, y);
    }
}
