//! How an operation is cut into tasks, so that no result depends on how many threads there are.
//!
//! Two shapes of work cover every operation here. In [`split`] each task owns a piece of the output
//! and nobody adds to another's numbers, so the cut cannot be seen. In [`pieces`] each task returns
//! a partial sum; adding floating-point numbers in another order gives another result, so the cut
//! follows from the tensor's shape alone and the caller adds the parts up in order.
//!
//! Convolutions cut their work themselves, and hand it to [`each`] and [`map`].

use crate::real::Real;
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tensors of at most so many numbers stay on the caller's thread: waking another costs more than
/// they do.
const SMALL: usize = 1 << 15;

/// About how many numbers one task takes: they fit a second-level cache, and there are many more
/// tasks than threads.
const TASK: usize = 1 << 15;

/// The most parts that a sum is cut into.
const PIECES: usize = 64;

/// Rows summed in the tensor's own precision before they go to a sum in `f64`: few enough that
/// rounding stays near the last digit, enough that the second sum costs next to nothing.
pub(super) const BLOCK_ROWS: usize = 32;

/// Convolutions of at most so many multiply-adds stay on the caller's thread: they take about twenty
/// microseconds, as long as another thread may need to wake.
const FEW: usize = 1 << 20;

/// Calls `f` with every number below `tasks`, on all threads. Not generic, so that what rayon makes of it is
/// compiled here, once, and not for every closure of every program.
fn on_all_threads(tasks: usize, f: &(dyn Fn(usize) + Sync)) {
    (0..tasks).into_par_iter().for_each(f);
}

/// Calls `f` with every item and its number, on all threads.
fn hand_out<I: Send>(items: impl Iterator<Item = I>, f: impl Fn(usize, I) + Sync) {
    let items: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
    on_all_threads(items.len(), &|i| {
        let item = lock(&items[i]).take();
        if let Some(item) = item {
            f(i, item);
        }
    });
}

