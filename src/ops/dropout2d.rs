//! Dropout of whole channels (Tompson et al. 2015, "Efficient Object Localization Using
//! Convolutional Networks", section 3.2).
//!
//! Neighbouring pixels of a feature map say almost the same, so leaving single ones out hides
//! little. Here a draw decides over a channel of an image as a whole: of `x` (N, H, W, C) every
//! (n, c) is zeroed with probability `p`, and what stays is multiplied by `1 / (1 - p)`. Given the
//! [`Mask`], backward multiplies `dy` by the same factors.

use super::threads;
use crate::{
    real::Real,
    rng::Generator,
    tensor::{Shape, Tensor},
};

/// By what each channel of each image was multiplied: 0 or `1 / (1 - p)`.
///
/// ```
/// use residual::{Tensor, ops::dropout2d, rng::Generator};
/// let x = Tensor::full([1, 2, 2, 3], 1.0f32);
/// let (y, mask) = dropout2d::forward(x.clone(), 0.5, &mut Generator::new(7, 0));
/// let (first, last) = (&y.as_slice()[..3], &y.as_slice()[9..]);
/// assert_eq!(first, last);
/// assert_eq!(dropout2d::backward(x, &mask), y);
/// ```
#[derive(Clone, Debug)]
pub struct Mask {
    images: Shape,
    factors: Vec<f64>,
}

/// `y`, in the memory of `x`, and what backward needs. An [idle](Generator::idle) generator leaves all
/// as it is.
///
/// # Panics
/// If there are not four axes, or `p` is not between 0 and 1.
#[track_caller]
pub fn forward<T: Real>(x: Tensor<T>, p: f64, generator: &mut Generator) -> (Tensor<T>, Mask) {
    assert!((0.0..=1.0).contains(&p), "a probability is between 0 and 1, got {p}");
    let p = if generator.is_idle() { 0.0 } else { p };
    let factor = |kept: bool| if kept { 1.0 / (1.0 - p) } else { 0.0 };
    let factors = (0..draws(x.shape())).map(|_| factor(generator.uniform() >= p)).collect();
    let mask = Mask { images: x.shape(), factors };
    (masked(x, &mask), mask)
}

/// `dx`, in the memory of `dy`.
///
/// # Panics
/// If the mask is one of another shape.
#[track_caller]
pub fn backward<T: Real>(dy: Tensor<T>, mask: &Mask) -> Tensor<T> {
    assert_eq!(dy.shape(), mask.images, "dy has the shape of the output");
    masked(dy, mask)
}

/// How many numbers are drawn for an input of this shape.
///
/// # Panics
/// If there are not four axes.
#[track_caller]
pub fn draws(x: Shape) -> usize {
    let &[n, _, _, c] = x.dims() else { panic!("Dropout2d takes images (N, H, W, C), got {x}") };
    n * c
}

fn masked<T: Real>(mut x: Tensor<T>, mask: &Mask) -> Tensor<T> {
    let [_, h, w, c] = x.dims();
    threads::each_row(x.as_mut_slice(), c, |pixel, x| {
        let factors = &mask.factors[pixel / (h * w) * c..][..c];
        for (x, &factor) in x.iter_mut().zip(factors) {
            // Not 0·x, which keeps a NaN.
            *x = if factor == 0.0 { T::ZERO } else { *x * T::of(factor) };
        }
    });
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_generator_drops_nothing() {
        let x = Tensor::from_fn([2, 1, 1, 5], |i| i as f32);
        let (y, mask) = forward(x.clone(), 0.9, &mut Generator::new(1, 0).idle());
        assert_eq!((&y, &backward(y.clone(), &mask)), (&x, &x));
    }

    #[test]
    fn drops_about_p_of_the_channels_and_all_their_pixels() {
        let (n, c, p) = (40, 500, 0.3);
        let (y, _) = forward(Tensor::full([n, 2, 2, c], 1.0f64), p, &mut Generator::new(3, 0));
        let image = |i: usize| &y.as_slice()[i * 4 * c..][..4 * c];
        let mut dropped = 0;
        for i in 0..n {
            let pixels: Vec<_> = image(i).chunks(c).collect();
            assert!(pixels.iter().all(|pixel| *pixel == pixels[0]));
            assert!(pixels[0].iter().all(|&y| y == 0.0 || y == 1.0 / 0.7));
            dropped += pixels[0].iter().filter(|&&y| y == 0.0).count();
        }
        let count = (n * c) as f64;
        // Five standard deviations.
        assert!((dropped as f64 / count - p).abs() < 5.0 * (p * (1.0 - p) / count).sqrt());
        assert_ne!(image(0), image(1));
    }

    #[test]
    fn nothing_or_everything_can_be_dropped() {
        let x = Tensor::from_fn([1, 2, 2, 3], |i| i as f32);
        assert_eq!(forward(x.clone(), 0.0, &mut Generator::new(1, 0)).0, x);
        assert_eq!(forward(x, 1.0, &mut Generator::new(1, 0)).0, Tensor::zeros([1, 2, 2, 3]));
    }
}
