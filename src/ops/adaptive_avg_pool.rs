//! The mean of each of OH·OW bins that share the image between them, whatever its size, channel by
//! channel. A classifier of fixed width then takes images of any size.
//!
//! ```text
//! bin(i)          = ⌊i·H / OH⌋ .. ⌈(i + 1)·H / OH⌉       rows; columns alike
//! y[n, i, j, c]   = mean over the pixels (h, w) of bin(i) × bin(j) of x[n, h, w, c]
//! ```
//!
//! `x` is (N, H, W, C), `y` is (N, OH, OW, C); the bins are PyTorch's. Where OH divides H they are
//! windows side by side. Otherwise neighbours share a row, and where OH is larger than H, a row is
//! in several bins.
//!
//! Every pixel of a bin moves `y` by `1 / pixels` of its own move, so backward adds that share of
//! `dy` to each of them.

use super::threads;
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};
use std::ops::Range;

/// `y` (N, OH, OW, C) from `x` (N, H, W, C), for `output` (OH, OW).
///
/// ```
/// use residual::{Tensor, ops::adaptive_avg_pool};
/// let x = Tensor::from_vec([1, 1, 3, 1], vec![1.0, 3.0, 5.0]);
/// // Two bins for three pixels: both hold the one in the middle.
/// assert_eq!(adaptive_avg_pool::forward(&x, [1, 2]).as_slice(), [2.0, 4.0]);
/// ```
///
/// # Panics
/// If there are not four axes, or no pixels, or no bins.
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, output: [usize; 2]) -> Tensor<T> {
    let mut y = Tensor::zeros(output_shape(x.shape(), output));
    let ([_, h, w, c], [oh, ow]) = (x.dims(), output);
    threads::each_row(y.as_mut_slice(), ow * c, |i, y| {
        let image = &x.as_slice()[i / oh * h * w * c..][..h * w * c];
        let rows = bin(i % oh, h, oh);
        for (j, y) in y.chunks_exact_mut(c).enumerate() {
            let columns = bin(j, w, ow);
            each_pixel(&rows, &columns, w, |pixel| {
                y.iter_mut().zip(&image[pixel * c..][..c]).for_each(|(sum, &x)| *sum += x);
            });
            let share = share(&rows, &columns);
            y.iter_mut().for_each(|y| *y *= share);
        }
    });
    y
}

/// `dx`, of shape `x`, from `dy` (N, OH, OW, C).
///
/// # Panics
/// If `dy` has not the shape of an output for `x`.
#[track_caller]
pub fn backward<T: Real>(dy: &Tensor<T>, x: Shape) -> Tensor<T> {
    let [_, oh, ow, _] = dy.dims();
    assert_eq!(dy.shape(), output_shape(x, [oh, ow]), "dy has the shape of the output");
    let mut dx = Tensor::zeros(x);
    let [_, h, w, c] = dx.dims();
    threads::each_row(dx.as_mut_slice(), h * w * c, |n, dx| {
        let dy = &dy.as_slice()[n * oh * ow * c..][..oh * ow * c];
        for (i, dy) in dy.chunks_exact(c).enumerate() {
            let (rows, columns) = (bin(i / ow, h, oh), bin(i % ow, w, ow));
            let share = share(&rows, &columns);
            each_pixel(&rows, &columns, w, |pixel| {
                dx[pixel * c..][..c].iter_mut().zip(dy).for_each(|(dx, &dy): (&mut T, _)| *dx += dy * share);
            });
        }
    });
    dx
}

/// The output's shape, (N, OH, OW, C), for an input (N, H, W, C).
///
/// # Panics
/// If there are not four axes, or no pixels, or no bins.
#[track_caller]
pub fn output_shape(x: Shape, [oh, ow]: [usize; 2]) -> Shape {
    let &[n, h, w, c] = x.dims() else { panic!("pooling takes images (N, H, W, C), got {x}") };
    assert!(h * w > 0 && oh * ow > 0, "no pixels, or no bins: ({oh}, {ow}) for {x}");
    Shape::from([n, oh, ow, c])
}

/// What bin `i` of `bins` covers of an axis of this extent: at least one pixel.
fn bin(i: usize, extent: usize, bins: usize) -> Range<usize> {
    i * extent / bins..((i + 1) * extent).div_ceil(bins)
}

fn each_pixel(rows: &Range<usize>, columns: &Range<usize>, w: usize, mut f: impl FnMut(usize)) {
    for row in rows.clone() {
        for column in columns.clone() {
            f(row * w + column);
        }
    }
}

/// What each pixel of a bin counts in its mean.
fn share<T: Real>(rows: &Range<usize>, columns: &Range<usize>) -> T {
    T::of(1.0 / (rows.len() * columns.len()) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{avg_pool, global_avg_pool, pool::Window};
    use super::*;

    fn images(h: usize, w: usize) -> Tensor<f64> {
        Tensor::from_fn([5, h, w, 24], |i| (i * 7919 % 1009) as f64)
    }

    #[test]
    fn even_bins_are_windows() {
        let x = images(30, 28);
        let (y, window) = (forward(&x, [6, 7]), Window::new([5, 4]));
        assert_eq!(y, avg_pool::forward(&x, &window));
        assert_eq!(backward(&y, x.shape()), avg_pool::backward(&y, &window, x.shape()));
    }

    #[test]
    fn one_bin_is_the_image() {
        let x = images(13, 9);
        let y = forward(&x, [1, 1]);
        assert_eq!(y, global_avg_pool::forward(&x));
        assert_eq!(backward(&y, x.shape()), global_avg_pool::backward(&y, x.shape()));
    }

    #[test]
    fn as_many_bins_as_pixels_change_nothing() {
        let x = images(6, 6);
        assert_eq!(forward(&x, [6, 6]), x);
        assert_eq!(backward(&x, x.shape()), x);
    }

    #[test]
    fn more_bins_than_pixels_repeat_them() {
        let x = Tensor::from_vec([1, 1, 2, 1], vec![1.0, 3.0]);
        // 0..1, 0..2 and 1..2 of two pixels.
        let y = forward(&x, [2, 3]);
        assert_eq!(y.as_slice(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        assert_eq!(backward(&y, x.shape()).as_slice(), [4.0, 8.0]);
    }
}
