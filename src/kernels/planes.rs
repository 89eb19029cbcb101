//! The [outer product](super::outer) for few input channels, each of which lies in a plane of its own.
//!
//! One channel of a block would leave fifteen empty, and a product of it with V blocks would wait for loads. Here C
//! rows of weight gradients, of whichever taps and channels, each have their place to read from:
//!
//! ```text
//! for each pixel: load V blocks of dy; for each row: splat its x, V multiply-adds
//! ```

use super::{correlate::split, outer::Run};
use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd},
};

/// What the products are made of.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, T> {
    /// A strip of planes.
    pub x: &'a [T],
    /// For each row of gradients, where its numbers start in a run.
    pub offsets: &'a [u32],
    /// Gradients of the outputs, pixel by pixel; of each pixel V blocks are read, whatever they hold in the end.
    pub dy: &'a [T],
    /// From one pixel's gradients to the next one's.
    pub pitch: usize,
    /// The pixels to sum over.
    pub runs: &'a [Run],
    /// How many pixels each run has.
    pub len: usize,
    /// Whether the products are added to what stands there, or it has no value yet.
    pub onto: bool,
}

/// The most rows at a time: enough to hide a multiply-add's latency behind the others.
const MOST_ROWS: usize = 8;

/// The products, in `dw`: `blocks` blocks for each row.
///
/// # Panics
/// If `blocks` is neither one nor two.
pub fn run<T: Number>(isa: Isa, blocks: usize, factors: &Factors<'_, T>, dw: &mut [Block<T>]) {
    let most = ((T::blocks(isa) - blocks - 1) / blocks).min(MOST_ROWS);
    for rows in split(factors.offsets.len(), most) {
        let offsets = &factors.offsets[rows.clone()];
        let dw = &mut dw[rows.start * blocks..rows.end * blocks];
        macro_rules! sizes {
            ($($C:literal)*) => {
                match (rows.len(), blocks) {
                    $(($C, 1) => T::dispatch(isa, Planes::<T, $C, 1> { factors, offsets, dw }),
                      ($C, 2) => T::dispatch(isa, Planes::<T, $C, 2> { factors, offsets, dw }),)*
                    _ => unreachable!("no product of {} rows by {blocks} blocks", rows.len()),
                }
            };
        }
        sizes!(1 2 3 4 5 6 7 8)
    }
}

/// By reference, as a [tile](super::tile).
struct Planes<'a, T, const C: usize, const V: usize> {
    factors: &'a Factors<'a, T>,
    offsets: &'a [u32],
    dw: &'a mut [Block<T>],
}

impl<T: Number, const C: usize, const V: usize> Kernel<T> for Planes<'_, T, C, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Known when this is compiled, as in a tile.
        if C * V + V + 1 > S::BLOCKS {
            unreachable!("{C} rows by {V} blocks do not fit into {} registers", S::BLOCKS);
        }
        let Self { factors: &Factors { x, dy, pitch, runs, len, onto, .. }, offsets, dw } = self;
        let offsets: &[u32; C] = offsets.first_chunk().expect("C rows");
        let dw: &mut [[Block<T>; V]; C] = dw.as_chunks_mut().0.first_chunk_mut().expect("C rows of V blocks");
        let mut sums = [[simd.splat(T::ZERO); V]; C];
        if onto {
            for c in 0..C {
                for v in 0..V {
                    sums[c][v] = simd.load(&dw[c][v]);
                }
            }
        }
        for run in runs {
            let dy = &dy[run.dy as usize * pitch..];
            let x: [&[T]; C] = std::array::from_fn(|c| &x[(run.x + offsets[c]) as usize..][..len]);
            for i in 0..len {
                let dy: &[Block<T>; V] =
                    dy[i * pitch..][..V * BLOCK].as_chunks().0.first_chunk().expect("V blocks");
                let mut g = [simd.splat(T::ZERO); V];
                for v in 0..V {
                    g[v] = simd.load(&dy[v]);
                }
                for c in 0..C {
                    let x = simd.splat(x[c][i]);
                    for v in 0..V {
                        sums[c][v] = simd.mul_add(x, g[v], sums[c][v]);
                    }
                }
            }
        }
        for c in 0..C {
            for v in 0..V {
                simd.store(sums[c][v], &mut dw[c][v]);
            }
        }
    }
}
