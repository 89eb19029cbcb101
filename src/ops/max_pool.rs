//! The largest number of every window, channel by channel.
//!
//! ```text
//! y[n, oh, ow, c] = max over the pixels (h, w) of window (oh, ow) of x[n, h, w, c]
//! ```
//!
//! `x` is (N, H, W, C), `y` is (N, OH, OW, C); [`Window`] says where the windows lie. Padding never
//! wins. Of equal numbers the first wins, row by row, and NaN wins over everything, as in PyTorch.
//!
//! Only the winner moves `y`, so backward adds `dy` to the winner's place in `dx`; where windows
//! overlap, one pixel may win several. Forward keeps who won.

use super::{pool::Window, threads};
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// Which pixel of its window won, for every number of the output.
///
/// ```
/// use residual::{Tensor, ops::{max_pool, pool::Window}};
/// let x = Tensor::from_vec([1, 2, 2, 1], vec![1.0, 4.0, 3.0, 2.0]);
/// let (y, winners) = max_pool::forward(&x, &Window::new([2, 2]));
/// assert_eq!(y.as_slice(), [4.0]);
/// let dx = max_pool::backward(&Tensor::full([1, 1, 1, 1], 7.0), &winners, x.shape());
/// assert_eq!(dx.as_slice(), [0.0, 7.0, 0.0, 0.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Winners {
    window: Window,
    // Position in the window, padding included, row by row: as wide as f32, so that comparing and
    // choosing take the same vector lanes.
    taps: Vec<u32>,
}

/// `y` (N, OH, OW, C) from `x` (N, H, W, C), and what backward needs.
///
/// # Panics
/// If there are not four axes or no window fits.
#[track_caller]
// ANCHOR: forward
pub fn forward<T: Real>(x: &Tensor<T>, window: &Window) -> (Tensor<T>, Winners) {
    let mut y = Tensor::scratch(window.output_shape(x.shape()));
    let ([_, h, w, c], [_, oh, ow, _]) = (x.dims(), y.dims());
    let mut taps = vec![0; y.len()];
    threads::each_row2(y.as_mut_slice(), &mut taps, ow * c, |i, y, taps| {
        let image = &x.as_slice()[i / oh * h * w * c..][..h * w * c];
        let outputs = y.chunks_exact_mut(c).zip(taps.chunks_exact_mut(c));
        for (j, (y, taps)) in outputs.enumerate() {
            let mut first = true;
            each_tap(window, [i % oh, j], [h, w], |pixel, tap| {
                let x = &image[pixel * c..][..c];
                if first {
                    y.copy_from_slice(x);
                    taps.fill(tap);
                } else {
                    challenge(y, taps, x, tap);
                }
                first = false;
            });
        }
    });
    (y, Winners { window: *window, taps })
}
// ANCHOR_END: forward

/// Every channel of `x` that is larger takes its place in `y`.
///
/// Who wins is as good as random, so a branch would be guessed wrong all the time: both numbers are
/// read first and always written, which leaves the compiler nothing to branch on.
fn challenge<T: Real>(y: &mut [T], taps: &mut [u32], x: &[T], tap: u32) {
    for ((y, winner), &x) in y.iter_mut().zip(taps).zip(x) {
        let best = *y;
        // A NaN is the only number that differs from itself.
        #[expect(clippy::eq_op, reason = "it asks for NaN")]
        let wins = (x > best) | (x != x);
        *y = if wins { x } else { best };
        let mask = u32::from(wins).wrapping_neg();
        *winner = (*winner & !mask) | (tap & mask);
    }
}

/// Calls `f` with the pixel in the image, and its position in the window, for every pixel of the
/// window.
fn each_tap(window: &Window, [i, j]: [usize; 2], [h, w]: [usize; 2], mut f: impl FnMut(usize, u32)) {
    let tap = |axis: usize, at: usize, i: usize| at + window.padding[axis] - i * window.stride[axis];
    for row in window.span(0, i, h) {
        for col in window.span(1, j, w) {
            f(row * w + col, (tap(0, row, i) * window.kernel[1] + tap(1, col, j)) as u32);
        }
    }
}

