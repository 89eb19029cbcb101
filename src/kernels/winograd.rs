//! Winograd's minimal filtering, F(4x4, 3x3): sixteen outputs of a 3x3 convolution for 36 products, not 144.
//!
//! A 6x6 piece of the input, `d`, and a 3x3 filter, `g`, are each turned into 36 numbers. Their
//! products, position by position, turn into 4x4 outputs (Lavin and Gray 2016, equation 8):
//!
//! ```text
//! y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A
//! ```
//!
//! It is multiplication of polynomials: evaluate both at six points, multiply the values, and
//! interpolate (Toom and Cook). Summed over channels, each of the 36 positions becomes a matrix
//! product of its own, so a [`tile`](super::tile) does the work.
//!
//! The usual points are 0, ±1, ±2 and infinity. Here they are 0, ±1/√2, ±√2 and infinity: they lie
//! closer to the unit circle, powers of them stay near one, and less than half of the rounding
//! error remains for the same number of operations.
//!
//! The gradient of the weights reads the same formula backwards, in the sense of the chain rule:
//!
//! ```text
//! dg = Gᵀ [(Bᵀ d B) ⊙ (A dy Aᵀ)] G
//! ```
//!
//! and the gradient of the input is a convolution of `dy` with the filters turned by half a turn.
//!
//! Each map is linear and is written once along one axis. It is applied along rows, whose results are laid aside, and then
//! along columns.

#![allow(clippy::needless_range_loop, reason = "constant indices keep the numbers in registers")]

use super::tile::After;
use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd},
};
use std::{
    f64::consts::{FRAC_1_SQRT_2, SQRT_2},
    marker::PhantomData,
    ops::Range,
};

/// Outputs along one axis.
pub const OUTPUTS: usize = 4;
/// Inputs along one axis: four windows of three, side by side.
pub const INPUTS: usize = 6;
/// Products: 6 x 6.
pub const POSITIONS: usize = INPUTS * INPUTS;

// ANCHOR: points
/// The points are ±A and ±B, and A·B is one.
const A: f64 = FRAC_1_SQRT_2;
const B: f64 = SQRT_2;
/// What interpolation divides by: 2a²(a² - b²) and 2b²(b² - a²).
const NA: f64 = 1.0 / (2.0 * A * A * (A * A - B * B));
const NB: f64 = 1.0 / (2.0 * B * B * (B * B - A * A));
// ANCHOR_END: points

/// `base` plus the sum of factors times values.
#[inline(always)]
fn plus<T: Number, S: Simd<T>, const N: usize>(simd: S, base: S::V, terms: [(f64, S::V); N]) -> S::V {
    let mut sum = base;
    for (factor, value) in terms {
        sum = simd.mul_add(simd.splat(T::of(factor)), value, sum);
    }
    sum
}

/// A linear map of N numbers to M, for sixteen channels at once.
trait Map<const N: usize, const M: usize> {
    fn along<T: Number, S: Simd<T>>(simd: S, x: [S::V; N]) -> [S::V; M];
}

// ANCHOR: input
/// Bᵀ: six inputs.
struct Input;
impl Map<6, 6> for Input {
    #[inline(always)]
    fn along<T: Number, S: Simd<T>>(simd: S, [d0, d1, d2, d3, d4, d5]: [S::V; 6]) -> [S::V; 6] {
        let (a2, b2) = (A * A, B * B);
        let p = plus::<T, S, 1>(simd, d4, [(-b2, d2)]);
        let q = plus::<T, S, 1>(simd, d3, [(-b2, d1)]);
        let r = plus::<T, S, 1>(simd, d4, [(-a2, d2)]);
        let s = plus::<T, S, 1>(simd, d3, [(-a2, d1)]);
        [
            plus::<T, S, 2>(simd, d0, [(1.0, d4), (-a2 - b2, d2)]),
            plus::<T, S, 1>(simd, p, [(A, q)]),
            plus::<T, S, 1>(simd, p, [(-A, q)]),
            plus::<T, S, 1>(simd, r, [(B, s)]),
            plus::<T, S, 1>(simd, r, [(-B, s)]),
            plus::<T, S, 2>(simd, d5, [(1.0, d1), (-a2 - b2, d3)]),
        ]
    }
}
// ANCHOR_END: input

