//! The tile: P pixels by V blocks of output channels, held in registers while taps go by.
//!
//! ```text
//! for each tap, for each of the 16 channels c of its block:
//!     load V blocks of the filter; for each pixel p: splat x[p][c], V multiply-adds
//! ```
//!
//! So V + P loads feed P · V multiply-adds: with 14 pixels and 2 blocks, 16 loads for 28. A core
//! that loads twice and multiplies twice in a cycle then waits for its multipliers only.

use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd, Vectorized},
};

// ANCHOR: tap
/// One product of the sum: which grain of the strip, by which piece of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The grain of the strip that the first pixel reads; the others read the ones behind it.
    pub offset: u32,
    /// Which D x V blocks of the panel.
    pub filter: u32,
}
// ANCHOR_END: tap

/// What a tile reads: D channels of each pixel lie side by side.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a, T, const D: usize = BLOCK> {
    /// The strip, from where the taps' offsets count.
    pub strip: &'a [[T; D]],
    /// The products to sum.
    pub taps: &'a [Tap],
    /// A packed panel, V blocks wide.
    pub panel: &'a [Block<T>],
    /// How many channels of each grain to visit: D, or fewer where there are fewer.
    pub depth: usize,
    /// What to ask for meanwhile.
    pub ahead: &'a [Block<T>],
}

/// Where a tile writes.
#[derive(Debug)]
pub struct Output<'a, T> {
    /// Starts at the first channel of the first pixel.
    pub values: &'a mut [T],
    /// From one pixel to the next.
    pub stride: usize,
    /// How many channels to write: at most V · 16.
    pub channels: usize,
    /// What is done to each sum before it is written.
    pub after: After<'a, T>,
}

/// What is done to a sum of products before it is written: a pass over memory less.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a, T> {
    /// What is added to each channel; empty for nothing.
    pub bias: &'a [T],
    /// Whether it is cut off below zero.
    pub relu: bool,
    /// Whether it is added to what stands there, before the rest.
    pub onto: bool,
}

impl<'a, T: Number> After<'a, T> {
    /// From this channel on.
    pub fn from(self, channel: usize) -> Self {
        Self { bias: self.bias.get(channel..).unwrap_or_default(), ..self }
    }

    /// The bias of a block of channels: zeros where there is none.
    #[inline(always)]
    pub(super) fn bias<S: Simd<T>>(self, simd: S, block: usize) -> S::V {
        let mut bias = [T::ZERO; BLOCK];
        let from = self.bias.get(block * BLOCK..).unwrap_or_default();
        bias.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        simd.load(&bias)
    }
}

/// The most pixels that any tile has.
const MOST_PIXELS: usize = 14;

/// How many blocks of outputs a tile computes at once on `isa`.
pub fn blocks<T: Vectorized>(isa: Isa) -> usize {
    if T::blocks(isa) >= 16 { 2 } else { 1 }
}

// ANCHOR: pixels
/// How many pixels fit beside `blocks` blocks: their accumulators, the filter's blocks and one splat
/// fill the registers.
pub fn pixels<T: Vectorized>(isa: Isa, blocks: usize) -> usize {
    ((T::blocks(isa) - blocks - 1) / blocks).min(MOST_PIXELS)
}
// ANCHOR_END: pixels

/// Computes `pixels` pixels of `blocks` blocks.
///
/// # Panics
/// If there is no tile of this size on `isa`: ask [`blocks`] and [`pixels`].
pub fn run<T: Number, const D: usize>(
    isa: Isa,
    pixels: usize,
    blocks: usize,
    input: &Input<'_, T, D>,
    output: &mut Output<'_, T>,
) {
    macro_rules! tiles {
        ($($P:literal)*) => {
            match (pixels, blocks) {
                $(($P, 1) => T::dispatch(isa, Tile::<T, $P, 1, D> { input, output }),
                  ($P, 2) => T::dispatch(isa, Tile::<T, $P, 2, D> { input, output }),)*
                _ => unreachable!("no tile of {pixels} pixels by {blocks} blocks"),
            }
        };
    }
    tiles!(1 2 3 4 5 6 7 8 9 10 11 12 13 14)
}

/// By reference: copies of what was stored a moment ago would wait for all stores before them.
struct Tile<'a, 'b, T, const P: usize, const V: usize, const D: usize> {
    input: &'a Input<'a, T, D>,
    output: &'a mut Output<'b, T>,
}

