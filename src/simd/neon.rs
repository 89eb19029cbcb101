//! NEON, which every AArch64 processor that Rust supports has; the argument is that of `x86`.

use super::{Block, Kernel, Simd};
use std::arch::aarch64::*;

/// Proof that this machine has NEON.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    #[inline]
    pub(super) fn enter<T, K: Kernel<T>>(self, kernel: K) -> K::Output
    where
        Self: Simd<T>,
    {
        #[target_feature(enable = "neon")]
        fn entry<T, K: Kernel<T>>(simd: Neon, kernel: K) -> K::Output
        where
            Neon: Simd<T>,
        {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so the machine has NEON.
        unsafe { entry(self, kernel) }
    }
}

/// A block is `$n` registers `$V` of `$lanes` numbers `$T`.
macro_rules! simd {
    ($T:ty, $V:ty, $n:literal x $lanes:literal, blocks $blocks:literal,
     $splat:ident $load:ident $store:ident $fma:ident $max:ident $greater:ident $equal:ident $select:ident $low:ident $high:ident) => {
        impl Simd<$T> for Neon {
            type V = [$V; $n];
            const BLOCKS: usize = $blocks;

            #[inline(always)]
            fn splat(self, x: $T) -> Self::V {
                // SAFETY: `self` exists, so the machine has the instruction.
                [unsafe { $splat(x) }; $n]
            }

            #[inline(always)]
            fn load(self, from: &Block<$T>) -> Self::V {
                let at = from.as_ptr();
                // SAFETY: as in `splat`; $n times $lanes is the block's sixteen numbers.
                std::array::from_fn(|i| unsafe { $load(at.add(i * $lanes)) })
            }

            #[inline(always)]
            fn store(self, v: Self::V, to: &mut Block<$T>) {
                let at = to.as_mut_ptr();
                for (i, v) in v.into_iter().enumerate() {
                    // SAFETY: as in `load`.
                    unsafe { $store(at.add(i * $lanes), v) }
                }
            }

            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                // SAFETY: as in `splat`. NEON's addend comes first.
                std::array::from_fn(|i| unsafe { $fma(c[i], a[i], b[i]) })
            }

            #[inline(always)]
            fn relu(self, v: Self::V) -> Self::V {
                // SAFETY: as in `splat`. Of a zero and a NaN, the NaN comes out.
                std::array::from_fn(|i| unsafe { $max($splat(0.0), v[i]) })
            }

            #[inline(always)]
            fn zip(self, a: Self::V, b: Self::V) -> [Self::V; 2] {
                // SAFETY: as in `splat`.
                let pairs: [_; $n] =
                    std::array::from_fn(|i| unsafe { [$low(a[i], b[i]), $high(a[i], b[i])] });
                [0, $n].map(|from| std::array::from_fn(|i| pairs[(from + i) / 2][(from + i) % 2]))
            }

            #[inline(always)]
            fn larger(self, x: Self::V, y: Self::V, a: Self::V, b: Self::V) -> Self::V {
                // SAFETY: as in `splat`. Where `x` is a NaN it does not equal itself.
                std::array::from_fn(|i| unsafe {
                    $select($greater(x[i], y[i]), a[i], $select($equal(x[i], x[i]), b[i], a[i]))
                })
            }

            #[inline(always)]
            fn where_equal(self, a: Self::V, b: Self::V, v: Self::V) -> Self::V {
                // SAFETY: as in `splat`.
                std::array::from_fn(|i| unsafe { $select($equal(a[i], b[i]), v[i], $splat(0.0)) })
            }

            #[inline(always)]
            fn prefetch(self, _: &Block<$T>) {}
        }
    };
}

simd!(f32, float32x4_t, 4 x 4, blocks 8, vdupq_n_f32 vld1q_f32 vst1q_f32 vfmaq_f32 vmaxq_f32 vcgtq_f32 vceqq_f32 vbslq_f32 vzip1q_f32 vzip2q_f32);
simd!(f64, float64x2_t, 8 x 2, blocks 4, vdupq_n_f64 vld1q_f64 vst1q_f64 vfmaq_f64 vmaxq_f64 vcgtq_f64 vceqq_f64 vbslq_f64 vzip1q_f64 vzip2q_f64);