// ANCHOR: filter
/// G: three weights.
struct Filter;
impl Map<3, 6> for Filter {
    #[inline(always)]
    fn along<T: Number, S: Simd<T>>(simd: S, [g0, g1, g2]: [S::V; 3]) -> [S::V; 6] {
        let zero = simd.splat(T::ZERO);
        let even_a = plus::<T, S, 2>(simd, zero, [(NA, g0), (NA * A * A, g2)]);
        let even_b = plus::<T, S, 2>(simd, zero, [(NB, g0), (NB * B * B, g2)]);
        [
            g0,
            plus::<T, S, 1>(simd, even_a, [(NA * A, g1)]),
            plus::<T, S, 1>(simd, even_a, [(-NA * A, g1)]),
            plus::<T, S, 1>(simd, even_b, [(NB * B, g1)]),
            plus::<T, S, 1>(simd, even_b, [(-NB * B, g1)]),
            g2,
        ]
    }
}
// ANCHOR_END: filter

// ANCHOR: output
/// Aᵀ: six sums of products.
struct Output;
impl Map<6, 4> for Output {
    #[inline(always)]
    fn along<T: Number, S: Simd<T>>(simd: S, [m0, m1, m2, m3, m4, m5]: [S::V; 6]) -> [S::V; 4] {
        let zero = simd.splat(T::ZERO);
        let even_a = plus::<T, S, 1>(simd, m1, [(1.0, m2)]);
        let odd_a = plus::<T, S, 1>(simd, m1, [(-1.0, m2)]);
        let even_b = plus::<T, S, 1>(simd, m3, [(1.0, m4)]);
        let odd_b = plus::<T, S, 1>(simd, m3, [(-1.0, m4)]);
        [
            plus::<T, S, 2>(simd, m0, [(1.0, even_a), (1.0, even_b)]),
            plus::<T, S, 2>(simd, zero, [(A, odd_a), (B, odd_b)]),
            plus::<T, S, 2>(simd, zero, [(A * A, even_a), (B * B, even_b)]),
            plus::<T, S, 2>(simd, m5, [(A * A * A, odd_a), (B * B * B, odd_b)]),
        ]
    }
}
// ANCHOR_END: output

/// A, the transpose of [`Output`]: four gradients of outputs.
struct Gradient;
impl Map<4, 6> for Gradient {
    #[inline(always)]
    fn along<T: Number, S: Simd<T>>(simd: S, [y0, y1, y2, y3]: [S::V; 4]) -> [S::V; 6] {
        let zero = simd.splat(T::ZERO);
        let even_a = plus::<T, S, 1>(simd, y0, [(A * A, y2)]);
        let odd_a = plus::<T, S, 2>(simd, zero, [(A, y1), (A * A * A, y3)]);
        let even_b = plus::<T, S, 1>(simd, y0, [(B * B, y2)]);
        let odd_b = plus::<T, S, 2>(simd, zero, [(B, y1), (B * B * B, y3)]);
        [
            y0,
            plus::<T, S, 1>(simd, even_a, [(1.0, odd_a)]),
            plus::<T, S, 1>(simd, even_a, [(-1.0, odd_a)]),
            plus::<T, S, 1>(simd, even_b, [(1.0, odd_b)]),
            plus::<T, S, 1>(simd, even_b, [(-1.0, odd_b)]),
            y3,
        ]
    }
}

