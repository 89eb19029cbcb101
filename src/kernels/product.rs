//! Matrix products whose weights are read where they lie: a fully connected layer uses each weight once for each of a
//! few images, so that packing them would cost as much as using them.
//!
//! ```text
//! dot:    y[n, o] += Σ over i of x[n, i] · w[o, i]      both read along their rows
//! spread: c[p, i] += Σ over k of a[p, k] · b[k, i]      b read along its rows, a number by number
//! ```
//!
//! A [`dot`] keeps a vector of partial sums for each of its outputs and adds up its lanes at the end; a
//! [`spread`] is the loop of a [tile](super::tile).

use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd, Vectorized},
};

/// A matrix: its numbers, and how far apart two neighbours in a column and in a row are.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// Starts at the first number of the first row.
    pub numbers: &'a [T],
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub column: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Rows of `columns` numbers, one behind the other.
    pub fn new(numbers: &'a [T], columns: usize) -> Self {
        Self { numbers, row: columns, column: 1 }
    }

    /// Rows as columns.
    pub fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    /// What is left when so many rows and columns are left out.
    pub fn from(self, row: usize, column: usize) -> Self {
        let first = (row * self.row + column * self.column).min(self.numbers.len());
        Self { numbers: &self.numbers[first..], ..self }
    }
}

/// How many numbers of a row [`spread`] takes at a time from `a`.
pub const DEPTH: usize = 64;

/// The first of `sizes` that is no larger than `left` and of which `by` fit into the registers of `isa`, beside
/// `by` blocks and one more.
fn size<T: Vectorized>(isa: Isa, sizes: &[usize], left: usize, by: usize) -> usize {
    let fits = |&&size: &&usize| size <= left && size * by + by < T::blocks(isa);
    sizes.iter().find(fits).copied().unwrap_or(1)
}

/// Adds x · wᵀ to `y`: [rows of x, rows of w] from rows of `inputs` numbers.
///
/// # Panics
/// If `x` or `w` have fewer numbers.
pub fn dot<T: Number>(
    isa: Isa,
    [images, outputs]: [usize; 2],
    inputs: usize,
    [x, w]: [Matrix<'_, T>; 2],
    y: &mut [T],
) {
    let mut n = 0;
    while n < images {
        let rows = size::<T>(isa, &[6, 2], images - n, if T::blocks(isa) >= 32 { 4 } else { 2 });
        let mut o = 0;
        while o < outputs {
            let columns = size::<T>(isa, &[4, 2], outputs - o, rows);
            let (x, w, y) = (x.from(n, 0), w.from(o, 0), &mut y[n * outputs + o..]);
            macro_rules! sizes {
                ($($P:literal x $V:literal)*) => {
                    match (rows, columns) {
                        $(($P, $V) => T::dispatch(isa, Dot::<T, $P, $V> { x, w, inputs, y, outputs }),)*
                        _ => unreachable!("no product of {rows} by {columns}"),
                    }
                };
            }
            sizes!(6 x 4  6 x 2  6 x 1  2 x 4  2 x 2  2 x 1  1 x 4  1 x 2  1 x 1);
            o += columns;
        }
        n += rows;
    }
}

struct Dot<'a, T, const P: usize, const V: usize> {
    x: Matrix<'a, T>,
    w: Matrix<'a, T>,
    inputs: usize,
    y: &'a mut [T],
    outputs: usize,
}

impl<T: Number, const P: usize, const V: usize> Kernel<T> for Dot<'_, T, P, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { x, w, inputs, y, outputs } = self;
        let blocks = inputs / BLOCK;
        let xs: [&[Block<T>]; P] = std::array::from_fn(|p| &x.from(p, 0).numbers.as_chunks().0[..blocks]);
        let ws: [&[Block<T>]; V] = std::array::from_fn(|v| &w.from(v, 0).numbers.as_chunks().0[..blocks]);
        let mut sums = [[simd.splat(T::ZERO); V]; P];
        for i in 0..blocks {
            let mut w = [simd.splat(T::ZERO); V];
            for v in 0..V {
                w[v] = simd.load(&ws[v][i]);
            }
            for p in 0..P {
                let x = simd.load(&xs[p][i]);
                for v in 0..V {
                    sums[p][v] = simd.mul_add(x, w[v], sums[p][v]);
                }
            }
        }
        let rest = blocks * BLOCK..inputs;
        for p in 0..P {
            for v in 0..V {
                let (x, w) = (&x.from(p, 0).numbers[rest.clone()], &w.from(v, 0).numbers[rest.clone()]);
                let rest: T = x.iter().zip(w).map(|(&x, &w)| x * w).sum();
                y[p * outputs + v] += total(simd, sums[p][v]) + rest;
            }
        }
    }
}

