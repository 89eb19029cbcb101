//! The mean of every channel over the whole image: (N, H, W, C) to (N, 1, 1, C).
//!
//! It replaces the fully connected layers at the end of a network: no weights, and any image size
//! fits (Lin et al. 2014). Every pixel has the same share in the mean, so backward hands each one
//! `dy / (H·W)`.

use super::threads;
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// `y` (N, 1, 1, C) from `x` (N, H, W, C).
///
/// # Panics
/// If there are not four axes, or an image has no pixels.
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>) -> Tensor<T> {
    let [n, h, w, c] = x.dims();
    assert!(h * w > 0, "no pixels to average in {}", x.shape());
    let mut y = Tensor::zeros([n, 1, 1, c]);
    let share = T::of(1.0 / (h * w) as f64);
    for (y, image) in y.as_mut_slice().chunks_exact_mut(c).zip(x.as_slice().chunks_exact(h * w * c)) {
        for pixel in image.chunks_exact(c) {
            y.iter_mut().zip(pixel).for_each(|(sum, &x)| *sum += x);
        }
        y.iter_mut().for_each(|y| *y *= share);
    }
    y
}

/// `dx`, of shape `x`, from `dy` (N, 1, 1, C).
///
/// # Panics
/// If `dy` has not the shape of the output.
#[track_caller]
pub fn backward<T: Real>(dy: &Tensor<T>, x: Shape) -> Tensor<T> {
    let mut dx = Tensor::scratch(x);
    let [n, h, w, c] = dx.dims();
    assert_eq!(dy.shape(), Shape::from([n, 1, 1, c]), "dy has the shape of the output");
    // ANCHOR: backward
    let share = T::of(1.0 / (h * w) as f64);
    threads::each_row(dx.as_mut_slice(), h * w * c, |n, dx| {
        let dy = &dy.as_slice()[n * c..][..c];
        for pixel in dx.chunks_exact_mut(c) {
            pixel.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = dy * share);
        }
    });
    // ANCHOR_END: backward
    dx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_mean_of_each_channel() {
        let x = Tensor::from_vec([2, 1, 2, 2], vec![1.0, 10.0, 3.0, 20.0, 5.0, 0.0, 6.0, 1.0]);
        let y = forward(&x);
        assert_eq!(y, Tensor::from_vec([2, 1, 1, 2], vec![2.0, 15.0, 5.5, 0.5]));
        let dx = backward(&y, x.shape());
        assert_eq!(dx.as_slice(), [1.0, 7.5, 1.0, 7.5, 2.75, 0.25, 2.75, 0.25]);
    }
}