/// Gᵀ, the transpose of [`Filter`]: six sums of products.
struct FilterGradient;
impl Map<6, 3> for FilterGradient {
    #[inline(always)]
    fn along<T: Number, S: Simd<T>>(simd: S, [u0, u1, u2, u3, u4, u5]: [S::V; 6]) -> [S::V; 3] {
        let zero = simd.splat(T::ZERO);
        let even_a = plus::<T, S, 1>(simd, u1, [(1.0, u2)]);
        let odd_a = plus::<T, S, 1>(simd, u1, [(-1.0, u2)]);
        let even_b = plus::<T, S, 1>(simd, u3, [(1.0, u4)]);
        let odd_b = plus::<T, S, 1>(simd, u3, [(-1.0, u4)]);
        [
            plus::<T, S, 2>(simd, u0, [(NA, even_a), (NB, even_b)]),
            plus::<T, S, 2>(simd, zero, [(NA * A, odd_a), (NB * B, odd_b)]),
            plus::<T, S, 2>(simd, u5, [(NA * A * A, even_a), (NB * B * B, even_b)]),
        ]
    }
}

/// Column `j` of so many rows.
#[inline(always)]
fn column<V: Copy, const N: usize, const M: usize>(rows: &[[V; M]; N], j: usize) -> [V; N] {
    let mut column = [rows[0][j]; N];
    for i in 1..N {
        column[i] = rows[i][j];
    }
    column
}

/// An image (H, W, C) of whole blocks of channels.
#[derive(Clone, Debug)]
pub struct Image<'a, T> {
    /// Its blocks, pixel by pixel, and those of the images behind it.
    pub blocks: &'a [Block<T>],
    /// Its height and width.
    pub size: [usize; 2],
    /// From one pixel to the next, in blocks.
    pub pixel: usize,
    /// Which of a pixel's blocks to read.
    pub channels: Range<usize>,
}

/// Where the 36 numbers of each tile go.
#[derive(Debug)]
pub struct Spread<'a, T> {
    /// Starts at the first tile's first block.
    pub to: &'a mut [Block<T>],
    /// From one position to the next, in blocks.
    pub position: usize,
    /// From one block of channels to the next.
    pub block: usize,
    /// From one tile to the next.
    pub tile: usize,
}

/// Writes `Bᵀ d B` for so many `tiles` side by side. The first one's 6x6 pixels begin at `corner` (row, column); they may
/// lie outside of the image.
pub fn input<T: Number>(
    isa: Isa,
    image: &Image<'_, T>,
    corner: [isize; 2],
    tiles: usize,
    spread: Spread<'_, T>,
) {
    T::dispatch(isa, Tiles::<_, Input, 6> { image, corner, tiles, spread, map: PhantomData });
}

/// Writes `A dy Aᵀ` for so many `tiles` of 4x4 pixels, the first from `corner` on.
pub fn gradient<T: Number>(
    isa: Isa,
    image: &Image<'_, T>,
    corner: [isize; 2],
    tiles: usize,
    spread: Spread<'_, T>,
) {
    T::dispatch(isa, Tiles::<_, Gradient, 4> { image, corner, tiles, spread, map: PhantomData });
}

struct Tiles<'a, T, F, const N: usize> {
    image: &'a Image<'a, T>,
    corner: [isize; 2],
    tiles: usize,
    spread: Spread<'a, T>,
    map: PhantomData<F>,
}

impl<T: Number, F: Map<N, 6>, const N: usize> Kernel<T> for Tiles<'_, T, F, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { image, corner, tiles, spread, .. } = self;
        let mut rows = [[simd.splat(T::ZERO); INPUTS]; N];
        for (n, block) in image.channels.clone().enumerate() {
            for tile in 0..tiles {
                let first = corner[1] + (tile * OUTPUTS) as isize;
                image.ask_for(simd, [corner[0] + N as isize, first + (N - OUTPUTS) as isize], block);
                for i in 0..N {
                    let line = image.line(corner[0] + i as isize);
                    rows[i] = F::along(simd, image.pixels(simd, line, first, block));
                }
                let to = &mut spread.to[n * spread.block + tile * spread.tile..];
                for j in 0..INPUTS {
                    let v = F::along(simd, column(&rows, j));
                    for i in 0..INPUTS {
                        simd.store(v[i], &mut to[(i * INPUTS + j) * spread.position]);
                    }
                }
            }
        }
    }
}

