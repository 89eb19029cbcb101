//! The logistic function: `y = 1 / (1 + e⁻ˣ)`, number by number, from 0 to 1.
//!
//! Differentiating gives `e⁻ˣ / (1 + e⁻ˣ)²`, which is `y · (1 - y)`: backward needs only `y`. The
//! slope is at most 1/4 and vanishes on both sides, which is why deep networks of sigmoids hardly
//! learn (Glorot and Bengio 2010).

use super::threads;
use crate::{real::Real, tensor::Tensor};

/// `y`, in the memory of `x`.
pub fn forward<T: Real>(mut x: Tensor<T>) -> Tensor<T> {
    threads::split(x.as_mut_slice(), 1, |_, x| x.iter_mut().for_each(|x| *x = sigmoid(*x)));
    x
}

/// The exponent is never positive, so that it cannot overflow: below zero we use
/// `1 / (1 + e⁻ˣ) = eˣ / (1 + eˣ)`, which also keeps the digits of tiny results.
fn sigmoid<T: Real>(x: T) -> T {
    let e = (-x.abs()).exp();
    if x < T::ZERO { e / (T::ONE + e) } else { T::ONE / (T::ONE + e) }
}

/// `dx = dy · y · (1 - y)`, in the memory of `dy`.
///
/// # Panics
/// If `dy` and the output `y` differ in shape.
// ANCHOR: backward
#[track_caller]
pub fn backward<T: Real>(mut dy: Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    assert_eq!(dy.shape(), y.shape(), "dy has the shape of the output");
    let ys = y.as_slice();
    threads::split(dy.as_mut_slice(), 1, |at, dy| {
        dy.iter_mut().zip(&ys[at..]).for_each(|(dy, &y)| *dy *= y * (T::ONE - y));
    });
    dy
}
// ANCHOR_END: backward

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exact_at_its_landmarks() {
        let y = forward(Tensor::from_vec([3], vec![0.0f64, 3f64.ln(), -3f64.ln()]));
        approx::assert_relative_eq!(y.as_slice(), [0.5, 0.75, 0.25].as_slice(), max_relative = 1e-15);
        let dx = backward(Tensor::full([3], 2.0), &y);
        approx::assert_relative_eq!(dx.as_slice(), [0.5, 0.375, 0.375].as_slice(), max_relative = 1e-15);
    }

    #[test]
    fn far_out_it_neither_overflows_nor_rounds_to_zero_early() {
        let y = forward(Tensor::from_vec([4], vec![1e4f32, -1e4, -90.0, f32::NAN]));
        let y = y.as_slice();
        assert_eq!(y[..2], [1.0, 0.0]);
        approx::assert_relative_eq!(f64::from(y[2]), (-90f64).exp(), max_relative = 1e-4);
        assert!(y[3].is_nan());
    }
}
