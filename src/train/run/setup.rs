//! What a run is put together from, and whether it can be.

use super::folder::Folder;
use crate::{
    checkpoint::{Metadata, Weights},
    data::{self, Loader, Splits},
    error::Error,
    models::{self, Model, Options},
    tensor::Shape,
    train::Config,
};
use std::path::{Path, PathBuf, absolute};

/// The same configuration with paths that hold in any folder: the run may be resumed from another.
pub(super) fn from_anywhere(config: Config) -> Config {
    let whole = |path: &Path| absolute(path).unwrap_or_else(|_| path.into());
    let named = config.data == data::NAMES[0] || !Path::new(&config.data).is_dir();
    let data = if named { None } else { whole(config.data.as_ref()).into_os_string().into_string().ok() };
    let weights = config.weights.as_deref().map(whole);
    Config { data: data.unwrap_or(config.data), weights, ..config }
}

/// The images that a run learned from, to go on with them.
pub(super) fn reopen(config: &Config, folder: &Folder) -> Result<Splits, Error> {
    let sets = data::open(&config.data).map_err(|error| match error {
        Error::Argument { found, .. } => Error::Format {
            path: folder.config(),
            expected: "`data` to name the images of the run".into(),
            found,
            hint: "put them back where they were, or mend the path in that file".into(),
        },
        error => error,
    })?;
    Ok(sets.split(config.seed))
}

/// The network that the configuration asks for, with random weights.
pub(super) fn build(config: &Config, splits: &Splits) -> Result<Box<dyn Model<f32>>, Error> {
    let [height, width, in_channels] = splits.train.size();
    if height != width {
        return Err(Error::Argument {
            name: "--data".into(),
            expected: "square images".into(),
            found: format!("{height} x {width}"),
            hint: "cut or pad them first".into(),
        });
    }
    let classes = splits.train.classes().len();
    let Config { shortcut, seed, .. } = *config;
    let usual = Options::default();
    let options = Options { classes, in_channels, input_size: height, shortcut, seed, ..usual };
    models::build(&config.model, &options)
}

/// Gives the network the weights to start from, if there are any, but for a last layer of other classes;
/// says what of them was skipped.
pub(super) fn start_from(
    weights: Option<&PathBuf>,
    model: &mut dyn Model<f32>,
) -> Result<Vec<String>, Error> {
    let Some(weights) = weights else { return Ok(Vec::new()) };
    Weights::read(weights)?.load_but_classes(|each| model.visit(each))
}

/// Batches as the configuration asks for, which the network can be trained on.
pub(super) fn loader(config: &Config, model: &dyn Model<f32>, splits: &Splits) -> Result<Loader, Error> {
    config.check()?;
    check_images(splits)?;
    let (images, [height, width, channels]) = (splits.train.len(), splits.train.size());
    // Batch norm has no variance of a single value, as in the 1x1 maps of a single image.
    let never_alone = model.outline(Shape::from([1, height, width, channels])).statistics == Some(1);
    if never_alone && config.batch_size.min(images) == 1 {
        return Err(Error::Argument {
            name: "--batch-size".into(),
            expected: format!(
                "at least 2 for {}: its batch norm needs more than one value per channel",
                config.model
            ),
            found: format!("1 image of {height} x {width}"),
            hint: "try --batch-size 64".into(),
        });
    }
    Ok(Loader::new(&splits.train, config.batch_size)
        .shuffle(config.shuffle)
        .augment(config.augment.parse()?)
        .seed(config.seed)
        .drop_last(never_alone && images % config.batch_size == 1))
}

/// At least ten training images, of which one is for validation, and a test image.
fn check_images(splits: &Splits) -> Result<(), Error> {
    let [train, validation, test] = [&splits.train, &splits.validation, &splits.test].map(|part| part.len());
    if train > 0 && validation > 0 && test > 0 {
        return Ok(());
    }
    Err(Error::Argument {
        name: "--data".into(),
        expected: "at least ten training images and one test image".into(),
        found: format!("{} and {test}", train + validation),
        hint: "a tenth of the training images is held out for validation".into(),
    })
}

/// What the weights are for.
pub(super) fn metadata(config: &Config, splits: &Splits) -> Metadata {
    let train = &splits.train;
    let [height, width, in_channels] = train.size();
    let normalization = train.normalization().clone();
    Metadata {
        model: config.model.clone(),
        in_channels,
        input_size: [height, width],
        data: train.name().into(),
        classes: train.classes().to_vec(),
        mean: normalization.mean,
        std: normalization.std,
        shortcut: Some(format!("{:?}", config.shortcut)),
    }
}
