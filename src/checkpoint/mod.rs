//! Weights in files: safetensors in and out, PyTorch's `.pth` in, with torchvision's names and PyTorch's
//! layouts.
//!
//! [`save`], [`load`] and [`Weights`] take what shows the parameters, as in `|each| model.visit(each)`. A file is
//! written beside its place and renamed into it, so that an interruption leaves the old one.

mod array;
mod atomic;
mod last_layer;
mod metadata;
mod naming;
mod pth;
mod tensor_file;
mod weights;

pub use array::{Array, Numbers};
pub use atomic::write_atomically;
pub use metadata::Metadata;
pub use tensor_file::TensorFile;
pub(crate) use weights::arrays;
pub use weights::{Loaded, Weights, load, save};
