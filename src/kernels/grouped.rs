//! Groups of 1, 2, 4 or 8 channels, as wide on both sides: several fill a block.
//!
//! A convolution of groups of g channels is the sum of g convolutions of one channel each. With copy j of a block, in
//! which each lane holds channel j of its own group, every product is one of whole vectors:
//!
//! ```text
//! y[p]      += Σ over taps and j of copy[j][p + tap] ∘ w[tap][j]
//! dw[tap][j] = Σ over pixels     of copy[j][p + tap] ∘ dy[p]
//! ```
//!
//! As blocks of inputs by outputs, which a [tile](mod@super::tile) takes, all but one in 16 / g of the products would
//! be with the zeros between groups. The copies are made in registers. Three taps side by side share them.

use super::{
    correlate::split,
    outer::Run,
    tile::{self, Input, Output, Tap},
};
use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd, Vectorized},
};

/// The widest groups.
const WIDEST: usize = 8;

/// For groups of 1, 2, 4 and 8 channels, where the lanes of each copy come from.
static LANES: [[Block<u32>; WIDEST]; 4] = {
    let mut lanes = [[[0; BLOCK]; WIDEST]; 4];
    let mut i = 0;
    while i < 4 * WIDEST * BLOCK {
        let (width, copy, lane) = (1 << (i / BLOCK / WIDEST), i / BLOCK % WIDEST, i % BLOCK);
        lanes[i / BLOCK / WIDEST][copy][lane] = (lane / width * width + copy % width) as u32;
        i += 1;
    }
    lanes
};

/// Whether groups of `width` channels are of this kind.
pub fn fits(width: usize) -> bool {
    width.is_power_of_two() && width <= WIDEST
}

/// The first of three taps that read pixels side by side, and the filters in the pixels' order.
fn neighbours(taps: &[Tap]) -> Option<(u32, [u32; 3])> {
    let [a, b, c] = *taps.first_chunk()?;
    let filters = [a.filter, b.filter, c.filter];
    if a.offset + 1 == b.offset && b.offset + 1 == c.offset {
        Some((a.offset, filters))
    } else if c.offset + 1 == b.offset && b.offset + 1 == a.offset {
        Some((c.offset, [filters[2], filters[1], filters[0]]))
    } else {
        None
    }
}

/// The most pixels that any tile has.
const MOST_PIXELS: usize = 12;

/// How many pixels fit the registers, but at least one: their sums, as many copies and two more, a filter and where
/// lanes come from.
pub fn pixels<T: Vectorized>(isa: Isa) -> usize {
    (T::blocks(isa).saturating_sub(4) / 2).clamp(1, MOST_PIXELS)
}

/// Computes `pixels` pixels of one block, in groups of `input.depth` channels; of a tap's filter each copy has a block.
/// Nothing is added to what stands there.
///
/// # Panics
/// If there is no tile of this size: ask [`pixels`].
pub fn run<T: Number, const D: usize>(
    isa: Isa,
    pixels: usize,
    input: &Input<'_, T, D>,
    output: &mut Output<'_, T>,
) {
    macro_rules! tiles {
        ($($P:literal $Q:literal)*) => {
            match pixels {
                $($P => T::dispatch(isa, Tile::<T, D, $P, $Q> { input, output }),)*
                _ => unreachable!("no tile of {pixels} pixels"),
            }
        };
    }
    tiles!(1 3  2 4  3 5  4 6  5 7  6 8  7 9  8 10  9 11  10 12  11 13  12 14)
}

/// P pixels, for which three taps read Q = P + 2; D is sixteen. By reference, as a [tile](mod@super::tile).
struct Tile<'a, 'b, T, const D: usize, const P: usize, const Q: usize> {
    input: &'a Input<'a, T, D>,
    output: &'a mut Output<'b, T>,
}

impl<T: Number, const D: usize, const P: usize, const Q: usize> Kernel<T> for Tile<'_, '_, T, D, P, Q> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Known when this is compiled: planes are not grouped, and there is always a tile of one pixel.
        if D != BLOCK || P > 1 && 2 * P + 4 > S::BLOCKS {
            unreachable!("{P} pixels of {D} channels by three taps do not fit into {} registers", S::BLOCKS);
        }
        let Self { input: &Input { strip, taps, panel, depth, ahead }, output } = self;
        let strip = strip.as_flattened().as_chunks().0;
        let (lanes, mut ahead) = (&LANES[depth.ilog2() as usize], ahead.iter());
        let mut sums = [[simd.splat(T::ZERO)]; P];
        // Three taps at a time, most of the time.
        let each = ahead.len().div_ceil(taps.len().div_ceil(3).max(1));
        let mut taps = taps;
        while let Some(tap) = taps.first() {
            ahead.by_ref().take(each).for_each(|block| simd.prefetch(block));
            if let Some((offset, filters)) = neighbours(taps) {
                let x: &[Block<T>; Q] =
                    strip[offset as usize..].first_chunk().expect("every pixel of three taps");
                for j in 0..depth {
                    let mut copy = [simd.splat(T::ZERO); Q];
                    for q in 0..Q {
                        copy[q] = simd.pick(simd.load(&x[q]), &lanes[j]);
                    }
                    for k in 0..3 {
                        let w = simd.load(&panel[filters[k] as usize * depth + j]);
                        for p in 0..P {
                            sums[p][0] = simd.mul_add(copy[p + k], w, sums[p][0]);
                        }
                    }
                }
                taps = &taps[3..];
            } else {
                let x: &[Block<T>; P] =
                    strip[tap.offset as usize..].first_chunk().expect("every pixel of a tap");
                for j in 0..depth {
                    let w = simd.load(&panel[tap.filter as usize * depth + j]);
                    for p in 0..P {
                        let copy = simd.pick(simd.load(&x[p]), &lanes[j]);
                        sums[p][0] = simd.mul_add(copy, w, sums[p][0]);
                    }
                }
                taps = &taps[1..];
            }
        }
        tile::finish(simd, &mut sums, output.after);
        tile::write(simd, sums, output);
    }
}

