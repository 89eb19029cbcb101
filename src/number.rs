//! [`Number`]: floating-point arithmetic in two precisions.

use crate::simd::Vectorized;
use std::{
    fmt::{Debug, Display},
    iter::Sum,
    ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign},
};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point number: `f32` to train with, `f64` to check gradients in.
///
/// ```
/// use residual::Number;
///
/// fn mean<T: Number>(xs: &[T]) -> T {
///     xs.iter().copied().sum::<T>() / T::of(xs.len() as f64)
/// }
/// assert_eq!(mean(&[1.0f32, 2.0, 6.0]), 3.0);
/// ```
pub trait Number:
    sealed::Sealed
    + Vectorized
    + Copy
    + Default
    + Debug
    + Display
    + PartialOrd
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    /// `0`.
    const ZERO: Self;
    /// `1`.
    const ONE: Self;
    /// Not a number.
    const NAN: Self;
    /// Minus infinity.
    const NEG_INFINITY: Self;
    /// The type's name in safetensors: `F32` or `F64`.
    const DTYPE: &'static str;

    /// The nearest number to `x`.
    fn of(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// eˣ.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// The larger of the two; the other where one is not a number.
    fn max(self, other: Self) -> Self;
    /// The smaller of the two; the other where one is not a number.
    fn min(self, other: Self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

macro_rules! number {
    ($($T:ident $dtype:literal)*) => {$(
        impl Number for $T {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $T::NAN;
            const NEG_INFINITY: Self = $T::NEG_INFINITY;
            const DTYPE: &'static str = $dtype;

            #[inline]
            fn of(x: f64) -> Self { x as $T }
            #[inline]
            fn to_f64(self) -> f64 { self.into() }
            #[inline]
            fn exp(self) -> Self { self.exp() }
            #[inline]
            fn ln(self) -> Self { self.ln() }
            #[inline]
            fn sqrt(self) -> Self { self.sqrt() }
            #[inline]
            fn tanh(self) -> Self { self.tanh() }
            #[inline]
            fn abs(self) -> Self { self.abs() }
            #[inline]
            fn max(self, other: Self) -> Self { self.max(other) }
            #[inline]
            fn min(self, other: Self) -> Self { self.min(other) }
            #[inline]
            fn is_finite(self) -> bool { self.is_finite() }
        }
    )*};
}
number!(f32 "F32" f64 "F64");
