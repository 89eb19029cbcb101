//! [`TensorFile`]: named arrays in a file.

use super::{Array, Numbers, pth, write_atomically};
use crate::error::{Error, clip};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::BTreeMap, fs, path::Path};

/// Named arrays and named texts, as a safetensors file holds them. A file of PyTorch's own, `.pth` or
/// `.pt`, is read too, if it holds a dict of tensors; what is written is always safetensors.
///
/// The numbers are in memory once, halves as floats: of safetensors, at most twice as many bytes as the file
/// has. Tensors of a `.pth` may share numbers and are then read for each, four times on average at most, so
/// that it may take eight times the file's bytes.
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

impl TensorFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, is no such file, or holds numbers other than F16, BF16, F32, F64 and I64.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes =
            fs::read(path).map_err(|source| Error::Io { path: path.into(), action: "read", source })?;
        Self::from_bytes(path, &bytes)
    }

    /// Reads what a file at `path`, which errors will name, has for bytes. They tell which kind of file
    /// it is; its name does not.
    ///
    /// # Errors
    /// If they are no such file, or hold numbers other than F16, BF16, F32, F64 and I64.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        if pth::is_pytorch(bytes) {
            return Ok(Self { arrays: pth::read(path, bytes)?, metadata: BTreeMap::new() });
        }
        let header = check_header(bytes).map_err(|found| damaged(path, found))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(path, error.to_string()))?;
        let mut arrays = BTreeMap::new();
        for (name, view) in file.iter() {
            let numbers = Numbers::from_bytes(view.dtype(), view.data())
                .ok_or_else(|| unsupported(path, name, view.dtype()))?;
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
        expected: "a safetensors file, or a .pth file of PyTorch".into(),
        found: clip(&found),
        hint: "write or download it again".into(),
    }
}

/// Numbers of a type that no weights have.
pub(super) fn unsupported(path: &Path, name: &str, dtype: Dtype) -> Error {
    // Batch norm's counts are integers, and refused as floats.
    let cast = if name.ends_with("num_batches_tracked") { "long" } else { "float" };
    Error::Format {
        path: path.into(),
        expected: "numbers of type F16, BF16, F32, F64 or I64".into(),
        found: format!("`{}` of type {dtype}", clip(name)),
        hint: format!(
            "convert this tensor: in PyTorch, state_dict[name] = state_dict[name].{cast}() before saving"
        ),
    }
}