impl<T: Number> Image<'_, T> {
    /// A row's blocks: none, if it lies outside.
    #[inline(always)]
    fn line(&self, row: isize) -> &[Block<T>] {
        let len = self.size[1] * self.pixel;
        if (0..self.size[0] as isize).contains(&row) {
            &self.blocks[row as usize * len..][..len]
        } else {
            &[]
        }
    }

    /// Memory for the tile below, 4x4 pixels from `corner` on that this one has not read, or for what lies behind the last
    /// tile, comes while this one is computed.
    #[inline(always)]
    fn ask_for<S: Simd<T>>(&self, simd: S, corner: [isize; 2], block: usize) {
        for i in 0..OUTPUTS {
            let pixel = (corner[0] + i as isize) * self.size[1] as isize + corner[1];
            for j in 0..OUTPUTS {
                let at = (pixel + j as isize) * self.pixel as isize + block as isize;
                if let Some(block) = self.blocks.get(at as usize) {
                    simd.prefetch(block);
                }
            }
        }
    }

    /// A block of each of N pixels of a line, and zeros for those outside of it.
    #[inline(always)]
    fn pixels<S: Simd<T>, const N: usize>(
        &self,
        simd: S,
        line: &[Block<T>],
        first: isize,
        block: usize,
    ) -> [S::V; N] {
        let mut pixels = [simd.splat(T::ZERO); N];
        for j in 0..N {
            // Before the first pixel this is below zero, and so more than any line has as a `usize`.
            let at = (first + j as isize) * self.pixel as isize + block as isize;
            if let Some(pixel) = line.get(at as usize) {
                pixels[j] = simd.load(pixel);
            }
        }
        pixels
    }
}

/// Packed filters, or some of them: `packed[tap][…][16]`.
#[derive(Clone, Debug)]
pub struct Packed<'a, T> {
    /// All blocks.
    pub blocks: &'a [Block<T>],
    /// Which blocks of each tap to read.
    pub range: Range<usize>,
    /// Whether the filters are turned by half a turn, as the gradient of the input wants them.
    pub turned: bool,
}

/// Writes `G g Gᵀ` of packed filters into `to[position][…][16]`; behind those of a position there may be room.
pub fn filters<T: Number>(isa: Isa, packed: Packed<'_, T>, to: &mut [Block<T>]) {
    T::dispatch(isa, Filters { packed, to });
}

struct Filters<'a, T> {
    packed: Packed<'a, T>,
    to: &'a mut [Block<T>],
}

impl<T: Number> Kernel<T> for Filters<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Packed { blocks, range, turned } = self.packed;
        let (each, position) = (blocks.len() / 9, self.to.len() / POSITIONS);
        let mut rows = [[simd.splat(T::ZERO); INPUTS]; 3];
        for (n, from) in range.enumerate() {
            for i in 0..3 {
                let mut g = [simd.splat(T::ZERO); 3];
                for j in 0..3 {
                    let tap = if turned { 8 - (3 * i + j) } else { 3 * i + j };
                    g[j] = simd.load(&blocks[tap * each + from]);
                }
                rows[i] = Filter::along(simd, g);
            }
            for j in 0..INPUTS {
                let u = Filter::along(simd, column(&rows, j));
                for i in 0..INPUTS {
                    simd.store(u[i], &mut self.to[(i * INPUTS + j) * position + n]);
                }
            }
        }
    }
}

/// Writes `Gᵀ u G` of sums of products, `u[position][…][16]`, into `packed[tap][…][16]`; in `u` there may be more of a
/// position than that.
pub fn filter_gradients<T: Number>(isa: Isa, u: &[Block<T>], packed: &mut [Block<T>]) {
    T::dispatch(isa, FilterGradients { u, packed });
}

struct FilterGradients<'a, T> {
    u: &'a [Block<T>],
    packed: &'a mut [Block<T>],
}

