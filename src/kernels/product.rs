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

/// The first of `sizes` that is no larger than `left` and fits the registers.
fn size(sizes: &[usize], left: usize, fits: impl Fn(usize) -> bool) -> usize {
    sizes.iter().copied().find(|&size| size <= left && fits(size)).unwrap_or(1)
}

/// Whether P rows by V blocks of sums, the blocks that they are made of, and one more fit the registers of `isa`.
fn fits<T: Vectorized>(isa: Isa, p: usize, v: usize) -> bool {
    p * v + v < T::blocks(isa)
}

/// Adds x · wᵀ to `y`: [rows of x, rows of w] from rows of `inputs` numbers.
///
/// # Panics
/// If `x` or `w` have fewer numbers, or are transposed.
pub fn dot<T: Number>(
    isa: Isa,
    [images, outputs]: [usize; 2],
    inputs: usize,
    [x, w]: [Matrix<'_, T>; 2],
    y: &mut [T],
) {
    assert_eq!([x.column, w.column], [1, 1], "both are read along their rows");
    let mut n = 0;
    while n < images {
        let widest = if T::blocks(isa) >= 32 { 4 } else { 2 };
        let rows = size(&[4, 2], images - n, |p| fits::<T>(isa, p, widest));
        let mut o = 0;
        while o < outputs {
            let columns = size(&[4, 2], outputs - o, |v| fits::<T>(isa, rows, v));
            let (x, w, y) = (x.from(n, 0), w.from(o, 0), &mut y[n * outputs + o..]);
            macro_rules! sizes {
                ($($P:literal x $V:literal)*) => {
                    match (rows, columns) {
                        $(($P, $V) => T::dispatch(isa, Dot::<T, $P, $V> { x, w, inputs, y, outputs }),)*
                        _ => unreachable!("no product of {rows} by {columns}"),
                    }
                };
            }
            sizes!(4 x 4  4 x 2  4 x 1  2 x 4  2 x 2  2 x 1  1 x 4  1 x 2  1 x 1);
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
/// If `a` or `b` have fewer numbers, `b` is transposed, or `depth` is too large.
pub fn spread<T: Number>(
    isa: Isa,
    [rows, columns]: [usize; 2],
    depth: usize,
    [a, b]: [Matrix<'_, T>; 2],
    (c, row): (&mut [T], usize),
) {
    assert_eq!(b.column, 1, "b is read along its rows");
    let blocks = super::tile::blocks::<T>(isa);
    let mut p = 0;
    while p < rows {
        let height = size(&[14, 8, 4, 2], rows - p, |p| fits::<T>(isa, p, blocks));
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
        for at in (whole..columns).step_by(BLOCK) {
            let count = BLOCK.min(columns - at);
            add_edge::<T, S, P>(simd, packed, b.from(0, at), (&mut c[at..], row, count));
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

/// P rows by the last columns of the result, a block of them or fewer.
#[inline(always)]
fn add_edge<T: Number, S: Simd<T>, const P: usize>(
    simd: S,
    a: &[[T; P]],
    b: Matrix<'_, T>,
    (c, row, count): (&mut [T], usize, usize),
) {
    let mut sums = [simd.splat(T::ZERO); P];
    for p in 0..P {
        sums[p] = simd.load_first(&c[p * row..]);
    }
    for (k, a) in a.iter().enumerate() {
        let b = simd.load_first(&b.numbers[k * b.row..]);
        for p in 0..P {
            sums[p] = simd.mul_add(simd.splat(a[p]), b, sums[p]);
        }
    }
    for p in 0..P {
        simd.store_first(sums[p], &mut c[p * row..][..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers, so that sums are the same in every order.
    fn draw<T: Number>(count: usize, by: usize) -> Vec<T> {
        (0..count).map(|i| T::of(((i * by) % 11) as f64 - 5.0)).collect()
    }

    fn products_are_the_definition<T: Number>(isa: Isa) {
        for [n, o, i] in [[1, 1, 1], [1, 5, 40], [2, 7, 64], [7, 10, 83], [15, 33, 50], [33, 3, 129]] {
            let (x, w) = (draw::<T>(n * i, 7), draw::<T>(o * i, 13));
            let (mut y, mut expected) = (draw::<T>(n * o, 3), draw::<T>(n * o, 3));
            for (at, y) in expected.iter_mut().enumerate() {
                let pairs = x[at / o * i..][..i].iter().zip(&w[at % o * i..][..i]);
                *y += pairs.map(|(&x, &w)| x * w).sum();
            }
            dot(isa, [n, o], i, [Matrix::new(&x, i), Matrix::new(&w, i)], &mut y);
            assert!(y == expected, "dot of {n} by {o} over {i} on {isa}");

            // y of wᵀ, read number by number: o of depth, at most DEPTH of them, and i columns.
            let a = draw::<T>(n * o, 5);
            for transposed in [false, true] {
                let (mut c, mut expected) = (draw::<T>(n * i, 2), draw::<T>(n * i, 2));
                let at = |p: usize, k: usize| if transposed { a[k * n + p] } else { a[p * o + k] };
                for (place, c) in expected.iter_mut().enumerate() {
                    *c += (0..o).map(|k| at(place / i, k) * w[k * i + place % i]).sum();
                }
                let rows = if transposed { Matrix::new(&a, n).transposed() } else { Matrix::new(&a, o) };
                spread(isa, [n, i], o, [rows, Matrix::new(&w, i)], (&mut c, i));
                assert!(c == expected, "spread of {n} by {i} over {o} on {isa}");
            }
        }
    }

    #[test]
    fn products_are_the_definition_everywhere() {
        for isa in Isa::available() {
            products_are_the_definition::<f32>(isa);
            products_are_the_definition::<f64>(isa);
        }
    }
}