/// What the gradients of weights are made of.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, T> {
    /// A strip.
    pub x: &'a [Block<T>],
    /// For each tap, where its blocks start in a run.
    pub offsets: &'a [u32],
    /// How wide the groups are.
    pub width: usize,
    /// Gradients of a block of outputs, pixel by pixel.
    pub dy: &'a [Block<T>],
    /// The pixels to sum over.
    pub runs: &'a [Run],
    /// How many pixels each run has.
    pub len: usize,
    /// Whether the products are added to what stands there, or it has no value yet.
    pub onto: bool,
    /// What to ask for meanwhile.
    pub ahead: &'a [Block<T>],
}

/// The products, in `dw`: for each tap a block for each copy.
pub fn products<T: Number>(isa: Isa, factors: &Factors<'_, T>, dw: &mut [Block<T>]) {
    let Factors { offsets, width, .. } = *factors;
    // The sums, a pixel's copies, it and its gradients.
    let fits = |taps: usize, copies: usize| taps * copies + copies + 2 <= T::blocks(isa);
    let mut tap = 0;
    while tap < offsets.len() {
        let side_by_side = matches!(offsets[tap..], [a, b, c, ..] if a + 1 == b && b + 1 == c);
        let taps = if side_by_side && fits(3, 1) { 3 } else { 1 };
        let most = [8, 4, 2].into_iter().find(|&copies| copies <= width && fits(taps, copies)).unwrap_or(1);
        for copies in split(width, most) {
            macro_rules! sizes {
                ($($K:literal x $J:literal)*) => {
                    match (taps, most) {
                        $(($K, $J) => T::dispatch(isa, Products::<T, $K, $J> { factors, tap, copy: copies.start, dw }),)*
                        _ => unreachable!("no product of {taps} taps by {most} copies"),
                    }
                };
            }
            sizes!(1 x 1  1 x 2  1 x 4  1 x 8  3 x 1  3 x 2  3 x 4  3 x 8)
        }
        tap += taps;
    }
}

/// K taps side by side by J copies.
struct Products<'a, T, const K: usize, const J: usize> {
    factors: &'a Factors<'a, T>,
    tap: usize,
    copy: usize,
    dw: &'a mut [Block<T>],
}

impl<T: Number, const K: usize, const J: usize> Kernel<T> for Products<'_, T, K, J> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Known when this is compiled: there is always a product of one tap by one copy.
        if K * J > 1 && K * J + J + 2 > S::BLOCKS {
            unreachable!("{K} taps by {J} copies do not fit into {} registers", S::BLOCKS);
        }
        let Self { factors: &Factors { x, offsets, width, dy, runs, len, onto, ahead }, tap, copy, dw } =
            self;
        let lanes: &[Block<u32>; J] = LANES[width.ilog2() as usize][copy..].first_chunk().expect("J copies");
        let mut ahead = if tap + copy == 0 { ahead.iter() } else { [].iter() };
        let mut sums = [[simd.splat(T::ZERO); J]; K];
        if onto {
            for k in 0..K {
                for j in 0..J {
                    sums[k][j] = simd.load(&dw[(tap + k) * width + copy + j]);
                }
            }
        }
        for run in runs {
            let x = &x[(run.x + offsets[tap]) as usize..][..len + K - 1];
            let dy = &dy[run.dy as usize..][..len];
            for (q, x) in x.iter().enumerate() {
                if let Some(block) = ahead.next() {
                    simd.prefetch(block);
                }
                let x = simd.load(x);
                let mut copies = [x; J];
                for j in 0..J {
                    copies[j] = simd.pick(x, &lanes[j]);
                }
                for k in 0..K {
                    if q >= k && q - k < len {
                        let dy = simd.load(&dy[q - k]);
                        for j in 0..J {
                            sums[k][j] = simd.mul_add(copies[j], dy, sums[k][j]);
                        }
                    }
                }
            }
        }
        for k in 0..K {
            for j in 0..J {
                simd.store(sums[k][j], &mut dw[(tap + k) * width + copy + j]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_one_channel_of_every_group() {
        for (i, copies) in LANES.iter().enumerate() {
            let width = 1 << i;
            for (j, lanes) in copies.iter().enumerate().take(width) {
                let expected = |lane: usize| (lane / width * width + j) as u32;
                assert!((0..BLOCK).all(|lane| lanes[lane] == expected(lane)), "copy {j}, groups of {width}");
            }
        }
    }

    #[test]
    fn taps_side_by_side_are_found_in_both_directions() {
        let taps = |offsets: [u32; 3]| [0, 1, 2].map(|i| Tap { offset: offsets[i], filter: i as u32 });
        assert_eq!(neighbours(&taps([5, 6, 7])), Some((5, [0, 1, 2])));
        assert_eq!(neighbours(&taps([7, 6, 5])), Some((5, [2, 1, 0])));
        assert_eq!(neighbours(&taps([5, 7, 9])), None);
        assert_eq!(neighbours(&taps([5, 6, 7])[..2]), None);
    }
}
