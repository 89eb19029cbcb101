//! From a network to a file and back.

use super::{Array, Metadata, TensorFile, tensor_file::clip};
use crate::{
    error::{Error, WeightMismatch},
    nn::{Slot, Visitor},
    real::Real,
    tensor::Tensor,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Writes every parameter, buffer and count that `visit` shows, whole or not at all.
///
/// # Errors
/// If the system refuses; then an old file is as it was.
pub fn save<T: Real>(
    path: &Path,
    visit: impl FnOnce(&mut Visitor<'_, T>),
    metadata: &Metadata,
) -> Result<(), Error> {
    let mut file = TensorFile { arrays: arrays(visit), ..TensorFile::default() };
    metadata.write_to(&mut file);
    file.write(path)
}

/// What a file of weights says of itself, and what of it was not loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// What the weights are for; nothing if the file comes from elsewhere.
    pub metadata: Option<Metadata>,
    /// A sentence for each part that was skipped.
    pub skipped: Vec<String>,
}

/// Reads every parameter, buffer and count that `visit` shows: all of them, or none. A missing
/// `num_batches_tracked` stays what it is, since files older than it have none.
///
/// Auxiliary heads, `aux1` and `aux2`, serve training alone: a head that only the file has is left
/// out, one that only the network has stays as it is, and [`Loaded::skipped`] says so.
///
/// `visit` runs twice: first everything is compared, then copied.
///
/// # Errors
/// If the file is damaged, names or shapes differ, or a number is infinite or NaN.
pub fn load<T: Real>(path: &Path, visit: impl FnMut(&mut Visitor<'_, T>)) -> Result<Loaded, Error> {
    let file = TensorFile::read(path)?;
    let metadata = Metadata::of(&file, path)?;
    let skipped = load_arrays(path, &file.arrays, visit)?;
    Ok(Loaded { metadata, skipped })
}

/// Every parameter, buffer and count by name.
pub(crate) fn arrays<T: Real>(visit: impl FnOnce(&mut Visitor<'_, T>)) -> BTreeMap<String, Array> {
    let mut arrays = BTreeMap::new();
    visit(&mut |name, slot| {
        let array = match slot {
            Slot::Param(param) => Array::of(&param.value),
            Slot::Buffer(buffer) => Array::of(buffer),
            Slot::Count(count) => Array::count(*count),
            Slot::Generator(_) => return,
        };
        arrays.insert(name.to_string(), array);
    });
    arrays
}

/// [`load`] from arrays that were read from `path`; says what was skipped.
pub(crate) fn load_arrays<T: Real>(
    path: &Path,
    arrays: &BTreeMap<String, Array>,
    mut visit: impl FnMut(&mut Visitor<'_, T>),
) -> Result<Vec<String>, Error> {
    if let Some((name, _)) = arrays.iter().find(|(_, array)| !array.is_finite()) {
        return Err(Error::Format {
            path: path.into(),
            expected: "finite numbers".into(),
            found: format!("infinity or NaN in `{}`", clip(name)),
            hint: "the training that wrote it diverged: use an older file, or a lower --lr".into(),
        });
    }
    let mut mismatch = compare(arrays, &mut visit);
    let skipped = skip_heads(arrays, &mut mismatch);
    if !mismatch.is_empty() {
        return Err(Error::Weights { path: path.into(), mismatch });
    }
    visit(&mut |name, slot| {
        let Some(array) = arrays.get(&name.to_string()) else { return };
        match slot {
            Slot::Param(param) => copy(array, &mut param.value),
            Slot::Buffer(buffer) => copy(array, buffer),
            Slot::Count(count) => *count = array.to_count().expect("a count, as compared"),
            Slot::Generator(_) => {}
        }
    });
    Ok(skipped)
}

/// Takes the heads that only one side has out of what does not fit.
fn skip_heads(arrays: &BTreeMap<String, Array>, mismatch: &mut WeightMismatch) -> Vec<String> {
    let mut skipped = Vec::new();
    for head in ["aux1", "aux2"] {
        let inside = |name: &String| name.split('.').next() == Some(head);
        let count = |names: &[String]| names.iter().filter(|name| inside(name)).count();
        let (in_file, missing) =
            (arrays.keys().filter(|name| inside(name)).count(), count(&mismatch.missing));
        if in_file > 0 && count(&mismatch.unexpected) == in_file {
            skipped.push(format!("{head}: left out {in_file} tensors, since this network has no such head"));
            mismatch.unexpected.retain(|name| !inside(name));
        } else if in_file == 0 && missing > 0 {
            skipped.push(format!("{head}: not in the file, the head keeps its initial weights"));
            mismatch.missing.retain(|name| !inside(name));
        }
    }
    skipped
}

/// What stands against copying `arrays` into what `visit` shows.
fn compare<T: Real>(
    arrays: &BTreeMap<String, Array>,
    visit: impl FnOnce(&mut Visitor<'_, T>),
) -> WeightMismatch {
    let mut mismatch = WeightMismatch::default();
    let mut unexpected: BTreeSet<&str> = arrays.keys().map(String::as_str).collect();
    visit(&mut |name, slot| {
        let name = name.to_string();
        let (shape, optional) = match &slot {
            Slot::Param(param) => (param.value.shape().dims().to_vec(), false),
            Slot::Buffer(buffer) => (buffer.shape().dims().to_vec(), false),
            Slot::Count(_) => (Vec::new(), true),
            Slot::Generator(_) => return,
        };
        unexpected.remove(name.as_str());
        match arrays.get(&name) {
            None if optional => {}
            None => mismatch.missing.push(name),
            Some(array) if matches!(slot, Slot::Count(_)) && array.to_count().is_none() => {
                mismatch.misshaped.push(format!("{name} (expected an I64 count, found {})", array.kind()));
            }
            Some(array) if array.shape != shape => {
                mismatch.misshaped.push(format!("{name} (expected {shape:?}, found {:?})", array.shape));
            }
            Some(_) => {}
        }
    });
    mismatch.unexpected = unexpected.into_iter().map(clip).collect();
    mismatch
}

fn copy<T: Real>(from: &Array, to: &mut Tensor<T>) {
    *to = from.to_tensor().expect("the shape of a tensor, as compared");
}
