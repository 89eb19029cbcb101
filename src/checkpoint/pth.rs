//! `.pth` and `.pt` files, as `torch.save` writes them: a zip archive of a pickle and of raw numbers.
//!
//! ```text
//! name/data.pkl    a pickle: names, shapes, and which numbers
//! name/byteorder   little
//! name/data/0      the numbers of storage 0
//! name/data/1      …
//! ```
//!
//! What is read is a dict of tensors, by itself or as one value of an outer dict, where all else is left
//! out. Nothing in a file is ever run (see [`pickle`]), and what is taken up is bounded by the file's size.

mod pickle;
mod window;
mod zip;

use super::{Array, Numbers, tensor_file::unsupported};
use crate::error::{Error, clip};
use pickle::{Machine, Place, Storage, Value, kind};
use std::{collections::BTreeMap, path::Path};
use window::Window;
use zip::Archive;

/// How those who train call the weights among what else they save.
const NESTED: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// Images, weights and their batches have four.
const MOST_AXES: usize = 8;
/// Tensors may share numbers, each of which is read for each tensor: so often at most, on average.
const MOST_SHARED: usize = 4;

/// Why a file is not read.
#[derive(Debug)]
struct Refused {
    found: String,
    hint: &'static str,
}

impl Refused {
    /// It is not what somebody once wrote.
    fn damaged(found: String) -> Self {
        Self { found, hint: "write or download it again" }
    }

    /// The same of a tensor.
    fn in_tensor(self, name: &str) -> Self {
        Self { found: format!("`{}`: {}", clip(name), self.found), ..self }
    }

    /// It holds more than tensors.
    fn foreign(found: String) -> Self {
        Self {
            found,
            hint: "nothing in it was run; save the weights alone: in PyTorch, \
                   torch.save(model.state_dict(), path)",
        }
    }
}

/// Whether a file that begins so is one of `torch.save`, of today's kind or of that before PyTorch 1.6.
///
/// Safetensors begin with the length of their header, which may look like either, and then the header.
pub(super) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.get(8) != Some(&b'{') && (bytes.starts_with(b"PK") || is_legacy(bytes))
}

/// A pickle without an archive.
fn is_legacy(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}

/// The tensors of the file by name.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, Array>, Error> {
    let refused = |Refused { found, hint }| Error::Format {
        path: path.into(),
        expected: "a dict of tensors, as torch.save writes it".into(),
        found,
        hint: hint.into(),
    };
    if is_legacy(bytes) {
        return Err(refused(Refused {
            found: "the format before PyTorch 1.6".into(),
            hint: "save it again: in PyTorch, torch.save(torch.load(path), path, \
                   _use_new_zipfile_serialization=True)",
        }));
    }
    let mut archive = Archive::open(bytes).map_err(refused)?;
    let root = root(&mut archive).map_err(refused)?;
    let code = archive.get(&format!("{root}/data.pkl")).map_err(refused)?;
    let (machine, top) = Machine::run(code).map_err(refused)?;
    let mut reader = Reader { archive, root, machine, left: bytes.len().saturating_mul(MOST_SHARED) };
    let mut arrays = BTreeMap::new();
    for (name, place) in reader.tensors(top).map_err(refused)? {
        let (window, storage) = reader.window(&place).map_err(|refusal| refused(refusal.in_tensor(name)))?;
        let numbers = window.gather(storage, place.storage.size());
        let dtype = place.storage.dtype;
        let numbers = Numbers::from_bytes(dtype, &numbers).ok_or_else(|| unsupported(path, name, dtype))?;
        arrays.insert(name.to_owned(), Array { shape: window.shape, numbers });
    }
    Ok(arrays)
}

/// The folder inside the archive.
fn root<'a>(archive: &mut Archive<'a>) -> Result<&'a str, Refused> {
    let root =
        archive.names().filter_map(|name| name.strip_suffix("/data.pkl")).find(|root| !root.contains('/'));
    let root = root.ok_or_else(|| Refused::foreign("a zip archive without data.pkl".into()))?;
    let order = format!("{root}/byteorder");
    // PyTorch before 2.1 does not say, and is little-endian wherever it is common.
    if archive.names().any(|name| name == order) && archive.get(&order)? != b"little" {
        return Err(Refused {
            found: "numbers whose first byte is the largest".into(),
            hint: "save it again on another machine",
        });
    }
    Ok(root)
}

/// What turns the pickle's tensors into numbers.
struct Reader<'a> {
    archive: Archive<'a>,
    root: &'a str,
    machine: Machine<'a>,
    /// How many bytes of numbers may still be read.
    left: usize,
}

