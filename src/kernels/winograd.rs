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
//! Each map is linear and is written once along one axis; `both` applies it along rows, then
//! columns.

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

/// `F x Fᵀ`.
#[inline(always)]
fn both<T: Number, S: Simd<T>, F: Map<N, M>, const N: usize, const M: usize>(
    simd: S,
    x: &[[S::V; N]; N],
) -> [[S::V; M]; M] {
    let zero = simd.splat(T::ZERO);
    let mut rows = [[zero; M]; N];
    for i in 0..N {
        rows[i] = F::along(simd, x[i]);
    }
    let mut result = [[zero; M]; M];
    for j in 0..M {
        let mut column = [zero; N];
        for i in 0..N {
            column[i] = rows[i][j];
        }
        let column = F::along(simd, column);
        for i in 0..M {
            result[i][j] = column[i];
        }
    }
    result
}

/// An image (H, W, C) of whole blocks of channels.
#[derive(Clone, Debug)]
pub struct Image<'a, T> {
    /// Its blocks, pixel by pixel.
    pub blocks: &'a [Block<T>],
    /// Its height and width.
    pub size: [usize; 2],
    /// Which of a pixel's blocks to read.
    pub channels: Range<usize>,
}

/// Where the 36 numbers of a tile go.
#[derive(Debug)]
pub struct Spread<'a, T> {
    /// Starts at the tile's first block.
    pub to: &'a mut [Block<T>],
    /// From one position to the next, in blocks.
    pub position: usize,
    /// From one block of channels to the next.
    pub block: usize,
}

/// Writes `Bᵀ d B` of the 6x6 pixels from `corner` (row, column) on, which may lie outside of the image.
pub fn input<T: Number>(isa: Isa, image: &Image<'_, T>, corner: [isize; 2], spread: Spread<'_, T>) {
    T::dispatch(isa, Tile::<_, Input, 6> { image, corner, spread, map: PhantomData });
}

/// Writes `A dy Aᵀ` of the 4x4 pixels from `corner` on.
pub fn gradient<T: Number>(isa: Isa, image: &Image<'_, T>, corner: [isize; 2], spread: Spread<'_, T>) {
    T::dispatch(isa, Tile::<_, Gradient, 4> { image, corner, spread, map: PhantomData });
}

struct Tile<'a, T, F, const N: usize> {
    image: &'a Image<'a, T>,
    corner: [isize; 2],
    spread: Spread<'a, T>,
    map: PhantomData<F>,
}

impl<T: Number, F: Map<N, 6>, const N: usize> Kernel<T> for Tile<'_, T, F, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Image { blocks: pixels, size, ref channels } = *self.image;
        let [height, width] = size.map(|extent| extent as isize);
        let each = pixels.len() / (size[0] * size[1]);
        let outside = [T::ZERO; BLOCK];
        for block in channels.clone() {
            let mut d = [[simd.splat(T::ZERO); N]; N];
            for i in 0..N {
                let row = self.corner[0] + i as isize;
                for j in 0..N {
                    let column = self.corner[1] + j as isize;
                    let inside = (0..height).contains(&row) && (0..width).contains(&column);
                    let from = if inside {
                        &pixels[(row * width + column) as usize * each + block]
                    } else {
                        &outside
                    };
                    d[i][j] = simd.load(from);
                }
            }
            let v = both::<T, S, F, N, 6>(simd, &d);
            let to = &mut self.spread.to[(block - channels.start) * self.spread.block..];
            for i in 0..INPUTS {
                for j in 0..INPUTS {
                    simd.store(v[i][j], &mut to[(i * INPUTS + j) * self.spread.position]);
                }
            }
        }
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

/// Writes `G g Gᵀ` of packed filters into `to[position][…][16]`.
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
        let (each, position) = (blocks.len() / 9, range.len());
        for (n, from) in range.enumerate() {
            let mut g = [[simd.splat(T::ZERO); 3]; 3];
            for i in 0..3 {
                for j in 0..3 {
                    let tap = if turned { 8 - (3 * i + j) } else { 3 * i + j };
                    g[i][j] = simd.load(&blocks[tap * each + from]);
                }
            }
            let u = both::<T, S, Filter, 3, 6>(simd, &g);
            for i in 0..INPUTS {
                for j in 0..INPUTS {
                    simd.store(u[i][j], &mut self.to[(i * INPUTS + j) * position + n]);
                }
            }
        }
    }
}

/// Writes `Gᵀ u G` of sums of products, `u[position][…][16]`, into `packed[tap][…][16]`.
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
        let each = self.u.len() / POSITIONS;
        for n in 0..each {
            let mut u = [[simd.splat(T::ZERO); INPUTS]; INPUTS];
            for i in 0..INPUTS {
                for j in 0..INPUTS {
                    u[i][j] = simd.load(&self.u[(i * INPUTS + j) * each + n]);
                }
            }
            let g = both::<T, S, FilterGradient, 6, 3>(simd, &u);
            for i in 0..3 {
                for j in 0..3 {
                    simd.store(g[i][j], &mut self.packed[(3 * i + j) * each + n]);
                }
            }
        }
    }
}

/// Writes `Aᵀ m A`, the `size[0]` x `size[1]` pixels of the tile that exist. `m[position][tile][block][16]`
/// holds so many `tiles`, of which this is one.
pub fn output<T: Number>(isa: Isa, m: &[Block<T>], [tile, tiles]: [usize; 2], to: &mut Patch<'_, T>) {
    T::dispatch(isa, OutputTile { m, tile, tiles, to });
}

/// Where the outputs of a tile go.
#[derive(Debug)]
pub struct Patch<'a, T> {
    /// Starts at the first channel of the first pixel.
    pub values: &'a mut [T],
    /// How many rows and columns there are, up to four of each.
    pub size: [usize; 2],
    /// From one row to the next, and from one pixel to the next.
    pub stride: [usize; 2],
    /// How many blocks of channels.
    pub blocks: usize,
    /// What is done to each sum before it is written.
    pub after: After<'a, T>,
}

struct OutputTile<'a, 'b, T> {
    m: &'a [Block<T>],
    tile: usize,
    tiles: usize,
    to: &'a mut Patch<'b, T>,
}

impl<T: Number> Kernel<T> for OutputTile<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Patch { ref mut values, size, stride, blocks, after } = *self.to;
        for block in 0..blocks {
            let mut m = [[simd.splat(T::ZERO); INPUTS]; INPUTS];
            for i in 0..INPUTS {
                for j in 0..INPUTS {
                    let position = i * INPUTS + j;
                    m[i][j] = simd.load(&self.m[(position * self.tiles + self.tile) * blocks + block]);
                }
            }
            let mut y = both::<T, S, Output, 6, 4>(simd, &m);
            if !after.bias.is_empty() {
                let (one, bias) = (simd.splat(T::ONE), after.bias(simd, block));
                for i in 0..OUTPUTS {
                    for j in 0..OUTPUTS {
                        y[i][j] = simd.mul_add(one, y[i][j], bias);
                    }
                }
            }
            if after.relu {
                for i in 0..OUTPUTS {
                    for j in 0..OUTPUTS {
                        y[i][j] = simd.relu(y[i][j]);
                    }
                }
            }
            for i in 0..OUTPUTS {
                for j in 0..OUTPUTS {
                    if i < size[0] && j < size[1] {
                        let at = i * stride[0] + j * stride[1] + block * BLOCK;
                        simd.store(y[i][j], values[at..].first_chunk_mut().expect("whole blocks"));
                    }
                }
            }
        }
    }
}
