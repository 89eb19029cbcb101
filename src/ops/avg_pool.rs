//! The mean of every window, channel by channel.
//!
//! ```text
//! y[n, oh, ow, c] = (Σ over the pixels (h, w) of window (oh, ow) of x[n, h, w, c]) / pixels
//! ```
//!
//! `x` is (N, H, W, C), `y` is (N, OH, OW, C); [`Window`] says where the windows lie and, with
//! `count_include_pad`, whether `pixels` counts the padding's zeros. What hangs over the padding in
//! `ceil_mode` is never counted, as in PyTorch.
//!
//! Every pixel of a window moves `y` by `1 / pixels` of its own move, so backward adds that share
//! of `dy` to each of them.

use super::{pool::Window, threads};
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// `y` (N, OH, OW, C) from `x` (N, H, W, C).
///
/// # Panics
/// If there are not four axes or no window fits.
#[track_caller]
// ANCHOR: forward
pub fn forward<T: Real>(x: &Tensor<T>, window: &Window) -> Tensor<T> {
    let mut y = Tensor::zeros(window.output_shape(x.shape()));
    let ([_, h, w, c], [_, oh, ow, _]) = (x.dims(), y.dims());
    threads::each_row(y.as_mut_slice(), ow * c, |i, y| {
        let image = &x.as_slice()[i / oh * h * w * c..][..h * w * c];
        for (j, y) in y.chunks_exact_mut(c).enumerate() {
            let at = [i % oh, j];
            each_pixel(window, at, [h, w], |pixel| {
                y.iter_mut().zip(&image[pixel * c..][..c]).for_each(|(sum, &x)| *sum += x);
            });
            let share = T::of(1.0 / pixels(window, at, [h, w]) as f64);
            y.iter_mut().for_each(|y| *y *= share);
        }
    });
    y
}
// ANCHOR_END: forward

/// `dx`, of shape `x`, from `dy` (N, OH, OW, C).
///
/// # Panics
/// If `dy` has not the shape of the output.
#[track_caller]
// ANCHOR: backward
pub fn backward<T: Real>(dy: &Tensor<T>, window: &Window, x: Shape) -> Tensor<T> {
    assert_eq!(dy.shape(), window.output_shape(x), "dy has the shape of the output");
    let mut dx = Tensor::zeros(x);
    let ([_, h, w, c], [_, oh, ow, _]) = (dx.dims(), dy.dims());
    threads::each_row(dx.as_mut_slice(), h * w * c, |n, dx| {
        let dy = &dy.as_slice()[n * oh * ow * c..][..oh * ow * c];
        for (i, dy) in dy.chunks_exact(c).enumerate() {
            let at = [i / ow, i % ow];
            let share = T::of(1.0 / pixels(window, at, [h, w]) as f64);
            each_pixel(window, at, [h, w], |pixel| {
                dx[pixel * c..][..c].iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy * share);
            });
        }
    });
    dx
}
// ANCHOR_END: backward

/// Calls `f` with every pixel of the image that window (i, j) covers.
fn each_pixel(window: &Window, [i, j]: [usize; 2], [h, w]: [usize; 2], mut f: impl FnMut(usize)) {
    for row in window.span(0, i, h) {
        for col in window.span(1, j, w) {
            f(row * w + col);
        }
    }
}

/// What the sum over window (i, j) is divided by.
fn pixels(window: &Window, [i, j]: [usize; 2], [h, w]: [usize; 2]) -> usize {
    if window.count_include_pad {
        window.padded_len(0, i, h) * window.padded_len(1, j, w)
    } else {
        window.span(0, i, h).len() * window.span(1, j, w).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_mean_and_hands_equal_shares_back() {
        let x = Tensor::from_vec([1, 2, 2, 2], vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, 60.0]);
        let window = Window::new([2, 2]);
        assert_eq!(forward(&x, &window).as_slice(), [3.0, 30.0]);
        let dx = backward(&Tensor::from_vec([1, 1, 1, 2], vec![4.0, 8.0]), &window, x.shape());
        assert_eq!(dx.as_slice(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn padding_counts_as_zeros_or_not_at_all() {
        let x = Tensor::full([1, 2, 2, 1], 1.0);
        let window = Window::new([2, 2]).padding([1, 1]);
        assert_eq!(forward(&x, &window), Tensor::full([1, 2, 2, 1], 0.25));
        assert_eq!(forward(&x, &window.count_include_pad(false)), x);
    }

    #[test]
    fn what_hangs_over_the_padding_is_never_counted() {
        // Along each axis the windows cover -1..2, 1..4 and 3..6 of 4 pixels and one of padding on
        // either side: 3, 3 and 2 pixels with padding, 2, 3 and 1 without.
        let x = Tensor::full([1, 4, 4, 1], 1.0f64);
        let window = Window::new([3, 3]).stride([2, 2]).padding([1, 1]).ceil_mode(true);
        let means = [2.0 / 3.0, 3.0 / 3.0, 1.0 / 2.0];
        let expected = Tensor::from_fn([1, 3, 3, 1], |i| means[i / 3] * means[i % 3]);
        approx::assert_relative_eq!(
            forward(&x, &window).as_slice(),
            expected.as_slice(),
            max_relative = 1e-15
        );
        let inside = forward(&x, &window.count_include_pad(false));
        approx::assert_relative_eq!(inside.as_slice(), [1.0; 9].as_slice(), max_relative = 1e-15);
    }

    #[test]
    fn large_batches_are_cut_right() {
        let x = Tensor::from_fn([5, 32, 32, 24], |i| (i * 7919 % 1009) as f64);
        let window = Window::new([32, 32]);
        let (y, all) = (forward(&x, &window), super::super::global_avg_pool::forward(&x));
        approx::assert_relative_eq!(y.as_slice(), all.as_slice(), max_relative = 1e-12);
        assert_eq!(backward(&y, &window, x.shape()), super::super::global_avg_pool::backward(&y, x.shape()));
    }
}
