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
//!
//! The fast form is [`crate::kernels::max_pool`]; [`naive`] is the definition.

pub mod naive;

use super::{pool::Window, threads};
use crate::{
    buffer::Buffer,
    kernels::max_pool::{Meeting, Walk},
    real::Real,
    simd::Isa,
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
pub struct Winners<T: Real> {
    window: Window,
    /// Positions in the window, padding included, row by row: numbers of `y`'s type, which take the same vector lanes.
    taps: Buffer<T>,
}

/// `y` (N, OH, OW, C) from `x` (N, H, W, C), and what backward needs.
///
/// # Panics
/// If there are not four axes or no window fits.
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, window: &Window) -> (Tensor<T>, Winners<T>) {
    forward_on(Isa::current(), x, window)
}

#[track_caller]
fn forward_on<T: Real>(isa: Isa, x: &Tensor<T>, window: &Window) -> (Tensor<T>, Winners<T>) {
    let mut y = Tensor::scratch(window.output_shape(x.shape()));
    let mut taps = Buffer::scratch(y.len());
    let windows = Windows::new(x, &y, window);
    threads::split2(y.as_mut_slice(), &mut taps, windows.row(), |first, y, taps| {
        windows.each(first, y.len(), |at, walk, x| {
            T::max_pool(isa, &walk, x, (&mut y[at..], Some(&mut taps[at..])));
        });
    });
    (y, Winners { window: *window, taps })
}

/// `y` alone, for a network that only judges.
///
/// ```
/// use residual::{Tensor, ops::{max_pool, pool::Window}};
/// let x = Tensor::from_fn([1, 8, 8, 3], |i| (i * 7 % 10) as f32);
/// let window = Window::new([3, 3]).stride([2, 2]);
/// assert_eq!(max_pool::largest(&x, &window), max_pool::forward(&x, &window).0);
/// ```
///
/// # Panics
/// As [`forward`].
#[track_caller]
pub fn largest<T: Real>(x: &Tensor<T>, window: &Window) -> Tensor<T> {
    largest_on(Isa::current(), x, window)
}

#[track_caller]
fn largest_on<T: Real>(isa: Isa, x: &Tensor<T>, window: &Window) -> Tensor<T> {
    let mut y = Tensor::scratch(window.output_shape(x.shape()));
    let windows = Windows::new(x, &y, window);
    threads::split(y.as_mut_slice(), windows.row(), |first, y| {
        windows.each(first, y.len(), |at, walk, x| T::max_pool(isa, &walk, x, (&mut y[at..], None)));
    });
    y
}

/// All windows of a batch, row by row.
struct Windows<'a, T: Real> {
    x: &'a Tensor<T>,
    /// The pixels of each row, and of each column, of windows.
    rows: Vec<Vec<Meeting>>,
    columns: Vec<Vec<Meeting>>,
}

impl<'a, T: Real> Windows<'a, T> {
    fn new(x: &'a Tensor<T>, y: &Tensor<T>, window: &Window) -> Self {
        let ([_, h, w, c], [_, oh, ow, _]) = (x.dims(), y.dims());
        let pixels = |axis: usize, extent, windows, at, tap| {
            let meetings = window.meetings(axis, extent, windows);
            grouped(windows, meetings.map(|(window, pixel, k)| (window, meeting(pixel * at, k * tap))))
        };
        Self { x, rows: pixels(0, h, oh, w * c, window.kernel[1]), columns: pixels(1, w, ow, c, 1) }
    }

    /// How many numbers a row of windows has.
    fn row(&self) -> usize {
        self.columns.len() * self.x.shape().last()
    }

