//! [`Array`]: numbers with a shape, as files hold them.

use crate::{error::extents, real::Real, tensor::Tensor};
use safetensors::Dtype;

/// Numbers with a shape of any rank, in PyTorch's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The extents, outermost first; empty for a single number.
    pub shape: Vec<usize>,
    /// The numbers, row by row.
    pub numbers: Numbers,
}

/// The types of numbers that are read and written.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// `F32`.
    F32(Vec<f32>),
    /// `F64`.
    F64(Vec<f64>),
    /// `I64`.
    I64(Vec<i64>),
}

impl Array {
    /// The numbers of a tensor, in its own precision and its own order of axes.
    pub fn of<T: Real>(tensor: &Tensor<T>) -> Self {
        let numbers = match T::DTYPE {
            "F32" => Numbers::F32(tensor.as_slice().iter().map(|x| x.to_f64() as f32).collect()),
            _ => Numbers::F64(tensor.as_slice().iter().map(|x| x.to_f64()).collect()),
        };
        Self { shape: tensor.shape().dims().to_vec(), numbers }
    }

    /// A single integer.
    pub fn count(count: u64) -> Self {
        Self { shape: Vec::new(), numbers: Numbers::I64(vec![count as i64]) }
    }

    /// The numbers as a tensor, rounded where `T` is narrower; none if there are more than four axes.
    pub fn to_tensor<T: Real>(&self) -> Option<Tensor<T>> {
        let values: Vec<T> = match &self.numbers {
            Numbers::F32(numbers) => numbers.iter().map(|&x| T::of(x.into())).collect(),
            Numbers::F64(numbers) => numbers.iter().map(|&x| T::of(x)).collect(),
            Numbers::I64(numbers) => numbers.iter().map(|&x| T::of(x as f64)).collect(),
        };
        Some(match *self.shape {
            [] => Tensor::from_vec([], values),
            [a] => Tensor::from_vec([a], values),
            [a, b] => Tensor::from_vec([a, b], values),
            [a, b, c] => Tensor::from_vec([a, b, c], values),
            [a, b, c, d] => Tensor::from_vec([a, b, c, d], values),
            _ => return None,
        })
    }

    /// The single integer that [`count`](Self::count) stores; none if it is anything else.
    pub fn to_count(&self) -> Option<u64> {
        match (&self.shape[..], &self.numbers) {
            ([], Numbers::I64(numbers)) => u64::try_from(*numbers.first()?).ok(),
            _ => None,
        }
    }

    /// Type and shape for a message, as in `F32 [2, 3]`; of many axes, the first few.
    pub fn kind(&self) -> String {
        format!("{} {}", self.numbers.dtype(), extents(&self.shape))
    }

    /// The place of the first number that is infinite or NaN as a `T`, with an index for each axis, and
    /// the number.
    pub fn find_infinite<T: Real>(&self) -> Option<(Vec<usize>, f64)> {
        let infinite = |x: f64| !T::of(x).is_finite();
        let (mut at, number) = match &self.numbers {
            Numbers::F32(numbers) => {
                let at = numbers.iter().position(|&x| infinite(x.into()))?;
                (at, numbers[at].into())
            }
            Numbers::F64(numbers) => {
                let at = numbers.iter().position(|&x| infinite(x))?;
                (at, numbers[at])
            }
            Numbers::I64(_) => return None,
        };
        let mut index = vec![0; self.shape.len()];
        for (i, &extent) in index.iter_mut().zip(&self.shape).rev() {
            (*i, at) = (at % extent, at / extent);
        }
        Some((index, number))
    }
}

impl Numbers {
    pub(super) fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::I64(_) => Dtype::I64,
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::F32(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F64(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::I64(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    /// Numbers from a file's bytes, halves widened; none if the type is not one of those that
    /// [`TensorFile`](super::TensorFile) reads.
    pub(super) fn from_bytes(dtype: Dtype, bytes: &[u8]) -> Option<Self> {
        let (halves, words, wide) = (bytes.as_chunks().0, bytes.as_chunks().0, bytes.as_chunks().0);
        Some(match dtype {
            Dtype::F16 => Self::F32(halves.iter().map(|&x| widened(u16::from_le_bytes(x))).collect()),
            Dtype::BF16 => Self::F32(
                halves.iter().map(|&x| f32::from_bits(u32::from(u16::from_le_bytes(x)) << 16)).collect(),
            ),
            Dtype::F32 => Self::F32(words.iter().map(|&x| f32::from_le_bytes(x)).collect()),
            Dtype::F64 => Self::F64(wide.iter().map(|&x| f64::from_le_bytes(x)).collect()),
            Dtype::I64 => Self::I64(wide.iter().map(|&x| i64::from_le_bytes(x)).collect()),
            _ => return None,
        })
    }
}

/// The number whose sign, 5 bits of exponent and 10 bits of fraction these are (IEEE 754 binary16).
fn widened(bits: u16) -> f32 {
    let (exponent, fraction) = (u32::from(bits >> 10) & 31, u32::from(bits) & 1023);
    let size = match exponent {
        0 => fraction as f32 * 2f32.powi(-24),
        31 => f32::from_bits(255 << 23 | fraction << 13),
        _ => f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_widened_exactly() {
        for (bits, expected) in [
            (0x0000, 0.0),
            (0x0001, 2f32.powi(-24)),
            (0x03ff, 1023.0 * 2f32.powi(-24)),
            (0x0400, 2f32.powi(-14)),
            (0x3555, 1365.0 / 4096.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(widened(bits).to_bits(), f32::to_bits(expected), "{bits:#06x}");
        }
        assert!(widened(0x8000).is_sign_negative() && widened(0x7e01).is_nan());
    }

    #[test]
    fn finds_what_is_no_number() {
        let array = |numbers| Array { shape: vec![2, 3], numbers };
        let nan = array(Numbers::F32(vec![0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0])).find_infinite::<f32>();
        assert!(nan.is_some_and(|(at, x)| at == [1, 1] && x.is_nan()));
        let large = array(Numbers::F64(vec![0.0, 0.0, 1e300, 0.0, 0.0, 0.0]));
        assert_eq!(large.find_infinite::<f32>(), Some((vec![0, 2], 1e300)));
        assert_eq!(large.find_infinite::<f64>(), None);
        assert_eq!(array(Numbers::I64(vec![0; 6])).find_infinite::<f32>(), None);
    }
}