impl<T: Number, const P: usize, const V: usize, const D: usize> Kernel<T> for Tile<'_, '_, T, P, V, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Known when this is compiled: an instruction set has no code for tiles that it cannot hold.
        if P * V + V + 1 > S::BLOCKS {
            unreachable!("{P} pixels by {V} blocks do not fit into {} registers", S::BLOCKS);
        }
        ask_for::<T, S, P, V>(simd, self.output);
        let mut sums = sum::<T, S, P, V, D>(simd, self.input);
        if self.output.after.onto {
            add_old(simd, &mut sums, self.output);
        }
        finish(simd, &mut sums, self.output.after);
        write(simd, sums, self.output);
    }
}

// ANCHOR: sum
#[inline(always)]
fn sum<T: Number, S: Simd<T>, const P: usize, const V: usize, const D: usize>(
    simd: S,
    input: &Input<'_, T, D>,
) -> [[S::V; V]; P] {
    let panel = input.panel.as_chunks::<V>().0.as_chunks::<D>().0;
    let depth = input.depth.clamp(1, D);
    let mut ahead = input.ahead.iter();
    let mut sums = [[simd.splat(T::ZERO); V]; P];
    for tap in input.taps {
        let window: &[[T; D]; P] =
            input.strip[tap.offset as usize..].first_chunk().expect("the strip holds every pixel of a tap");
        let filter = &panel[tap.filter as usize];
        let next = &panel[(tap.filter as usize + 1).min(panel.len() - 1)];
        for c in 0..depth {
            if let Some(block) = ahead.next() {
                simd.prefetch(block);
            }
            let mut w = [simd.splat(T::ZERO); V];
            for v in 0..V {
                w[v] = simd.load(&filter[c][v]);
                simd.prefetch(&next[c][v]);
            }
            for p in 0..P {
                let x = simd.splat(window[p][c]);
                for v in 0..V {
                    sums[p][v] = simd.mul_add(x, w[v], sums[p][v]);
                }
            }
        }
    }
    sums
}
// ANCHOR_END: sum

/// What stands where the sums are to go; the channels are whole blocks.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "constant indices keep the sums in registers")]
fn add_old<T: Number, S: Simd<T>, const P: usize, const V: usize>(
    simd: S,
    sums: &mut [[S::V; V]; P],
    output: &Output<'_, T>,
) {
    let one = simd.splat(T::ONE);
    for p in 0..P {
        let old: &[Block<T>; V] =
            output.values[p * output.stride..].as_chunks().0.first_chunk().expect("V blocks");
        for v in 0..V {
            sums[p][v] = simd.mul_add(one, sums[p][v], simd.load(&old[v]));
        }
    }
}

/// Bias and ReLU.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "constant indices keep the sums in registers")]
pub(super) fn finish<T: Number, S: Simd<T>, const P: usize, const V: usize>(
    simd: S,
    sums: &mut [[S::V; V]; P],
    after: After<'_, T>,
) {
    if !after.bias.is_empty() {
        let one = simd.splat(T::ONE);
        for v in 0..V {
            let bias = after.bias(simd, v);
            for p in 0..P {
                sums[p][v] = simd.mul_add(one, sums[p][v], bias);
            }
        }
    }
    if after.relu {
        for p in 0..P {
            for v in 0..V {
                sums[p][v] = simd.relu(sums[p][v]);
            }
        }
    }
}

/// Memory for the results comes while they are computed.
#[inline(always)]
fn ask_for<T: Number, S: Simd<T>, const P: usize, const V: usize>(simd: S, output: &Output<'_, T>) {
    for p in 0..P {
        if let Some(pixel) = output.values.get(p * output.stride..) {
            pixel.as_chunks().0.iter().take(V).for_each(|block| simd.prefetch(block));
        }
    }
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "constant indices keep the sums in registers")]
pub(super) fn write<T: Number, S: Simd<T>, const P: usize, const V: usize>(
    simd: S,
    sums: [[S::V; V]; P],
    output: &mut Output<'_, T>,
) {
    let Output { ref mut values, stride, channels, .. } = *output;
    // Constant indices keep the sums in registers: an iterator over them goes through memory.
    for p in 0..P {
        let values = &mut values[p * stride..];
        if channels == V * BLOCK {
            let pixel: &mut [Block<T>; V] = values.as_chunks_mut().0.first_chunk_mut().expect("V blocks");
            for v in 0..V {
                simd.store(sums[p][v], &mut pixel[v]);
            }
        } else {
            let mut blocks = values[..channels].chunks_mut(BLOCK);
            for v in 0..V {
                simd.store_first(sums[p][v], blocks.next().unwrap_or_default());
            }
        }
    }
}