    /// Calls `f(at, walk, image)` for the rows that `len` numbers from `first` on hold; each starts `at` a number.
    fn each(&self, first: usize, len: usize, mut f: impl FnMut(usize, Walk<'_>, &[T])) {
        let (row, [_, h, w, c]) = (self.row(), self.x.dims());
        for at in (0..len).step_by(row) {
            let i = (first + at) / row;
            let (image, i) = (i / self.rows.len(), i % self.rows.len());
            let walk = Walk { rows: &self.rows[i], columns: &self.columns, channels: c };
            f(at, walk, &self.x.as_slice()[image * h * w * c..]);
        }
    }
}

/// `dx`, of shape `x`, from `dy` (N, OH, OW, C).
///
/// # Panics
/// If the shapes are not those of the forward that found the winners.
#[track_caller]
pub fn backward<T: Real>(dy: &Tensor<T>, winners: &Winners<T>, x: Shape) -> Tensor<T> {
    backward_on(Isa::current(), dy, winners, x)
}

#[track_caller]
fn backward_on<T: Real>(isa: Isa, dy: &Tensor<T>, winners: &Winners<T>, x: Shape) -> Tensor<T> {
    let Winners { window, taps } = winners;
    assert_eq!(dy.shape(), window.output_shape(x), "dy has the shape of the output");
    assert_eq!(dy.len(), taps.len(), "winners of another forward, for dy {}", dy.shape());
    let mut dx = Tensor::scratch(x);
    let ([_, h, w, c], [_, oh, ow, _]) = (dx.dims(), dy.dims());
    let windows = |axis: usize, extent, windows, at, tap| {
        let meetings = window.meetings(axis, extent, windows);
        grouped(extent, meetings.map(|(window, pixel, k)| (pixel, meeting(window * at, k * tap))))
    };
    let (rows, columns) = (windows(0, h, oh, ow * c, window.kernel[1]), windows(1, w, ow, c, 1));
    let row = w * c;
    threads::split(dx.as_mut_slice(), row, |first, dx| {
        for at in (0..dx.len()).step_by(row) {
            let i = (first + at) / row;
            let walk = Walk { rows: &rows[i % h], columns: &columns, channels: c };
            let image = i / h * oh * ow * c;
            let from = (&dy.as_slice()[image..], &taps[image..]);
            T::max_pool_backward(isa, &walk, from, &mut dx[at..]);
        }
    });
    dx
}

fn meeting(at: usize, tap: usize) -> Meeting {
    Meeting { at: at as u32, tap: tap as u32 }
}

/// Whom each of `count` meets, of all meetings.
fn grouped(count: usize, meetings: impl Iterator<Item = (usize, Meeting)>) -> Vec<Vec<Meeting>> {
    let mut groups = vec![Vec::new(); count];
    meetings.for_each(|(i, meeting)| groups[i].push(meeting));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Generator;

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

    fn equals_naive<T: Real>(isa: Isa, rng: &mut Generator) {
        for (size, window) in [
            ([3, 12, 12, 6], Window::new([2, 2])),
            ([2, 9, 7, 1], Window::new([3, 3]).stride([2, 2]).padding([1, 1])),
            ([1, 8, 11, 16], Window::new([3, 2]).stride([2, 3]).ceil_mode(true)),
            ([2, 6, 5, 35], Window::new([3, 3]).stride([1, 1]).padding([1, 1])),
            ([1, 4, 9, 48], Window::new([1, 4]).stride([3, 5])),
            // Several pieces, which do not end where images do.
            ([4, 66, 66, 16], Window::new([2, 2])),
            ([0, 4, 4, 3], Window::new([2, 2])),
        ] {
            // Few different numbers, so that some are equal, and among them some that are not numbers.
            let draw = |rng: &mut Generator| match rng.below(20) {
                0 => f64::NAN,
                1 => f64::NEG_INFINITY,
                i => i as f64,
            };
            let x = Tensor::<T>::from_fn(size, |_| T::of(draw(rng)));
            let (y, winners) = forward_on(isa, &x, &window);
            let (expected, expected_winners) = naive::forward(&x, &window);
            let same = |a: &[T], b: &[T]| {
                a.iter().zip(b).all(|(a, b)| a == b || a.to_f64().is_nan() && b.to_f64().is_nan())
            };
            assert!(same(y.as_slice(), expected.as_slice()), "{isa}, {size:?}, {window:?}");
            assert!(same(largest_on(isa, &x, &window).as_slice(), expected.as_slice()), "{isa}, {size:?}");
            assert!(winners.taps[..] == expected_winners.taps[..], "{isa}, {size:?}, {window:?}");
            let dy = Tensor::<T>::from_fn(y.shape(), |_| T::of(rng.below(9) as f64 - 4.0));
            let dx = backward_on(isa, &dy, &winners, x.shape());
            assert!(dx == naive::backward(&dy, &winners, x.shape()), "{isa}, {size:?}, {window:?}");
        }
    }

    /// Few channels and many, whole blocks and ragged ones, windows that overlap, hang over and leave gaps.
    #[test]
    fn equals_naive_on_every_instruction_set() {
        for isa in Isa::available() {
            equals_naive::<f32>(isa, &mut Generator::new(5, 0));
            equals_naive::<f64>(isa, &mut Generator::new(6, 0));
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
