//! [`Metadata`]: what weights are for, so that a file is enough to classify a picture.

use super::TensorFile;
use crate::error::{Error, clip};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The header's entry that holds it.
const KEY: &str = "residual";

/// What weights are for. Files from elsewhere have none.
///
/// ```
/// use residual::checkpoint::Metadata;
/// let metadata = Metadata {
///     model: "lenet5".into(),
///     in_channels: 1,
///     input_size: [28, 28],
///     data: "fashion-mnist".into(),
///     classes: vec!["Trouser".into(), "Bag".into()],
///     mean: vec![0.286],
///     std: vec![0.353],
///     shortcut: None,
/// };
/// assert_eq!(metadata.classes.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The network's name.
    pub model: String,
    /// Channels of the images.
    pub in_channels: usize,
    /// Height and width of the images.
    pub input_size: [usize; 2],
    /// The data set that the weights were learned from.
    pub data: String,
    /// The name of each class.
    pub classes: Vec<String>,
    /// The mean of each channel, of pixels scaled to 0..1.
    pub mean: Vec<f64>,
    /// The standard deviation of each channel.
    pub std: Vec<f64>,
    /// The kind of a residual network's shortcuts, `A`, `B` or `Conv3x3`, where it can be chosen.
    pub shortcut: Option<String>,
}

impl Metadata {
    /// What the file at `path` says of its weights; nothing if it comes from elsewhere.
    ///
    /// # Errors
    /// If it cannot be read, is no safetensors file, or what it says makes no sense.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        Self::of(&TensorFile::read(path)?, path)
    }

    pub(super) fn of(file: &TensorFile, path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = file.metadata.get(KEY) else { return Ok(None) };
        let metadata: Self = serde_json::from_str(text).map_err(|error| Error::Format {
            path: path.into(),
            expected: "a description of the weights in the header".into(),
            found: clip(&error.to_string()),
            hint: "save the weights again, or without the description: in Python, \
                   safetensors.torch.save_file(safetensors.torch.load_file(path), new_path)"
                .into(),
        })?;
        Ok(Some(metadata))
    }

    pub(super) fn write_to(&self, file: &mut TensorFile) {
        let text = serde_json::to_string(self).expect("plain data can be written as JSON");
        file.metadata.insert(KEY.into(), text);
    }
}
