//! [`TensorFile`]: named arrays in a safetensors file.

use super::write_atomically;
use crate::{error::Error, real::Real, tensor::Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::BTreeMap, fs, path::Path};

/// Named arrays and named texts, as a safetensors file holds them. The numbers are in memory once,
/// so it takes about as much of it as the file has bytes.
///
/// ```
/// use residual::{Tensor, checkpoint::{Array, TensorFile}};
///
/// let mut file = TensorFile::default();
/// file.arrays.insert("x".into(), Array::of(&Tensor::from_vec([2, 1], vec![0.5f32, 1.5])));
/// let bytes = file.to_bytes();
/// let same = TensorFile::from_bytes("example".as_ref(), &bytes)?;
/// assert_eq!(same.arrays["x"].to_tensor::<f64>().unwrap().as_slice(), [0.5, 1.5]);
/// # Ok::<(), residual::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// The header's texts by name.
    pub metadata: BTreeMap<String, String>,
}

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

    /// Type and shape, as in `F32 [2, 3]`.
    pub fn kind(&self) -> String {
        format!("{} {:?}", self.numbers.dtype(), self.shape)
    }

    /// Whether no number is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        match &self.numbers {
            Numbers::F32(numbers) => numbers.iter().all(|x| x.is_finite()),
            Numbers::F64(numbers) => numbers.iter().all(|x| x.is_finite()),
            Numbers::I64(_) => true,
        }
    }
}

impl Numbers {
    fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::I64(_) => Dtype::I64,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::F32(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F64(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::I64(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    fn from_bytes(dtype: Dtype, bytes: &[u8]) -> Option<Self> {
        let wide = bytes.as_chunks().0.iter();
        Some(match dtype {
            Dtype::F32 => {
                Self::F32(bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect())
            }
            Dtype::F64 => Self::F64(wide.map(|&word| f64::from_le_bytes(word)).collect()),
            Dtype::I64 => Self::I64(wide.map(|&word| i64::from_le_bytes(word)).collect()),
            _ => return None,
        })
    }
}

impl TensorFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, is no safetensors file, or holds numbers other than F32, F64 and I64.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes =
            fs::read(path).map_err(|source| Error::Io { path: path.into(), action: "read", source })?;
        Self::from_bytes(path, &bytes)
    }

    /// Reads what a file at `path`, which errors will name, has for bytes.
    ///
    /// # Errors
    /// If they are no safetensors file, or hold numbers other than F32, F64 and I64.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let header = check_header(bytes).map_err(|found| damaged(path, found))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(path, error.to_string()))?;
        let mut arrays = BTreeMap::new();
        for (name, view) in file.iter() {
            let numbers = Numbers::from_bytes(view.dtype(), view.data()).ok_or_else(|| Error::Format {
                path: path.into(),
                expected: "numbers of type F32, F64 or I64".into(),
                found: format!("`{}` of type {}", clip(name), view.dtype()),
                hint: "convert the file: in PyTorch, tensor.float() before saving".into(),
            })?;
            arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), numbers });
        }
        let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self { arrays, metadata })
    }

    /// The bytes of the file. They are the same for the same content if there is at most one text.
    ///
    /// # Panics
    /// If an array has not as many numbers as its shape says.
    #[track_caller]
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes: Vec<_> = self.arrays.values().map(|array| array.numbers.to_bytes()).collect();
        let views = self.arrays.iter().zip(&bytes).map(|((name, array), bytes)| {
            let view = TensorView::new(array.numbers.dtype(), array.shape.clone(), bytes);
            (name, view.unwrap_or_else(|error| panic!("array `{name}`: {error}")))
        });
        let texts = self.metadata.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
        safetensors::serialize(views, (!self.metadata.is_empty()).then_some(texts))
            .expect("arrays whose sizes fit their shapes")
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// If the system refuses; then an old file is as it was.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write_atomically(path, &self.to_bytes())
    }
}

/// The header, checked in the one way in which the crate's own check can overflow: the arrays' bytes
/// end within the file.
fn check_header(bytes: &[u8]) -> Result<safetensors::tensor::Metadata, String> {
    let short = || format!("{} bytes", bytes.len());
    let (length, rest) = bytes.split_first_chunk().ok_or_else(short)?;
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (header, data) = header.ok_or_else(|| format!("a header of {length} bytes in {}", short()))?;
    let header: safetensors::tensor::Metadata =
        serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if header.data_len() != data.len() {
        return Err(format!(
            "a header about {} bytes of numbers, and {} bytes",
            header.data_len(),
            data.len()
        ));
    }
    Ok(header)
}

fn damaged(path: &Path, found: String) -> Error {
    Error::Format {
        path: path.into(),
        expected: "a safetensors file".into(),
        found: clip(&found),
        hint: "write or download it again; .pth and .pt files must be converted first".into(),
    }
}

/// A name from a file, short enough for one line.
pub(super) fn clip(name: &str) -> String {
    const SHOWN: usize = 100;
    let shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() { format!("{shown}…") } else { shown }
}