/// `dx`, of shape `x`, from `dy` (N, OH, OW, C).
///
/// # Panics
/// If the shapes are not those of the forward that found the winners.
#[track_caller]
// ANCHOR: backward
pub fn backward<T: Real>(dy: &Tensor<T>, winners: &Winners, x: Shape) -> Tensor<T> {
    let window = &winners.window;
    assert_eq!(dy.shape(), window.output_shape(x), "dy has the shape of the output");
    assert_eq!(dy.len(), winners.taps.len(), "winners of another forward, for dy {}", dy.shape());
    let mut dx = Tensor::zeros(x);
    let ([_, h, w, c], [_, oh, ow, _]) = (dx.dims(), dy.dims());
    threads::each_row(dx.as_mut_slice(), h * w * c, |n, dx| {
        let image = n * oh * ow * c..(n + 1) * oh * ow * c;
        let (dy, taps) = (&dy.as_slice()[image.clone()], &winners.taps[image]);
        for (i, (dy, taps)) in dy.chunks_exact(c).zip(taps.chunks_exact(c)).enumerate() {
            each_tap(window, [i / ow, i % ow], [h, w], |pixel, tap| {
                let dx = &mut dx[pixel * c..][..c];
                for ((dx, &dy), &winner) in dx.iter_mut().zip(dy).zip(taps) {
                    *dx += if winner == tap { dy } else { T::ZERO };
                }
            });
        }
    });
    dx
}
// ANCHOR_END: backward

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_windows_may_have_the_same_winner() {
        let x = Tensor::from_vec([1, 3, 3, 1], vec![1.0, 2.0, 3.0, 4.0, 9.0, 5.0, 6.0, 7.0, 8.0]);
        let (y, winners) = forward(&x, &Window::new([2, 2]).stride([1, 1]));
        assert_eq!(y.as_slice(), [9.0; 4]);
        let dx = backward(&Tensor::from_vec([1, 2, 2, 1], vec![1.0, 2.0, 3.0, 4.0]), &winners, x.shape());
        assert_eq!(dx.as_slice(), [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn each_channel_has_its_own_winner() {
        let x = Tensor::from_vec([1, 1, 2, 2], vec![1.0, 20.0, 2.0, 10.0]);
        let (y, winners) = forward(&x, &Window::new([1, 2]));
        assert_eq!(y.as_slice(), [2.0, 20.0]);
        let dx = backward(&y, &winners, x.shape());
        assert_eq!(dx.as_slice(), [0.0, 20.0, 2.0, 0.0]);
    }

    #[test]
    fn padding_never_wins_and_the_first_of_equals_does() {
        let x = Tensor::full([1, 2, 2, 1], -3.0);
        let window = Window::new([3, 3]).stride([2, 2]).padding([1, 1]).ceil_mode(true);
        let (y, winners) = forward(&x, &window);
        assert_eq!(y, Tensor::full([1, 2, 2, 1], -3.0));
        let dx = backward(&Tensor::from_vec([1, 2, 2, 1], vec![1.0, 2.0, 4.0, 8.0]), &winners, x.shape());
        assert_eq!(dx.as_slice(), [1.0, 2.0, 4.0, 8.0]);
        let x = Tensor::full([1, 2, 2, 1], f64::NEG_INFINITY);
        let (y, winners) = forward(&x, &Window::new([2, 2]));
        assert_eq!(y.as_slice(), [f64::NEG_INFINITY]);
        assert_eq!(
            backward(&Tensor::full([1, 1, 1, 1], 5.0), &winners, x.shape()).as_slice(),
            [5.0, 0.0, 0.0, 0.0]
        );
    }

    #[test]
    fn nan_wins_wherever_it_stands() {
        for at in 0..4 {
            let x = Tensor::from_fn([1, 2, 2, 1], |i| if i == at { f32::NAN } else { i as f32 });
            let (y, winners) = forward(&x, &Window::new([2, 2]));
            assert!(y.as_slice()[0].is_nan());
            let dx = backward(&Tensor::full([1, 1, 1, 1], 1.0), &winners, x.shape());
            assert_eq!(dx.as_slice()[at], 1.0);
        }
    }

    #[test]
    fn large_batches_are_cut_right() {
        let x = Tensor::from_fn([5, 32, 32, 24], |i| (i * 7919 % 10_007) as f32);
        let (y, winners) = forward(&x, &Window::new([2, 2]));
        for (i, &y) in y.as_slice().iter().enumerate() {
            let (c, j, row) = (i % 24, i / 24 % 16, i / 24 / 16);
            let at = |h: usize, w: usize| x.as_slice()[((2 * row + h) * 32 + 2 * j + w) * 24 + c];
            assert_eq!(y, at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1)));
        }
        // What is handed back is the value at each winner, and nothing elsewhere.
        let dx = backward(&y, &winners, x.shape());
        assert!(dx.as_slice().iter().zip(x.as_slice()).all(|(&dx, &x)| dx == 0.0 || dx == x));
        let sum = |t: &Tensor<f32>| t.as_slice().iter().map(|&x| f64::from(x)).sum::<f64>();
        assert_eq!(sum(&dx), sum(&y));
    }
}
