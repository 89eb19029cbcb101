//! Dropout: in training, each number is zeroed with probability `p` (Srivastava et al. 2014).
//!
//! What stays is multiplied by `1 / (1 - p)` ("inverted" dropout), so that the expected value of `y`
//! is `x` and nothing has to be rescaled in evaluation, where dropout is left out altogether.
//! Given the [`Mask`] of what stayed, the operation is linear: backward multiplies `dy` by the same
//! factors, 0 or `1 / (1 - p)`.

use crate::{
    real::Real,
    rng::Generator,
    tensor::{Shape, Tensor},
};

/// Which numbers stayed, and by what they were multiplied.
///
/// ```
/// use residual::{Tensor, ops::dropout, rng::Generator};
/// let (y, mask) = dropout::forward(Tensor::full([1000], 1.0f32), 0.5, &mut Generator::new(7, 0));
/// assert!(y.as_slice().iter().all(|&y| y == 0.0 || y == 2.0));
/// assert_eq!(dropout::backward(Tensor::full([1000], 1.0f32), &mask), y);
/// ```
#[derive(Clone, Debug)]
pub struct Mask {
    kept: Vec<bool>,
    scale: f64,
}

/// `y`, in the memory of `x`, and what backward needs.
///
/// The mask is drawn number by number, so that the same generator drops the same numbers on any
/// machine and on any number of threads.
///
/// An [idle](Generator::idle) generator leaves all as it is.
///
/// # Panics
/// If `p` is not between 0 and 1.
#[track_caller]
// ANCHOR: forward
pub fn forward<T: Real>(x: Tensor<T>, p: f64, generator: &mut Generator) -> (Tensor<T>, Mask) {
    assert!((0.0..=1.0).contains(&p), "a probability is between 0 and 1, got {p}");
    let p = if generator.is_idle() { 0.0 } else { p };
    let kept = (0..x.len()).map(|_| generator.uniform() >= p).collect();
    // With p = 1 nothing stays, and an infinite factor would have nothing to multiply.
    let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
    let mask = Mask { kept, scale };
    (masked(x, &mask), mask)
}
// ANCHOR_END: forward

/// `dx`, in the memory of `dy`.
///
/// # Panics
/// If the mask is not one of a tensor with as many numbers.
#[track_caller]
// ANCHOR: backward
pub fn backward<T: Real>(dy: Tensor<T>, mask: &Mask) -> Tensor<T> {
    assert_eq!(dy.len(), mask.kept.len(), "a mask has one entry for each number of {}", dy.shape());
    masked(dy, mask)
}
// ANCHOR_END: backward

/// How many numbers are drawn for an input of this shape.
pub fn draws(x: Shape) -> usize {
    x.len()
}

fn masked<T: Real>(mut x: Tensor<T>, mask: &Mask) -> Tensor<T> {
    let scale = T::of(mask.scale);
    for (x, &kept) in x.as_mut_slice().iter_mut().zip(&mask.kept) {
        *x = if kept { *x * scale } else { T::ZERO };
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_generator_drops_nothing() {
        let x = Tensor::from_fn([10], |i| i as f32);
        let (y, mask) = forward(x.clone(), 0.9, &mut Generator::new(1, 0).idle());
        assert_eq!((&y, &backward(y.clone(), &mask)), (&x, &x));
    }

    #[test]
    fn drops_about_p_and_keeps_the_mean() {
        let count = 100_000;
        for p in [0.1, 0.5, 0.8] {
            let (y, _) = forward(Tensor::full([count], 1.0f64), p, &mut Generator::new(3, 0));
            let dropped = y.as_slice().iter().filter(|&&y| y == 0.0).count() as f64 / count as f64;
            let mean = y.as_slice().iter().sum::<f64>() / count as f64;
            // Five standard deviations of a count of 100,000.
            assert!((dropped - p).abs() < 5.0 * (p * (1.0 - p) / count as f64).sqrt(), "{dropped} for {p}");
            assert!((mean - 1.0).abs() < 5.0 * (p / (1.0 - p) / count as f64).sqrt(), "mean {mean} for {p}");
        }
    }

    #[test]
    fn nothing_or_everything_can_be_dropped() {
        let x = Tensor::from_fn([10], |i| i as f32);
        assert_eq!(forward(x.clone(), 0.0, &mut Generator::new(1, 0)).0, x);
        assert_eq!(forward(x, 1.0, &mut Generator::new(1, 0)).0, Tensor::zeros([10]));
    }

    #[test]
    fn the_next_draw_is_another_mask() {
        let mut generator = Generator::new(1, 0);
        let mut draw = || forward(Tensor::full([64], 1.0f32), 0.5, &mut generator).0;
        assert_ne!(draw(), draw());
    }
}
