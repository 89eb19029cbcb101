//! AVX2 with FMA, and AVX-512F.
//!
//! The safety argument is one: `detect` is the only way to make an `Avx2` or an `Avx512`, and it
//! makes one only where the processor reports the features; so whoever holds one may execute the
//! instructions. Loads and stores go through `&Block`, or an array of as many lanes, which is as many bytes as they touch, or
//! through a slice, whose length the mask of a masked one follows. They use the unaligned forms.

use super::{Block, Kernel, Simd};
use std::arch::x86_64::*;

/// Proof that this machine has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Proof that this machine has AVX-512F.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

// ANCHOR: detect
impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    #[inline]
    pub(super) fn enter<T, K: Kernel<T>>(self, kernel: K) -> K::Output
    where
        Self: Simd<T>,
    {
        #[target_feature(enable = "avx2,fma")]
        fn entry<T, K: Kernel<T>>(simd: Avx2, kernel: K) -> K::Output
        where
            Avx2: Simd<T>,
        {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so the machine has AVX2 and FMA.
        unsafe { entry(self, kernel) }
    }
}
// ANCHOR_END: detect

impl Avx512 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        // To the compiler AVX-512F includes AVX2, FMA and F16C, so it may use them too.
        let implied = is_x86_feature_detected!("f16c") && Avx2::detect().is_some();
        (is_x86_feature_detected!("avx512f") && implied).then_some(Self(()))
    }

    #[inline]
    pub(super) fn enter<T, K: Kernel<T>>(self, kernel: K) -> K::Output
    where
        Self: Simd<T>,
    {
        #[target_feature(enable = "avx512f")]
        fn entry<T, K: Kernel<T>>(simd: Avx512, kernel: K) -> K::Output
        where
            Avx512: Simd<T>,
        {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so the machine has AVX-512F.
        unsafe { entry(self, kernel) }
    }
}

/// Two registers' numbers in turns, a₀ b₀ a₁ b₁ …
macro_rules! zip {
    ($feature:literal $zip:ident($a:ident, $b:ident: $V:ty) $zipped:block) => {
        /// # Safety
        #[doc = concat!("The machine has ", $feature, ".")]
        #[inline(always)]
        unsafe fn $zip($a: $V, $b: $V) -> [$V; 2] {
            // SAFETY: the caller has seen to it.
            unsafe { $zipped }
        }
    };
}
zip!("AVX2" zip_ps(a, b: __m256) {
    // AVX2 unpacks each half of a register for itself.
    let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
});
zip!("AVX2" zip_pd(a, b: __m256d) {
    let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    [_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high)]
});
zip!("AVX-512F" zip_ps_512(a, b: __m512) {
    let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
});
zip!("AVX-512F" zip_pd_512(a, b: __m512d) {
    let (low, high) = (_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15));
    [_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b)]
});

