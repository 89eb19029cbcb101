//! How fast one core multiplies and adds: the roof that kernels are judged by.

use crate::{
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd},
};
use std::{hint::black_box, time::Instant};

/// Measures 2.4 million multiply-adds of whole blocks from registers, under a millisecond with vector
/// instructions: the rate in floating-point operations per second, two for each multiply-add.
///
/// ```
/// use residual::{kernels::peak::flops, simd::Isa};
/// assert!(flops::<f32>(Isa::Scalar) > 1e6);
/// ```
pub fn flops<T: Number>(isa: Isa) -> f64 {
    // Chains enough to hide four cycles of latency on two ports, and few enough for the registers.
    match T::blocks(isa) {
        32.. => measure::<T, 12>(isa),
        8.. => measure::<T, 6>(isa),
        _ => measure::<T, 3>(isa),
    }
}

fn measure<T: Number, const CHAINS: usize>(isa: Isa) -> f64 {
    let rounds = 2_400_000 / CHAINS;
    let start = Instant::now();
    black_box(T::dispatch(isa, Chains::<T, CHAINS> { rounds, x: black_box(T::of(0.5)) }));
    (rounds * CHAINS * BLOCK * 2) as f64 / start.elapsed().as_secs_f64()
}

struct Chains<T, const CHAINS: usize> {
    rounds: usize,
    x: T,
}

impl<T: Number, const CHAINS: usize> Kernel<T> for Chains<T, CHAINS> {
    type Output = Block<T>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Block<T> {
        let x = simd.splat(self.x);
        let mut sums = [x; CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add(x, *sum, x);
            }
        }
        let mut all = [T::ZERO; BLOCK];
        for sum in sums {
            let mut one = [T::ZERO; BLOCK];
            simd.store(sum, &mut one);
            all.iter_mut().zip(one).for_each(|(all, one)| *all += one);
        }
        all
    }
}
