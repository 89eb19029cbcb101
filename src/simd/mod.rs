//! Vectors of sixteen channels, on whatever instructions this machine has. The only `unsafe` code.
//!
//! A [`Block`] is sixteen consecutive channels of one pixel: one AVX-512 register of `f32`, two of
//! AVX2, four of NEON. A kernel is written once, over [`Simd`], and [`Vectorized::dispatch`] runs
//! it on the chosen [`Isa`]: every generic part is `#[inline(always)]`, so that it is compiled
//! inside the one function per instruction set that carries `#[target_feature]`.
//!
//! ```
//! use residual::simd::{Block, Isa, Kernel, Simd, Vectorized};
//!
//! /// y = a·x + y over one block.
//! struct Axpy<'a>(f32, &'a Block<f32>, &'a mut Block<f32>);
//!
//! impl Kernel<f32> for Axpy<'_> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run<S: Simd<f32>>(self, simd: S) {
//!         let y = simd.mul_add(simd.splat(self.0), simd.load(self.1), simd.load(self.2));
//!         simd.store(y, self.2);
//!     }
//! }
//!
//! let mut y = [1.0; 16];
//! for isa in Isa::available() {
//!     f32::dispatch(isa, Axpy(2.0, &[3.0; 16], &mut y));
//! }
//! assert!(y[0] >= 7.0);
//! ```

mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use isa::Isa;

/// How many channels a [`Block`] holds.
pub const BLOCK: usize = 16;

/// Sixteen consecutive channels of one pixel.
pub type Block<T> = [T; BLOCK];

// ANCHOR: simd
/// The few vector instructions that convolution and pooling need, on one instruction set.
///
/// A value of an implementing type is the proof that its instructions exist on this machine.
pub trait Simd<T>: Copy {
    /// A block in registers.
    type V: Copy;
    /// How many blocks the register file holds; what a tile may keep there follows from it.
    const BLOCKS: usize;

