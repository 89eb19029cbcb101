//! The hyperbolic tangent: `y = tanh x`, number by number, from -1 to 1; LeNet-5's squashing
//! function (LeCun et al. 1998, appendix A, with other constants).
//!
//! `tanh = sinh / cosh` has the derivative `(cosh² - sinh²) / cosh²`, which is `1 - y²`: backward
//! needs only `y`. Unlike the [sigmoid](super::sigmoid), it is centred on zero and has slope 1 there.

use super::threads;
use crate::{real::Real, tensor::Tensor};

/// `y`, in the memory of `x`.
pub fn forward<T: Real>(mut x: Tensor<T>) -> Tensor<T> {
    threads::split(x.as_mut_slice(), 1, |_, x| x.iter_mut().for_each(|x| *x = tanh(*x)));
    x
}

/// `(k - 1) / (k + 1)` with `k = e²ˣ`, in `f64`: little more than half the time that the standard
/// library's `tanh` takes for `f32`.
///
/// Near zero `k - 1` cancels, but there the series `x - x³/3` is exact to the last digit; beyond 20
/// the result is 1 to the last digit, and the bound keeps `k` finite.
fn tanh<T: Real>(x: T) -> T {
    let x = x.to_f64();
    let k = (2.0 * x.clamp(-20.0, 20.0)).exp();
    let small = x.abs() < 1e-4;
    T::of(if small { x - x * x * x / 3.0 } else { (k - 1.0) / (k + 1.0) })
}

/// `dx = dy · (1 - y²)`, in the memory of `dy`.
///
/// # Panics
/// If `dy` and the output `y` differ in shape.
#[track_caller]
// ANCHOR: backward
pub fn backward<T: Real>(mut dy: Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    assert_eq!(dy.shape(), y.shape(), "dy has the shape of the output");
    let ys = y.as_slice();
    threads::split(dy.as_mut_slice(), 1, |at, dy| {
        dy.iter_mut().zip(&ys[at..]).for_each(|(dy, &y)| *dy *= T::ONE - y * y);
    });
    dy
}
// ANCHOR_END: backward

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

    #[test]
    fn is_the_hyperbolic_tangent_everywhere() {
        let xs: Vec<f64> =
            (-400..=400i32).map(|i| f64::from(i) / 10.0 * 2f64.powi(-(i.abs() % 40))).collect();
        let expected = Tensor::from_fn([xs.len()], |i| xs[i].tanh());
        let y = forward(Tensor::from_vec([xs.len()], xs));
        approx::assert_relative_eq!(y.as_slice(), expected.as_slice(), max_relative = 2e-12);
        let single = forward(y.cast::<f32>());
        let expected = y.cast::<f32>().map(|x| x.tanh());
        approx::assert_relative_eq!(single.as_slice(), expected.as_slice(), max_relative = 3e-7);
        assert!(forward(Tensor::full([1], f32::NAN)).as_slice()[0].is_nan());
        assert_eq!(
            forward(Tensor::from_vec([2], vec![f32::INFINITY, f32::NEG_INFINITY])).as_slice(),
            [1.0, -1.0]
        );
    }
}