impl<T: Number> Kernel<T> for FilterGradients<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (each, position) = (self.packed.len() / 9, self.u.len() / POSITIONS);
        let mut rows = [[simd.splat(T::ZERO); 3]; INPUTS];
        for n in 0..each {
            for i in 0..INPUTS {
                let mut u = [simd.splat(T::ZERO); INPUTS];
                for j in 0..INPUTS {
                    u[j] = simd.load(&self.u[(i * INPUTS + j) * position + n]);
                }
                rows[i] = FilterGradient::along(simd, u);
            }
            for j in 0..3 {
                let g = FilterGradient::along(simd, column(&rows, j));
                for i in 0..3 {
                    simd.store(g[i], &mut self.packed[(3 * i + j) * each + n]);
                }
            }
        }
    }
}

/// Sums of products, `m[position][tile][block][16]`.
#[derive(Clone, Debug)]
pub struct Sums<'a, T> {
    /// All of them.
    pub blocks: &'a [Block<T>],
    /// From one position to the next, in tiles.
    pub position: usize,
    /// Which tiles of each position to read.
    pub tiles: Range<usize>,
}

/// Writes `Aᵀ m A` of tiles side by side: as many of their pixels as there are.
pub fn output<T: Number>(isa: Isa, m: Sums<'_, T>, to: &mut Patch<'_, T>) {
    T::dispatch(isa, OutputTiles { m, to });
}

/// Where the outputs of a row of tiles go.
#[derive(Debug)]
pub struct Patch<'a, T> {
    /// Starts at the first channel of the first pixel.
    pub values: &'a mut [T],
    /// How many rows, up to four, and columns there are.
    pub size: [usize; 2],
    /// From one row to the next, and from one pixel to the next.
    pub stride: [usize; 2],
    /// How many blocks of channels.
    pub blocks: usize,
    /// What is done to each sum before it is written.
    pub after: After<'a, T>,
}

struct OutputTiles<'a, 'b, T> {
    m: Sums<'a, T>,
    to: &'a mut Patch<'b, T>,
}

/// Memory for the outputs of tile `n`, or for what lies behind the last one, comes while the one before it is computed.
#[inline(always)]
fn ask_for<T: Number, S: Simd<T>>(simd: S, values: &[T], stride: [usize; 2], n: usize) {
    for i in 0..OUTPUTS {
        for j in 0..OUTPUTS {
            let at = i * stride[0] + (n * OUTPUTS + j) * stride[1];
            if let Some(block) = values.get(at..).and_then(|values| values.first_chunk()) {
                simd.prefetch(block);
            }
        }
    }
}

impl<T: Number> Kernel<T> for OutputTiles<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Patch { ref mut values, size, stride, blocks, after } = *self.to;
        let Sums { blocks: m, position, tiles } = self.m;
        let one = simd.splat(T::ONE);
        let mut rows = [[simd.splat(T::ZERO); OUTPUTS]; INPUTS];
        for block in 0..blocks {
            let bias = after.bias(simd, block);
            for (n, tile) in tiles.clone().enumerate() {
                ask_for(simd, &values[block * BLOCK..], stride, n + 1);
                for i in 0..INPUTS {
                    let mut line = [simd.splat(T::ZERO); INPUTS];
                    for j in 0..INPUTS {
                        line[j] = simd.load(&m[((i * INPUTS + j) * position + tile) * blocks + block]);
                    }
                    rows[i] = Output::along(simd, line);
                }
                for j in 0..OUTPUTS.min(size[1] - n * OUTPUTS) {
                    let mut y = Output::along(simd, column(&rows, j));
                    let at = (n * OUTPUTS + j) * stride[1] + block * BLOCK;
                    for i in 0..OUTPUTS {
                        if !after.bias.is_empty() {
                            y[i] = simd.mul_add(one, y[i], bias);
                        }
                        if after.relu {
                            y[i] = simd.relu(y[i]);
                        }
                        if i < size[0] {
                            let pixel = values[at + i * stride[0]..].first_chunk_mut();
                            simd.store(y[i], pixel.expect("whole blocks"));
                        }
                    }
                }
            }
        }
    }
}
