//! Max pooling, sixteen channels at a time: which pixel of a window wins, and what a pixel collects from the windows
//! that it has won.
//!
//! Both directions walk over pairs of a pixel and a window, and plain data says who meets whom: a [`Meeting`] along
//! each axis. Channels need not fill a block, but whole blocks are read and written all the same, since six channels
//! alone would take six times as long. What is read behind a pixel's channels is of no use to it, and what is written
//! there the next pixel writes over.

use crate::{
    number::Number,
    simd::{BLOCK, Isa, Kernel, Simd},
};

/// Along one axis, a pixel and a window that covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// How many numbers there are before the other one.
    pub at: u32,
    /// Which of the window's positions the pixel has.
    pub tap: u32,
}

/// A row of windows and the pixels in each, or a row of pixels and the windows around each.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// The rows that it meets; at least one of a window.
    pub rows: &'a [Meeting],
    /// For each of its columns, the columns that it meets.
    pub columns: &'a [Vec<Meeting>],
    /// How many channels each pixel has.
    pub channels: usize,
}

/// Numbers of one row, and those of the rows behind it: blocks may reach over a row's end.
type Rows<'a, T> = &'a mut [T];

/// The largest numbers of a row of windows on the image `x`, and, if asked for, the positions in the window that they
/// have.
pub fn forward<T: Number>(
    isa: Isa,
    walk: &Walk<'_>,
    x: &[T],
    (y, winners): (Rows<'_, T>, Option<Rows<'_, T>>),
) {
    match winners {
        Some(winners) => T::dispatch(isa, Forward::<_, true> { walk, x, y, winners }),
        None => T::dispatch(isa, Forward::<_, false> { walk, x, y, winners: &mut [] }),
    }
}

struct Forward<'a, T, const WINNERS: bool> {
    walk: &'a Walk<'a>,
    x: &'a [T],
    y: Rows<'a, T>,
    winners: Rows<'a, T>,
}

impl<T: Number, const WINNERS: bool> Kernel<T> for Forward<'_, T, WINNERS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Walk { rows, columns, channels } = *self.walk;
        for (window, columns) in columns.iter().enumerate() {
            for channel in (0..channels).step_by(BLOCK) {
                // Where nothing is larger, the first has won.
                let mut best = simd.splat(T::NEG_INFINITY);
                let mut winner = simd.splat(T::of(f64::from(rows[0].tap + columns[0].tap)));
                for row in rows {
                    for column in columns {
                        let at = (row.at + column.at) as usize + channel;
                        let x = simd.load_first(&self.x[at..]);
                        if WINNERS {
                            let tap = simd.splat(T::of(f64::from(row.tap + column.tap)));
                            winner = simd.larger(x, best, tap, winner);
                        }
                        best = simd.larger(x, best, x, best);
                    }
                }
                let (at, count) = (window * channels + channel, BLOCK.min(channels - channel));
                store(simd, best, &mut self.y[at..], count);
                if WINNERS {
                    store(simd, winner, &mut self.winners[at..], count);
                }
            }
        }
    }
}

/// The gradients `dx` of a row of pixels, from those of an image's windows, `dy`, and from who won them.
pub fn backward<T: Number>(isa: Isa, walk: &Walk<'_>, (dy, winners): (&[T], &[T]), dx: Rows<'_, T>) {
    T::dispatch(isa, Backward { walk, dy, winners, dx });
}

struct Backward<'a, T> {
    walk: &'a Walk<'a>,
    dy: &'a [T],
    winners: &'a [T],
    dx: Rows<'a, T>,
}

impl<T: Number> Kernel<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Walk { rows, columns, channels } = *self.walk;
        let one = simd.splat(T::ONE);
        for (pixel, columns) in columns.iter().enumerate() {
            for channel in (0..channels).step_by(BLOCK) {
                let mut sum = simd.splat(T::ZERO);
                for row in rows {
                    for column in columns {
                        let at = (row.at + column.at) as usize + channel;
                        let tap = simd.splat(T::of(f64::from(row.tap + column.tap)));
                        let (dy, winner) =
                            (simd.load_first(&self.dy[at..]), simd.load_first(&self.winners[at..]));
                        sum = simd.mul_add(one, sum, simd.where_equal(winner, tap, dy));
                    }
                }
                let (at, count) = (pixel * channels + channel, BLOCK.min(channels - channel));
                store(simd, sum, &mut self.dx[at..], count);
            }
        }
    }
}

/// A block to the start of `to`, or `count` numbers where it does not fit.
#[inline(always)]
fn store<T: Number, S: Simd<T>>(simd: S, v: S::V, to: &mut [T], count: usize) {
    match to.first_chunk_mut() {
        Some(block) => simd.store(v, block),
        None => simd.store_first(v, &mut to[..count]),
    }
}