impl<'a> Reader<'a> {
    /// The tensors of the dict `top`, or of one in it.
    fn tensors(&self, top: Value<'a>) -> Result<Vec<(&'a str, Place<'a>)>, Refused> {
        let Value::Dict(top) = top else { return Err(Refused::foreign("no dict".into())) };
        let items = self.machine.dicts[self.nested(top)?.unwrap_or(top)].iter().map(|item| match *item {
            [Value::Text(name), Value::Tensor(tensor)] => Ok((name, self.machine.tensors[tensor])),
            [Value::Text(name), _] => Err(Refused::foreign(format!("`{}`, which is no tensor", clip(name)))),
            [key, _] => {
                Err(Refused::foreign(format!("{} where the name of a tensor should be", kind(Some(&key)))))
            }
        });
        items.collect()
    }

    /// The dict in the dict `top` that has the weights. One without tensors beside it, a configuration say, is
    /// no matter; two with different tensors are.
    fn nested(&self, top: usize) -> Result<Option<usize>, Refused> {
        let dicts = &self.machine.dicts;
        let called = |wanted: &str| {
            // As in Python, what is set last counts.
            let mut items = dicts[top].iter().rev();
            match items.find(|[key, _]| matches!(key, Value::Text(key) if *key == wanted)) {
                Some(&[_, Value::Dict(dict)]) => Some(dict),
                _ => None,
            }
        };
        let found = || NESTED.into_iter().filter_map(|name| Some((name, called(name)?)));
        let has_tensors =
            |dict: usize| dicts[dict].iter().any(|[_, value]| matches!(value, Value::Tensor(_)));
        let mut full = found().filter(|&(_, dict)| has_tensors(dict));
        let Some((name, dict)) = full.next() else { return Ok(found().next().map(|(_, dict)| dict)) };
        match full.find(|&(_, other)| other != dict) {
            None => Ok(Some(dict)),
            Some((other, _)) => Err(Refused {
                found: format!("two of them, `{name}` and `{other}`"),
                hint: "save the one that you mean alone: in PyTorch, torch.save(torch.load(path)[name], new_path)",
            }),
        }
    }

    /// Where in which bytes a tensor lies; it lies within them, and may be read.
    fn window(&mut self, place: &Place<'a>) -> Result<(Window, &'a [u8]), Refused> {
        let Storage { dtype, key, len } = place.storage;
        let size = place.storage.size();
        let bytes = self.archive.get(&format!("{}/data/{key}", self.root))?;
        let counted = usize::try_from(len).ok().filter(|len| len.checked_mul(size) == Some(bytes.len()));
        let len = counted.ok_or_else(|| {
            Refused::damaged(format!("{} bytes for {len} numbers of type {dtype}", bytes.len()))
        })?;
        let axes = (self.extents(place.shape), self.extents(place.strides));
        let window = match (usize::try_from(place.offset), axes) {
            (Ok(offset), (Some(shape), Some(strides))) => Window::new(offset, shape, strides),
            _ => None,
        };
        let window = window.ok_or_else(|| {
            Refused::damaged(format!("no offset, shape and strides of at most {MOST_AXES} axes"))
        })?;
        if window.end().is_none_or(|end| end > len) {
            return Err(Refused::damaged(format!(
                "a shape {:?} that leaves its {len} numbers",
                window.shape
            )));
        }
        let taken = window.len().and_then(|len| len.checked_mul(size));
        self.left = taken.and_then(|taken| self.left.checked_sub(taken)).ok_or_else(|| {
            Refused::foreign(format!("tensors of {MOST_SHARED} times as many numbers as the file has"))
        })?;
        Ok((window, bytes))
    }

    /// The extents or strides that a tuple of the pickle holds.
    fn extents(&self, tuple: usize) -> Option<Vec<usize>> {
        let tuple = &self.machine.tuples[tuple];
        let extent = |value: &Value<'_>| match *value {
            Value::Int(extent) => usize::try_from(extent).ok(),
            _ => None,
        };
        if tuple.len() > MOST_AXES { None } else { tuple.iter().map(extent).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_header_is_not_taken_for_a_pickle() {
        for length in [640u64, 896, 1152, 1408, 19_280] {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.push(b'{');
            assert!(!is_pytorch(&bytes), "a header of {length} bytes");
        }
        assert!(is_pytorch(b"PK\x03\x04\0\0\0\0\0\0") && is_pytorch(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9"));
    }
}
