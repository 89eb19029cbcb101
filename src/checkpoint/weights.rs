//! From a network to a file and back.

use super::{
    Array, Metadata, TensorFile,
    last_layer::{layer, other_classes},
    naming,
};
use crate::{
    error::{Error, WeightMismatch, clip, extents},
    nn::{Slot, Visitor},
    real::Real,
    tensor::Tensor,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
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

/// Reads every parameter, buffer and count that `visit` shows, as [`Weights::load`] does.
///
/// # Errors
/// If the file is damaged, names or shapes differ, or a number is infinite or NaN.
pub fn load<T: Real>(path: &Path, visit: impl FnMut(&mut Visitor<'_, T>)) -> Result<Loaded, Error> {
    let weights = Weights::read(path)?;
    let skipped = weights.load(visit)?;
    Ok(Loaded { metadata: weights.metadata, skipped })
}

/// The weights of a file, to be looked at and loaded.
///
/// Names are torchvision's: `module.` before all of them is taken off, and timm's for VGG are translated.
///
/// ```no_run
/// use residual::{checkpoint::Weights, models::{self, Options}};
/// let weights = Weights::read("resnet18-imagenet.pth".as_ref())?;
/// let options = Options { classes: 37, input_size: 224, ..Options::default() };
/// let mut model = models::build::<f32>("resnet18", &options)?;
/// for sentence in weights.load_but_classes(|each| model.visit(each))? {
///     println!("{sentence}");
/// }
/// # Ok::<(), residual::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Weights {
    path: PathBuf,
    arrays: BTreeMap<String, Array>,
    metadata: Option<Metadata>,
}

impl Weights {
    /// Reads a file, safetensors or PyTorch's.
    ///
    /// # Errors
    /// If it cannot be read or is damaged, or names one tensor twice, as timm does and as torchvision does.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = TensorFile::read(path)?;
        let metadata = Metadata::of(&file, path)?;
        let arrays = naming::as_in_torchvision(file.arrays).map_err(|found| Error::Format {
            path: path.into(),
            expected: "one tensor for each of the network's".into(),
            found,
            hint: "delete one of them: in PyTorch, del state_dict[name] before saving".into(),
        })?;
        Ok(Self { metadata, ..Self::of(path, arrays) })
    }

    /// Arrays that were read from `path`, as they are.
    pub(crate) fn of(path: &Path, arrays: BTreeMap<String, Array>) -> Self {
        Self { path: path.into(), arrays, metadata: None }
    }

    /// What the weights are for; nothing if the file comes from elsewhere.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// Copies every parameter, buffer and count that `visit` shows: all of them, or none. A missing
    /// `num_batches_tracked` stays what it is, since files older than it have none.
    ///
    /// Auxiliary heads, `aux1` and `aux2`, serve training alone: a head that only the file has is left
    /// out, one that only the network has stays as it is, and a sentence for each says so.
    ///
    /// `visit` runs twice: first everything is compared, then copied.
    ///
    /// # Errors
    /// If names or shapes differ, or a number is infinite or NaN.
    pub fn load<T: Real>(&self, visit: impl FnMut(&mut Visitor<'_, T>)) -> Result<Vec<String>, Error> {
        self.load_except(&[], visit)
    }

    /// The same, but layers that give the scores of more or fewer classes than the file's, the last one
    /// and those of auxiliary heads, stay as they are, and a sentence for each says so.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_but_classes<T: Real>(
        &self,
        mut visit: impl FnMut(&mut Visitor<'_, T>),
    ) -> Result<Vec<String>, Error> {
        let kept = other_classes(&self.arrays, &mut visit);
        let layers: Vec<_> = kept.iter().map(|layer| layer.name.as_str()).collect();
        let skipped = self.load_except(&layers, visit)?;
        Ok(kept.iter().map(ToString::to_string).chain(skipped).collect())
    }

    /// Copies all but what belongs to these layers.
    fn load_except<T: Real>(
        &self,
        layers: &[&str],
        mut visit: impl FnMut(&mut Visitor<'_, T>),
    ) -> Result<Vec<String>, Error> {
        self.check_numbers::<T>()?;
        let copied = |name: &str| !layers.contains(&layer(name));
        let arrays = self.arrays.iter().filter(|(name, _)| copied(name));
        let arrays = arrays.map(|(name, array)| (name.as_str(), array)).collect();
        let mut mismatch = compare(&arrays, |each: &mut Visitor<'_, T>| {
            visit(&mut |name, slot| {
                if copied(&name.to_string()) {
                    each(name, slot)
                }
            });
        });
        let skipped = skip_heads(&arrays, &mut mismatch);
        if !mismatch.is_empty() {
            let model = self.metadata.as_ref().map(|metadata| clip(&metadata.model));
            return Err(Error::Weights { path: self.path.clone(), model, mismatch });
        }
        visit(&mut |name, slot| {
            let Some(array) = arrays.get(name.to_string().as_str()) else { return };
            match slot {
                Slot::Param(param) => copy(array, &mut param.value),
                Slot::Buffer(buffer) => copy(array, buffer),
                Slot::Count(count) => *count = array.to_count().expect("a count, as compared"),
                Slot::Generator(_) => {}
            }
        });
        Ok(skipped)
    }

    fn check_numbers<T: Real>(&self) -> Result<(), Error> {
        for (name, array) in &self.arrays {
            let Some((at, number)) = array.find_infinite::<T>() else { continue };
            return Err(Error::Format {
                path: self.path.clone(),
                expected: format!("finite numbers of type {}", T::DTYPE),
                found: format!("{number} in `{}` at {}", clip(name), extents(&at)),
                hint: "the training that wrote it diverged: use an older file, or a lower --lr".into(),
            });
        }
        Ok(())
    }
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

/// Takes the heads that only one side has out of what does not fit.
fn skip_heads(arrays: &BTreeMap<&str, &Array>, mismatch: &mut WeightMismatch) -> Vec<String> {
    let mut skipped = Vec::new();
    for head in ["aux1", "aux2"] {
        let inside = |name: &str| name.split('.').next() == Some(head);
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
    arrays: &BTreeMap<&str, &Array>,
    visit: impl FnOnce(&mut Visitor<'_, T>),
) -> WeightMismatch {
    let mut mismatch = WeightMismatch::default();
    let mut unexpected: BTreeSet<&str> = arrays.keys().copied().collect();
    visit(&mut |name, slot| {
        let name = name.to_string();
        let (shape, optional) = match &slot {
            Slot::Param(param) => (param.value.shape().dims().to_vec(), false),
            Slot::Buffer(buffer) => (buffer.shape().dims().to_vec(), false),
            Slot::Count(_) => (Vec::new(), true),
            Slot::Generator(_) => return,
        };
        unexpected.remove(name.as_str());
        match arrays.get(name.as_str()) {
            None if optional => {}
            None => mismatch.missing.push(name),
            Some(array) if matches!(slot, Slot::Count(_)) && array.to_count().is_none() => {
                mismatch.misshaped.push(format!("{name}: expected an I64 count, found {}", array.kind()));
            }
            Some(array) if array.shape != shape => {
                let found = extents(&array.shape);
                mismatch.misshaped.push(format!("{name}: expected {shape:?}, found {found}"));
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
