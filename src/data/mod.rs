//! Data sets, augmentation, and the loader that prepares the next batch while this one trains.
//!
//! ```text
//! open("fashion-mnist")  ->  Sets { train, test }  ->  split(seed)  ->  Splits { train, validation, test }
//! Loader::new(&splits.train, 128).epoch(0)  ->  Batch { images, labels }, Batch, ...
//! ```
//!
//! Choices (when to stop, which learning rate) are made on the validation images, which are held
//! out of the training set. The test set is read once, at the end.

pub mod augment;
pub mod cifar;
pub mod dataset;
pub mod idx;
pub mod imagenet;
pub mod loader;
pub mod normalization;
mod open;
mod picture;
pub mod split;
pub mod synthetic;

pub use augment::Augment;
pub use dataset::{Dataset, Images};
pub use loader::{Batch, Epoch, Loader};
pub use normalization::Normalization;
pub use open::{NAMES, open};
pub use picture::Picture;
pub use split::{Sets, Split, Splits};
