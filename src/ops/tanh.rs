//! The hyperbolic tangent: `y = tanh x`, number by number, from -1 to 1; LeNet-5's squashing
//! function (LeCun et al. 1998, appendix A, with other constants).
//!
//! `tanh = sinh / cosh` has the derivative `(cosh² - sinh²) / cosh²`, which is `1 - y²`: backward
//! needs only `y`. Unlike the [sigmoid](super::sigmoid), it is centred on zero and has slope 1 there.

use super::threads;
use crate::{real::Real, tensor::Tensor};

/// `y`, in the memory of `x`.
pub fn forward<T: Real>(mut x: Tensor<T>) -> Tensor<T> {
    threads::split(x.as_mut_slice(), 1, |_, x| x.iter_mut().for_each(|x| *x = x.tanh()));
    x
}

/// `dx = dy · (1 - y²)`, in the memory of `dy`.
///
/// # Panics
/// If `dy` and the output `y` differ in shape.
#[track_caller]
pub fn backward<T: Real>(mut dy: Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    assert_eq!(dy.shape(), y.shape(), "dy has the shape of the output");
    let ys = y.as_slice();
    threads::split(dy.as_mut_slice(), 1, |at, dy| {
        dy.iter_mut().zip(&ys[at..]).for_each(|(dy, &y)| *dy *= T::ONE - y * y);
    });
    dy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exact_at_its_landmarks() {
        // tanh(ln 2) = (2 - 1/2) / (2 + 1/2)
        let y = forward(Tensor::from_vec([4], vec![0.0f64, 2f64.ln(), -1e3, 1e3]));
        approx::assert_relative_eq!(y.as_slice(), [0.0, 0.6, -1.0, 1.0].as_slice(), max_relative = 1e-15);
        let dx = backward(Tensor::full([4], 2.0), &y);
        approx::assert_relative_eq!(dx.as_slice(), [2.0, 1.28, 0.0, 0.0].as_slice(), max_relative = 1e-15);
    }
}
