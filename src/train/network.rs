//! From a description to a network, and from a file to a network with its weights.

use crate::{
    checkpoint::{self, Metadata},
    error::{Error, clip},
    models::{self, Model, Options, Shortcut},
    real::Real,
};
use std::path::Path;

/// Images of more pixels on a side are not believed: a damaged description must not ask for a network
/// that no memory holds.
const LARGEST: usize = 512;

/// The network that a file of weights says it is for, with these weights, and what else it says.
///
/// ```no_run
/// let (mut model, metadata) =
///     residual::train::load_network::<f32>("runs/resnet8-fashion-mnist-1/best.safetensors".as_ref())?;
/// println!("{} tells {} classes apart", metadata.model, metadata.classes.len());
/// # Ok::<(), residual::Error>(())
/// ```
///
/// # Errors
/// If the file cannot be read, does not say which network it is for, or does not fit that network.
pub fn load_network<T: Real>(path: &Path) -> Result<(Box<dyn Model<T>>, Metadata), Error> {
    let unsaid = |found: String| Error::Format {
        path: path.into(),
        expected: "weights that say which network they are for".into(),
        found,
        hint: "use best.safetensors or last.safetensors of a run".into(),
    };
    let metadata = Metadata::read(path)?.ok_or_else(|| unsaid("none in the header".into()))?;
    let options = options(&metadata).map_err(unsaid)?;
    let mut model = models::build(&metadata.model, &options)?;
    checkpoint::load(path, |each| model.visit(each))?;
    Ok((model, metadata))
}

/// What to build the network for. The error is what was found instead.
fn options(metadata: &Metadata) -> Result<Options, String> {
    let Metadata { in_channels, input_size: [height, width], classes, mean, std, .. } = metadata;
    let channels = [*in_channels, mean.len(), std.len()];
    if channels != [*in_channels; 3] || *in_channels == 0 || classes.is_empty() {
        return Err(format!("{channels:?} channels, means and deviations, {} classes", classes.len()));
    }
    if height != width || *height > LARGEST {
        return Err(format!("images of {height} x {width}"));
    }
    let shortcut = match metadata.shortcut.as_deref() {
        None => Options::default().shortcut,
        Some("A") => Shortcut::A,
        Some("B") => Shortcut::B,
        Some("Conv3x3") => Shortcut::Conv3x3,
        Some(other) => return Err(format!("a shortcut `{}`", clip(other))),
    };
    Ok(Options {
        classes: classes.len(),
        in_channels: *in_channels,
        input_size: *height,
        shortcut,
        ..Options::default()
    })
}
