//! Deals the channels of pixels out to blocks: from pixel after pixel to block after block.
//!
//! ```text
//! from[pixel][group of V blocks]  ->  to[group][pixel][V blocks]
//! ```

use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd},
};

/// So many pixels at a time: their lines stay in the first-level cache, however far apart they are.
const PIXELS: usize = 8;

/// Pixels whose channels are whole groups of blocks.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a, T> {
    /// Starts at the first channel of the first pixel.
    pub numbers: &'a [T],
    /// From one pixel to the next.
    pub pitch: usize,
    /// How many pixels.
    pub count: usize,
    /// How many groups each has.
    pub groups: usize,
}

/// Deals `pixels` out in groups of `blocks` blocks; from a group's first block to the next one's are `step` blocks.
///
/// # Panics
/// If `blocks` is neither one nor two, or there is less memory than that.
pub fn run<T: Number>(isa: Isa, blocks: usize, pixels: Pixels<'_, T>, to: &mut [Block<T>], step: usize) {
    match blocks {
        1 => T::dispatch(isa, Deal::<T, 1> { pixels, to, step }),
        2 => T::dispatch(isa, Deal::<T, 2> { pixels, to, step }),
        _ => unreachable!("no groups of {blocks} blocks"),
    }
}

struct Deal<'a, T, const V: usize> {
    pixels: Pixels<'a, T>,
    to: &'a mut [Block<T>],
    step: usize,
}

impl<T: Number, const V: usize> Kernel<T> for Deal<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { pixels: Pixels { numbers, pitch, count, groups }, to, step } = self;
        for first in (0..count).step_by(PIXELS) {
            let some = PIXELS.min(count - first);
            for group in 0..groups {
                let to = to[group * step + first * V..][..some * V].as_chunks_mut::<V>().0;
                let mut from = &numbers[first * pitch + group * V * BLOCK..];
                for to in to {
                    let blocks: &[Block<T>; V] = from.as_chunks().0.first_chunk().expect("V blocks");
                    for v in 0..V {
                        simd.store(simd.load(&blocks[v]), &mut to[v]);
                    }
                    from = from.get(pitch..).unwrap_or_default();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_finds_its_place() {
        let (count, groups, pitch) = (19, 3, 104);
        for isa in Isa::available() {
            for blocks in [1, 2] {
                // Behind the last pixel's channels there is nothing.
                let len = (count - 1) * pitch + groups * blocks * BLOCK;
                let numbers: Vec<f32> = (0..len).map(|i| i as f32).collect();
                let step = count * blocks + 1;
                let mut to = vec![[-1.0; BLOCK]; groups * step];
                run(isa, blocks, Pixels { numbers: &numbers, pitch, count, groups }, &mut to, step);
                for (i, block) in to.iter().enumerate() {
                    let (group, pixel, v) = (i / step, i % step / blocks, i % step % blocks);
                    let first = pixel * pitch + (group * blocks + v) * BLOCK;
                    let expected = if pixel == count { -1.0 } else { first as f32 };
                    assert_eq!(block[0], expected, "{isa}, block {i}");
                    assert!(pixel == count || block[15] == expected + 15.0);
                }
            }
        }
    }
}