/// The sum of sixteen lanes, halves on halves.
#[inline(always)]
fn total<T: Number, S: Simd<T>>(simd: S, v: S::V) -> T {
    let mut lanes = [T::ZERO; BLOCK];
    simd.store(v, &mut lanes);
    let mut half = BLOCK / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Adds a · b to `c`: [rows of a, columns of b], each a sum over `depth` of at most [`DEPTH`]; `c` has rows of `row`
/// numbers.
///
/// # Panics
/// If `a` or `b` have fewer numbers, or `depth` is too large.
pub fn spread<T: Number>(
    isa: Isa,
    [rows, columns]: [usize; 2],
    depth: usize,
    [a, b]: [Matrix<'_, T>; 2],
    (c, row): (&mut [T], usize),
) {
    let blocks = super::tile::blocks::<T>(isa);
    let mut p = 0;
    while p < rows {
        let height = size::<T>(isa, &[14, 8, 4, 2], rows - p, blocks);
        let (a, c) = (a.from(p, 0), &mut c[p * row..]);
        macro_rules! sizes {
            ($($P:literal)*) => {
                match (height, blocks) {
                    $(($P, 1) => T::dispatch(isa, Spread::<T, $P, 1> { a, b, c, columns, depth, row }),
                      ($P, 2) => T::dispatch(isa, Spread::<T, $P, 2> { a, b, c, columns, depth, row }),)*
                    _ => unreachable!("no product of {height} rows by {blocks} blocks"),
                }
            };
        }
        sizes!(14 8 4 2 1);
        p += height;
    }
}

struct Spread<'a, T, const P: usize, const V: usize> {
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    c: &'a mut [T],
    columns: usize,
    depth: usize,
    row: usize,
}

impl<T: Number, const P: usize, const V: usize> Kernel<T> for Spread<'_, T, P, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Known when this is compiled, as in a tile.
        if P * V + V + 1 > S::BLOCKS {
            unreachable!("{P} rows by {V} blocks do not fit into {} registers", S::BLOCKS);
        }
        let Self { a, b, c, columns, depth, row } = self;
        let mut packed = [[T::ZERO; P]; DEPTH];
        let packed = &mut packed[..depth];
        for (k, packed) in packed.iter_mut().enumerate() {
            for (p, to) in packed.iter_mut().enumerate() {
                *to = a.numbers[p * a.row + k * a.column];
            }
        }
        let whole = columns - columns % (V * BLOCK);
        for at in (0..whole).step_by(V * BLOCK) {
            add_tile::<T, S, P, V>(simd, packed, b.from(0, at), (&mut c[at..], row));
        }
        for p in 0..P {
            for i in whole..columns {
                let products = packed.iter().enumerate().map(|(k, a)| a[p] * b.numbers[k * b.row + i]);
                c[p * row + i] += products.sum();
            }
        }
    }
}

/// P rows by V blocks of the result.
#[inline(always)]
fn add_tile<T: Number, S: Simd<T>, const P: usize, const V: usize>(
    simd: S,
    a: &[[T; P]],
    b: Matrix<'_, T>,
    (c, row): (&mut [T], usize),
) {
    let mut sums = [[simd.splat(T::ZERO); V]; P];
    for p in 0..P {
        let from: &[Block<T>; V] = c[p * row..].as_chunks().0.first_chunk().expect("V blocks");
        for v in 0..V {
            sums[p][v] = simd.load(&from[v]);
        }
    }
    for (k, a) in a.iter().enumerate() {
        let from: &[Block<T>; V] = b.numbers[k * b.row..].as_chunks().0.first_chunk().expect("V blocks");
        let mut b = [simd.splat(T::ZERO); V];
        for v in 0..V {
            b[v] = simd.load(&from[v]);
        }
        for p in 0..P {
            let a = simd.splat(a[p]);
            for v in 0..V {
                sums[p][v] = simd.mul_add(a, b[v], sums[p][v]);
            }
        }
    }
    for p in 0..P {
        let to: &mut [Block<T>; V] = c[p * row..].as_chunks_mut().0.first_chunk_mut().expect("V blocks");
        for v in 0..V {
            simd.store(sums[p][v], &mut to[v]);
        }
    }
}