    /// All sixteen channels equal to `x`.
    fn splat(self, x: T) -> Self::V;
    /// Reads a block.
    fn load(self, from: &Block<T>) -> Self::V;
    /// Writes a block.
    fn store(self, v: Self::V, to: &mut Block<T>);
    /// Reads a block, or as many numbers as `from` has, and zeros.
    #[inline(always)]
    fn load_first(self, from: &[T]) -> Self::V
    where
        T: Copy + Default,
    {
        match from.first_chunk() {
            Some(whole) => self.load(whole),
            None => {
                let mut block = [T::default(); BLOCK];
                block.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                self.load(&block)
            }
        }
    }
    /// Writes the first numbers of a block: as many as `to` has, and sixteen at most.
    #[inline(always)]
    fn store_first(self, v: Self::V, to: &mut [T])
    where
        T: Copy + Default,
    {
        match to.first_chunk_mut() {
            Some(whole) => self.store(v, whole),
            None => {
                let mut block = [T::default(); BLOCK];
                self.store(v, &mut block);
                to.iter_mut().zip(block).for_each(|(to, from)| *to = from);
            }
        }
    }
    /// `a * b + c`, fused where the instruction set fuses.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Zero in place of what is below it; NaN stays NaN.
    fn relu(self, v: Self::V) -> Self::V;
    /// Both blocks in turns: a₀ b₀ a₁ b₁ … in two blocks.
    fn zip(self, a: Self::V, b: Self::V) -> [Self::V; 2];
    /// In each lane i, number `lanes[i]` of `v`: one of the same eight.
    #[inline(always)]
    fn pick(self, v: Self::V, lanes: &[u32; BLOCK]) -> Self::V
    where
        T: Copy + Default,
    {
        let (mut from, mut to) = ([T::default(); BLOCK], [T::default(); BLOCK]);
        self.store(v, &mut from);
        for (to, &lane) in to.iter_mut().zip(lanes) {
            *to = from[lane as usize % BLOCK];
        }
        self.load(&to)
    }
    /// `a` where `x` is larger than `y` or is not a number, and `b` elsewhere.
    fn larger(self, x: Self::V, y: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `v` where `a` equals `b`, and zero elsewhere.
    fn where_equal(self, a: Self::V, b: Self::V, v: Self::V) -> Self::V;
    /// Asks for the block to be brought into the first-level cache.
    fn prefetch(self, at: &Block<T>);
}
// ANCHOR_END: simd

// ANCHOR: transpose
/// Rows as columns.
///
/// Dealing row i and row i + 8 out in turns, for every i, moves the topmost bit of a number's row to the end of its
/// column: four rounds, and rows and columns have changed places.
#[inline(always)]
pub fn transpose<T, S: Simd<T>>(simd: S, mut rows: [S::V; BLOCK]) -> [S::V; BLOCK] {
    for _ in 0..BLOCK.ilog2() {
        let mut dealt = rows;
        for i in 0..BLOCK / 2 {
            [dealt[2 * i], dealt[2 * i + 1]] = simd.zip(rows[i], rows[i + BLOCK / 2]);
        }
        rows = dealt;
    }
    rows
}
// ANCHOR_END: transpose

// ANCHOR: kernel
/// A computation written once for every instruction set.
///
/// Mark `run`, and whatever generic code it calls, `#[inline(always)]`: code that is not inlined
/// into the entry function is compiled without its vector instructions.
pub trait Kernel<T> {
    /// What the computation returns.
    type Output;
    /// The computation, on the instructions of `simd`.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}
// ANCHOR_END: kernel

/// Calls `loops`, plain ones over numbers, compiled for the vectors of this machine: without it they get those that every
/// machine of its kind has, on x86 a half or a quarter as wide.
///
/// It works for what is inlined, and loses nothing but speed elsewhere: keep `loops` small, and mark what they call
/// `#[inline(always)]`.
///
/// ```
/// use residual::simd;
/// let (mut y, x) = ([1.0f32; 1000], [2.0f32; 1000]);
/// simd::vectorize(|| y.iter_mut().zip(&x).for_each(|(y, x)| *y += x));
/// assert_eq!(y, [3.0; 1000]);
/// ```
#[inline]
pub fn vectorize<R>(loops: impl FnOnce() -> R) -> R {
    struct Loops<F>(F);
    impl<T, R, F: FnOnce() -> R> Kernel<T> for Loops<F> {
        type Output = R;
        #[inline(always)]
        fn run<S: Simd<T>>(self, _: S) -> R {
            self.0()
        }
    }
    f32::dispatch(Isa::current(), Loops(loops))
}

/// A number type that kernels run on: `f32` and `f64`.
pub trait Vectorized: Sized {
    /// Runs `kernel` on the instructions of `isa`.
    ///
    /// # Panics
    /// If this machine does not have `isa`.
    fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output;

    /// How many blocks the registers of `isa` hold: [`Simd::BLOCKS`].
    ///
    /// # Panics
    /// If no machine of this kind has `isa`.
    fn blocks(isa: Isa) -> usize;
}

macro_rules! vectorized {
    ($($T:ty)*) => {$(
        impl Vectorized for $T {
            // ANCHOR: dispatch
            #[inline]
            fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output {
                match isa {
                    Isa::Scalar => kernel.run(scalar::Scalar),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => x86::Avx2::detect().unwrap_or_else(|| isa.missing()).enter(kernel),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => x86::Avx512::detect().unwrap_or_else(|| isa.missing()).enter(kernel),
                    #[cfg(target_arch = "aarch64")]
                    Isa::Neon => neon::Neon::detect().unwrap_or_else(|| isa.missing()).enter(kernel),
                    #[allow(unreachable_patterns)]
                    _ => isa.missing(),
                }
            }
            // ANCHOR_END: dispatch

            #[inline]
            fn blocks(isa: Isa) -> usize {
                match isa {
                    Isa::Scalar => <scalar::Scalar as Simd<$T>>::BLOCKS,
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => <x86::Avx2 as Simd<$T>>::BLOCKS,
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => <x86::Avx512 as Simd<$T>>::BLOCKS,
                    #[cfg(target_arch = "aarch64")]
                    Isa::Neon => <neon::Neon as Simd<$T>>::BLOCKS,
                    #[allow(unreachable_patterns)]
                    _ => isa.missing(),
                }
            }
        }
    )*};
}
vectorized!(f32 f64);

#[cfg(test)]
mod tests {
    use super::*;

