//! Plain Rust: works everywhere, and is what the others are checked against.

use super::{BLOCK, Block, Simd};
use std::{
    array,
    ops::{Add, Mul},
};

/// No vector instructions beyond the target's baseline.
#[derive(Clone, Copy)]
pub(super) struct Scalar;

impl<T: Copy + Default + PartialOrd + Add<Output = T> + Mul<Output = T>> Simd<T> for Scalar {
    type V = Block<T>;
    // The baseline of x86-64 has sixteen registers of four f32.
    const BLOCKS: usize = 4;

    #[inline(always)]
    fn splat(self, x: T) -> Block<T> {
        [x; BLOCK]
    }

    #[inline(always)]
    fn load(self, from: &Block<T>) -> Block<T> {
        *from
    }

    #[inline(always)]
    fn store(self, v: Block<T>, to: &mut Block<T>) {
        *to = v;
    }

    // Not `f32::mul_add`: without an FMA instruction that is a call into the maths library.
    #[inline(always)]
    fn mul_add(self, a: Block<T>, b: Block<T>, c: Block<T>) -> Block<T> {
        array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn relu(self, v: Block<T>) -> Block<T> {
        v.map(|x| if x <= T::default() { T::default() } else { x })
    }

    #[inline(always)]
    fn zip(self, a: Block<T>, b: Block<T>) -> [Block<T>; 2] {
        [0, BLOCK / 2]
            .map(|from| array::from_fn(|i| if i % 2 == 0 { a[from + i / 2] } else { b[from + i / 2] }))
    }

    #[inline(always)]
    #[expect(clippy::eq_op, reason = "a NaN is the only number that differs from itself")]
    fn larger(self, x: Block<T>, y: Block<T>, a: Block<T>, b: Block<T>) -> Block<T> {
        array::from_fn(|i| if (x[i] > y[i]) | (x[i] != x[i]) { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn where_equal(self, a: Block<T>, b: Block<T>, v: Block<T>) -> Block<T> {
        array::from_fn(|i| if a[i] == b[i] { v[i] } else { T::default() })
    }

    #[inline(always)]
    fn prefetch(self, _: &Block<T>) {}
}