/// [`Simd::larger`] and [`Simd::where_equal`] on AVX2, whose comparisons give vectors of ones and zeros.
macro_rules! choices_avx2 {
    ($V:ty, $larger:ident $where_equal:ident: $compare:ident $or:ident $and:ident $blend:ident) => {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn $larger(x: $V, y: $V, a: $V, b: $V) -> $V {
            $blend(b, a, $or($compare::<_CMP_GT_OQ>(x, y), $compare::<_CMP_UNORD_Q>(x, x)))
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        fn $where_equal(a: $V, b: $V, v: $V) -> $V {
            $and($compare::<_CMP_EQ_OQ>(a, b), v)
        }
    };
}

/// The same on AVX-512, whose comparisons give masks.
macro_rules! choices_avx512 {
    ($V:ty, $larger:ident $where_equal:ident: $compare:ident $blend:ident $keep:ident) => {
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn $larger(x: $V, y: $V, a: $V, b: $V) -> $V {
            $blend($compare::<_CMP_GT_OQ>(x, y) | $compare::<_CMP_UNORD_Q>(x, x), b, a)
        }

        #[inline]
        #[target_feature(enable = "avx512f")]
        fn $where_equal(a: $V, b: $V, v: $V) -> $V {
            $keep($compare::<_CMP_EQ_OQ>(a, b), v)
        }
    };
}

choices_avx2!(__m256, larger_8 where_equal_8: _mm256_cmp_ps _mm256_or_ps _mm256_and_ps _mm256_blendv_ps);
choices_avx2!(__m256d, larger_4 where_equal_4: _mm256_cmp_pd _mm256_or_pd _mm256_and_pd _mm256_blendv_pd);
choices_avx512!(__m512, larger_16 where_equal_16: _mm512_cmp_ps_mask _mm512_mask_blend_ps _mm512_maskz_mov_ps);
choices_avx512!(__m512d, larger_8_wide where_equal_8_wide: _mm512_cmp_pd_mask _mm512_mask_blend_pd _mm512_maskz_mov_pd);

/// [`Simd::pick`] in one register: a lane's number counts in its own eight, or in all sixteen.
#[inline]
#[target_feature(enable = "avx2")]
fn pick_8(v: __m256, lanes: &[u32; 8]) -> __m256 {
    // SAFETY: the load reads the array.
    _mm256_permutevar8x32_ps(v, unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn pick_16(v: __m512, lanes: &[u32; 16]) -> __m512 {
    // SAFETY: the load reads the array.
    _mm512_permutexvar_ps(unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }, v)
}

/// Ones for those of a register's `lanes`, from number `first` on, that `count` numbers have.
#[inline(always)]
fn lanes_of(count: usize, first: usize, lanes: usize) -> u32 {
    (1 << count.saturating_sub(first).min(lanes)) - 1
}

/// A block is `$n` registers `$V` of `$lanes` numbers `$T`.
macro_rules! simd {
    ($Isa:ident, $T:ty, $V:ty, $n:literal x $lanes:literal, blocks $blocks:literal,
     $splat:ident $load:ident $store:ident $fma:ident $max:ident $zip:ident $larger:ident $where_equal:ident $(, pick $pick:ident)? $(, mask $load_mask:ident $store_mask:ident $Mask:ty)?) => {
        impl Simd<$T> for $Isa {
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

            $(
                #[inline(always)]
                fn load_first(self, from: &[$T]) -> Self::V {
                    if let Some(whole) = from.first_chunk() {
                        return self.load(whole);
                    }
                    let at = from.as_ptr();
                    // SAFETY: as in `splat`; of the lanes only those are read that `from` has, and the address of the
                    // others is not used.
                    std::array::from_fn(|i| unsafe {
                        $load_mask(lanes_of(from.len(), i * $lanes, $lanes) as $Mask, at.wrapping_add(i * $lanes))
                    })
                }

                #[inline(always)]
                fn store_first(self, v: Self::V, to: &mut [$T]) {
                    if let Some(whole) = to.first_chunk_mut() {
                        return self.store(v, whole);
                    }
                    let (at, len) = (to.as_mut_ptr(), to.len());
                    for (i, v) in v.into_iter().enumerate() {
                        // SAFETY: as in `load_first`, with room for what is written.
                        unsafe {
                            $store_mask(at.wrapping_add(i * $lanes), lanes_of(len, i * $lanes, $lanes) as $Mask, v)
                        }
                    }
                }
            )?

            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                // SAFETY: as in `splat`.
                std::array::from_fn(|i| unsafe { $fma(a[i], b[i], c[i]) })
            }

            #[inline(always)]
            fn relu(self, v: Self::V) -> Self::V {
                // SAFETY: as in `splat`. Of a zero and a NaN, the second comes out: the NaN.
                std::array::from_fn(|i| unsafe { $max($splat(0.0), v[i]) })
            }

            #[inline(always)]
            fn zip(self, a: Self::V, b: Self::V) -> [Self::V; 2] {
                // SAFETY: as in `splat`.
                let pairs: [_; $n] = std::array::from_fn(|i| unsafe { $zip(a[i], b[i]) });
                [0, $n].map(|from| std::array::from_fn(|i| pairs[(from + i) / 2][(from + i) % 2]))
            }

            $(
                #[inline(always)]
                fn pick(self, v: Self::V, lanes: &[u32; super::BLOCK]) -> Self::V {
                    let lanes = lanes.as_chunks::<$lanes>().0;
                    // SAFETY: as in `splat`.
                    std::array::from_fn(|i| unsafe { $pick(v[i], &lanes[i]) })
                }
            )?

            #[inline(always)]
            fn larger(self, x: Self::V, y: Self::V, a: Self::V, b: Self::V) -> Self::V {
                // SAFETY: as in `splat`.
                std::array::from_fn(|i| unsafe { $larger(x[i], y[i], a[i], b[i]) })
            }

            #[inline(always)]
            fn where_equal(self, a: Self::V, b: Self::V, v: Self::V) -> Self::V {
                // SAFETY: as in `splat`.
                std::array::from_fn(|i| unsafe { $where_equal(a[i], b[i], v[i]) })
            }

            #[inline(always)]
            fn prefetch(self, at: &Block<$T>) {
                // SAFETY: a prefetch reads nothing that the program can see.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.as_ptr().cast()) }
            }
        }
    };
}

simd!(Avx2, f32, __m256, 2 x 8, blocks 8, _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_max_ps zip_ps larger_8 where_equal_8, pick pick_8);
simd!(Avx2, f64, __m256d, 4 x 4, blocks 4, _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd _mm256_max_pd zip_pd larger_4 where_equal_4);
simd!(Avx512, f32, __m512, 1 x 16, blocks 32, _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_max_ps zip_ps_512 larger_16 where_equal_16, pick pick_16, mask _mm512_maskz_loadu_ps _mm512_mask_storeu_ps u16);
simd!(Avx512, f64, __m512d, 2 x 8, blocks 16, _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd _mm512_max_pd zip_pd_512 larger_8_wide where_equal_8_wide, mask _mm512_maskz_loadu_pd _mm512_mask_storeu_pd u8);