/// What `f` returns for each number below `tasks`, in order.
fn gather<A: Send>(tasks: usize, f: impl Fn(usize) -> A + Sync) -> Vec<A> {
    let results: Vec<_> = (0..tasks).map(|_| Mutex::new(None)).collect();
    on_all_threads(tasks, &|i| {
        let result = f(i);
        *lock(&results[i]) = Some(result);
    });
    results
        .into_iter()
        .filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Nothing that can fail is done under a lock, so that poison means nothing.
fn lock<A>(mutex: &Mutex<A>) -> MutexGuard<'_, A> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a convolution of so many multiply-adds stays on the caller's thread.
pub(super) fn is_small(products: usize) -> bool {
    products <= FEW
}

/// Calls `f` for every task of a convolution of so many multiply-adds. Each call has a state to itself, made by
/// `init` or left by another call.
pub(super) fn each<I: Send, S: Send>(
    products: usize,
    tasks: Vec<I>,
    init: impl Fn() -> S + Sync,
    f: impl Fn(&mut S, I) + Sync,
) {
    if is_small(products) {
        let mut state = init();
        return tasks.into_iter().for_each(|task| f(&mut state, task));
    }
    let states = Mutex::new(Vec::new());
    hand_out(tasks.into_iter(), |_, task| {
        let left = lock(&states).pop();
        let mut state = left.unwrap_or_else(&init);
        f(&mut state, task);
        lock(&states).push(state);
    });
}

/// What `f` returns for each of the `tasks` of a convolution of so many multiply-adds, in order.
pub(super) fn map<A: Send>(products: usize, tasks: usize, f: impl Fn(usize) -> A + Sync) -> Vec<A> {
    if is_small(products) { (0..tasks).map(f).collect() } else { gather(tasks, f) }
}

/// How many numbers there are in each piece of `len`: whole rows, and about as many in the last one as in the others.
fn piece(len: usize, row: usize) -> usize {
    row * (len / row).div_ceil(len.div_ceil(TASK))
}

/// Calls `f(at, piece)` for pieces that cover `y`; each starts at number `at`, a multiple of `row`.
pub(crate) fn split<T: Send>(y: &mut [T], row: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if y.len() <= SMALL {
        return f(0, y);
    }
    let piece = piece(y.len(), row);
    hand_out(y.chunks_mut(piece), |i, y| f(i * piece, y));
}

/// Calls `f(i, y)` for every row, `row` numbers of `y`.
pub(super) fn each_row<T: Send>(y: &mut [T], row: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    split(y, row, |at, y| y.chunks_exact_mut(row).enumerate().for_each(|(i, y)| f(at / row + i, y)));
}

/// As [`split`], for two outputs of the same length.
pub(crate) fn split2<T: Send, U: Send>(
    y: &mut [T],
    z: &mut [U],
    row: usize,
    f: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    if y.len() <= SMALL {
        return f(0, y, z);
    }
    let piece = piece(y.len(), row);
    hand_out(y.chunks_mut(piece).zip(z.chunks_mut(piece)), |i, (y, z)| f(i * piece, y, z));
}

/// As [`each_row`], for two outputs of the same length.
pub(super) fn each_row2<T: Send, U: Send>(
    y: &mut [T],
    z: &mut [U],
    row: usize,
    f: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    split2(y, z, row, |at, y, z| {
        let rows = y.chunks_exact_mut(row).zip(z.chunks_exact_mut(row));
        rows.enumerate().for_each(|(i, (y, z))| f(at / row + i, y, z));
    });
}

/// `f` of ranges that cover the `count` rows of `row` numbers, in order.
pub(super) fn pieces<A: Send>(count: usize, row: usize, f: impl Fn(Range<usize>) -> A + Sync) -> Vec<A> {
    let numbers = count * row;
    let pieces = numbers.div_ceil(TASK).clamp(1, PIECES);
    let cut = |i: usize| f(i * count / pieces..(i + 1) * count / pieces);
    if numbers <= SMALL { (0..pieces).map(cut).collect() } else { gather(pieces, cut) }
}

/// `width` sums over the `count` rows of `row` numbers, where `add` adds a few rows' share to its
/// second argument.
pub(super) fn sums<T: Real>(
    count: usize,
    row: usize,
    width: usize,
    add: impl Fn(Range<usize>, &mut [T]) + Sync,
) -> Vec<f64> {
    let parts = pieces(count, row, |piece| {
        let (mut total, mut block) = (vec![0.0; width], vec![T::ZERO; width]);
        for start in piece.clone().step_by(BLOCK_ROWS) {
            block.fill(T::ZERO);
            add(start..piece.end.min(start + BLOCK_ROWS), &mut block);
            add_up(&mut total, &block);
        }
        total
    });
    let mut total = vec![0.0; width];
    parts.iter().for_each(|part| add_up(&mut total, part));
    total
}

fn add_up<T: Real>(total: &mut [f64], part: &[T]) {
    total.iter_mut().zip(part).for_each(|(sum, x)| *sum += x.to_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_output_in_whole_rows() {
        for (count, row) in [(0, 3), (5, 7), (33_000, 1), (40_000, 3), (3, 50_000)] {
            let mut y = vec![0; count * row];
            split(&mut y, row, |at, piece| {
                assert_eq!((at % row, piece.len() % row), (0, 0));
                piece.iter_mut().enumerate().for_each(|(i, y)| *y += at + i);
            });
            assert!(y.iter().enumerate().all(|(i, &y)| y == i));
            let mut z = vec![0; count * row];
            each_row2(&mut y, &mut z, row, |i, y, z| {
                assert_eq!((y[0], y.len(), z.len()), (i * row, row, row));
                z.copy_from_slice(y);
            });
            assert_eq!(y, z);
        }
    }

    #[test]
    fn tasks_are_done_once_and_their_results_stay_in_order() {
        for products in [FEW, FEW + 1] {
            let mut done = vec![0; 1000];
            each(products, done.iter_mut().enumerate().collect(), || 1, |one, (i, done)| *done += i + *one);
            assert!(done.iter().enumerate().all(|(i, &done)| done == i + 1));
            assert_eq!(map(products, 1000, |i| i * i), (0..1000).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn pieces_cover_every_row_once_and_in_order() {
        for (count, row) in [(0, 3), (1, 1), (100_000, 7), (3, 1 << 20)] {
            let ranges = pieces(count, row, |range| range);
            assert!(ranges.len() <= PIECES);
            assert_eq!(ranges.into_iter().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_long_sum_of_f32_keeps_its_digits() {
        let xs = vec![0.1f32; 3_000_001];
        let sum = sums(xs.len(), 1, 1, |rows, sum: &mut [f32]| {
            xs[rows].iter().for_each(|&x| sum[0] += x);
        });
        approx::assert_relative_eq!(sum[0], f64::from(0.1f32) * 3_000_001.0, max_relative = 3e-7);
    }
}
