//! The outer product: C input channels by V blocks of output channels of one tap's weight gradient,
//! held in registers while pixels go by.
//!
//! ```text
//! for each pixel: load V blocks of dy; for each channel c: splat x[c], V multiply-adds
//! ```

use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd, Vectorized},
};

/// Consecutive pixels: where they start in `x`, and in `dy` counted in V blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first block in `x`.
    pub x: u32,
    /// The first pixel in `dy`.
    pub dy: u32,
}

/// What the products are made of.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, T> {
    /// A strip of inputs.
    pub x: &'a [Block<T>],
    /// Gradients of V blocks of outputs, pixel by pixel.
    pub dy: &'a [Block<T>],
    /// The pixels to sum over.
    pub runs: &'a [Run],
    /// How many pixels each run has.
    pub len: usize,
    /// How many channels of a block of `x` to visit: 16, or fewer where there are fewer.
    pub depth: usize,
    /// Whether the products are added to what stands there, or it has no value yet.
    pub onto: bool,
    /// What to ask for meanwhile.
    pub ahead: &'a [Block<T>],
}

/// The products of all channels of one block of inputs, in `dw`: 16 x `blocks` blocks.
///
/// # Panics
/// If `blocks` is neither one nor two.
pub fn run<T: Number>(isa: Isa, blocks: usize, factors: &Factors<'_, T>, dw: &mut [Block<T>]) {
    let step = channels::<T>(isa, blocks, factors.depth);
    macro_rules! sizes {
        ($($C:literal x $V:literal)*) => {
            match (step, blocks) {
                $(($C, $V) => T::dispatch(isa, Outer::<T, $C, $V> { factors, dw }),)*
                _ => unreachable!("no outer product of {step} channels by {blocks} blocks"),
            }
        };
    }
    sizes!(2 x 1  4 x 1  8 x 1  2 x 2  4 x 2  8 x 2)
}

/// How many channels fit beside `blocks` blocks: their accumulators, dy's blocks and one splat. No more
/// than `depth` asks for: the first layer's images have one channel or three.
fn channels<T: Vectorized>(isa: Isa, blocks: usize, depth: usize) -> usize {
    let fits = |c: usize| c * blocks + blocks < T::blocks(isa);
    [8, 4].into_iter().find(|&c| fits(c) && c / 2 < depth).unwrap_or(2)
}

/// By reference, as a [tile](super::tile).
struct Outer<'a, T, const C: usize, const V: usize> {
    factors: &'a Factors<'a, T>,
    dw: &'a mut [Block<T>],
}

impl<T: Number, const C: usize, const V: usize> Kernel<T> for Outer<'_, T, C, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Known when this is compiled, as in a tile.
        if C * V + V + 1 > S::BLOCKS {
            unreachable!("{C} channels by {V} blocks do not fit into {} registers", S::BLOCKS);
        }
        let dw = self.dw.as_chunks_mut::<V>().0.as_chunks_mut::<C>().0;
        let parts = self.factors.depth.div_ceil(C);
        let mut ahead = self.factors.ahead.chunks(self.factors.ahead.len().div_ceil(parts).max(1));
        for (i, dw) in dw.iter_mut().enumerate().take(parts) {
            let factors = Factors { ahead: ahead.next().unwrap_or_default(), ..*self.factors };
            products::<T, S, C, V>(simd, &factors, i * C, dw);
        }
    }
}

// ANCHOR: products
/// The products of the channels `first..first + C`.
#[inline(always)]
fn products<T: Number, S: Simd<T>, const C: usize, const V: usize>(
    simd: S,
    factors: &Factors<'_, T>,
    first: usize,
    dw: &mut [[Block<T>; V]; C],
) {
    assert!(first + C <= BLOCK, "channels {first}.. of a block");
    let dy = factors.dy.as_chunks::<V>().0;
    let mut sums = [[simd.splat(T::ZERO); V]; C];
    if factors.onto {
        for c in 0..C {
            for v in 0..V {
                sums[c][v] = simd.load(&dw[c][v]);
            }
        }
    }
    let mut ahead = factors.ahead.iter();
    for run in factors.runs {
        let x = &factors.x[run.x as usize..][..factors.len];
        let pixels = x.iter().zip(&dy[run.dy as usize..][..factors.len]);
        for (x, dy) in pixels {
            if let Some(block) = ahead.next() {
                simd.prefetch(block);
            }
            let mut g = [simd.splat(T::ZERO); V];
            for v in 0..V {
                g[v] = simd.load(&dy[v]);
            }
            for c in 0..C {
                let x = simd.splat(x[first + c]);
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
// ANCHOR_END: products