    struct Transpose<T>([Block<T>; BLOCK]);

    impl<T: Copy> Kernel<T> for Transpose<T> {
        type Output = [Block<T>; BLOCK];
        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
            let mut columns = self.0;
            let rows = self.0.map(|row| simd.load(&row));
            for (to, column) in columns.iter_mut().zip(transpose(simd, rows)) {
                simd.store(column, to);
            }
            columns
        }
    }

    struct Pick<'a, T>(Block<T>, &'a [u32; BLOCK]);

    impl<T: Copy + Default> Kernel<T> for Pick<'_, T> {
        type Output = Block<T>;
        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
            let mut picked = self.0;
            simd.store(simd.pick(simd.load(&self.0), self.1), &mut picked);
            picked
        }
    }

    #[test]
    fn lanes_are_picked_out_of_their_eight_on_every_instruction_set() {
        let block: Block<f32> = std::array::from_fn(|i| i as f32);
        for isa in Isa::available() {
            for shift in 0..8 {
                let lanes = std::array::from_fn(|i| (i / 8 * 8 + (3 * i + shift) % 8) as u32);
                let picked = f32::dispatch(isa, Pick(block, &lanes));
                assert_eq!(picked, lanes.map(|lane| lane as f32), "{isa}, f32");
                let picked = f64::dispatch(isa, Pick(block.map(f64::from), &lanes));
                assert_eq!(picked, lanes.map(f64::from), "{isa}, f64");
            }
        }
    }

    struct First<'a, T>(&'a [T], &'a mut [T], usize);

    impl<T: Copy + Default> Kernel<T> for First<'_, T> {
        type Output = Block<T>;
        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
            let mut all = [T::default(); BLOCK];
            let v = simd.load_first(self.0);
            simd.store(v, &mut all);
            simd.store_first(v, &mut self.1[..self.2]);
            all
        }
    }

    #[test]
    fn the_first_numbers_are_read_and_written_and_no_others() {
        let numbers: [f32; 17] = std::array::from_fn(|i| 1.0 + i as f32);
        for (isa, count) in
            Isa::available().into_iter().flat_map(|isa| (0..=17).map(move |count| (isa, count)))
        {
            let expected: Block<f32> = std::array::from_fn(|i| if i < count { numbers[i] } else { 0.0 });
            // At the end of an allocation: what lies behind belongs to nobody.
            let (from, mut to) = (numbers[..count].to_vec(), vec![-1.0; 17]);
            assert_eq!(f32::dispatch(isa, First(&from, &mut to, count)), expected, "{isa}, f32, {count}");
            assert!((0..17).all(|i| to[i] == if i < count.min(BLOCK) { numbers[i] } else { -1.0 }));
            let (from, mut to) =
                (numbers[..count].iter().map(|&x| x.into()).collect::<Vec<f64>>(), vec![-1.0; 17]);
            assert_eq!(
                f64::dispatch(isa, First(&from, &mut to, count)),
                expected.map(f64::from),
                "{isa}, f64, {count}"
            );
            assert!((0..17).all(|i| to[i] == if i < count.min(BLOCK) { numbers[i].into() } else { -1.0 }));
        }
    }

    #[test]
    fn rows_become_columns_on_every_instruction_set() {
        for isa in Isa::available() {
            let rows: [Block<f32>; BLOCK] =
                std::array::from_fn(|i| std::array::from_fn(|j| (i * BLOCK + j) as f32));
            let columns = f32::dispatch(isa, Transpose(rows));
            assert!((0..BLOCK).all(|i| (0..BLOCK).all(|j| columns[j][i] == rows[i][j])), "{isa}, f32");
            let rows = rows.map(|row| row.map(f64::from));
            let columns = f64::dispatch(isa, Transpose(rows));
            assert!((0..BLOCK).all(|i| (0..BLOCK).all(|j| columns[j][i] == rows[i][j])), "{isa}, f64");
        }
    }
}
