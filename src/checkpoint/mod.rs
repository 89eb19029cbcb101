//! Weights in files: safetensors, with torchvision's names and PyTorch's layouts.
//!
//! [`save`] and [`load`] take what shows the parameters, as in `|each| model.visit(each)`. A file is
//! written beside its place and renamed into it, so that an interruption leaves the old one.

mod atomic;
mod metadata;
mod tensor_file;
mod weights;

pub use atomic::write_atomically;
pub use metadata::Metadata;
pub use tensor_file::{Array, Numbers, TensorFile};
pub use weights::{Loaded, load, save};
pub(crate) use weights::{arrays, load_arrays};
