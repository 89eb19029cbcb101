//! Which network, and for which images and classes.

use super::{args, screen::note};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use residual::{
    Error, Real, Shape,
    checkpoint::{Metadata, Weights},
    data::{Dataset, Normalization},
    models::{self, Entry, Model, Options, Shortcut},
    nn::Visitor,
};
use std::path::{Path, PathBuf};

/// The network, by position or by flag; a command that cannot do without says so of the group.
#[derive(Args)]
#[group(multiple = false)]
pub struct Network {
    /// Which network; `residual models` lists them
    model: Option<String>,
    /// The same as a flag
    #[arg(long = "model", value_name = "MODEL")]
    flag: Option<String>,
}

impl Network {
    /// The name given.
    pub fn name(&self) -> &str {
        self.model.as_deref().or(self.flag.as_deref()).unwrap_or_default()
    }
}

/// What the network is built for, where the user says.
#[derive(Args)]
pub struct Variant {
    /// How many classes there are to choose from
    #[arg(long, value_name = "N", value_parser = args::size, allow_hyphen_values = true)]
    num_classes: Option<usize>,
    /// Channels of the images: 1 grey, 3 colour
    #[arg(long, value_name = "N", value_parser = args::size, allow_hyphen_values = true)]
    in_channels: Option<usize>,
    /// Height and width of the images
    #[arg(long, value_name = "N", value_parser = args::size, allow_hyphen_values = true)]
    input_size: Option<usize>,
    /// What goes around a block of resnetN that changes the shape: A, zeros; B, a 1x1 convolution; Conv3x3
    #[arg(long, value_name = "KIND", value_parser = shortcuts(), ignore_case = true)]
    shortcut: Option<Shortcut>,
    /// Leave out the auxiliary heads of googlenet and googlenet_paper
    #[arg(long)]
    no_aux_logits: bool,
    /// Give images normalised as for ImageNet mean and deviation 0.5 first, as torchvision's weights
    /// of googlenet expect
    #[arg(long)]
    transform_input: bool,
}

impl Variant {
    /// What the user says, and `usual` for the rest.
    pub fn over(&self, usual: Options) -> Options {
        Options {
            classes: self.num_classes.unwrap_or(usual.classes),
            in_channels: self.in_channels.unwrap_or(usual.in_channels),
            input_size: self.input_size.unwrap_or(usual.input_size),
            shortcut: self.shortcut.unwrap_or(usual.shortcut),
            aux_logits: usual.aux_logits && !self.no_aux_logits,
            transform_input: usual.transform_input || self.transform_input,
            ..usual
        }
    }
}

impl Variant {
    /// The network called `name` with these weights; says what of them was left out, and what torchvision's
    /// of googlenet expect, which their file does not say. Where the user asks for other classes than the
    /// file's, the last layer starts anew.
    pub fn load<T: Real>(
        &self,
        name: &str,
        options: &Options,
        weights: Weights,
    ) -> Result<Box<dyn Model<T>>, Error> {
        if name == "googlenet"
            && options.in_channels == 3
            && !options.transform_input
            && weights.metadata().is_none()
        {
            note(
                "googlenet: if these weights are torchvision's own, trained on ImageNet, give --transform-input",
            );
        }
        let init = options.init || self.num_classes.is_some();
        let mut model = models::build::<T>(name, &Options { init, ..*options })?;
        let visit = |each: &mut Visitor<'_, T>| model.visit(each);
        let skipped =
            if self.num_classes.is_some() { weights.load_but_classes(visit) } else { weights.load(visit) };
        skipped?.iter().for_each(note);
        Ok(model)
    }
}

/// The values of `--shortcut`.
pub fn shortcuts() -> impl TypedValueParser<Value = Shortcut> {
    PossibleValuesParser::new(["A", "B", "Conv3x3"]).map(|kind| shortcut(&kind))
}

fn shortcut(kind: &str) -> Shortcut {
    match kind.to_ascii_lowercase().as_str() {
        "b" => Shortcut::B,
        "conv3x3" => Shortcut::Conv3x3,
        _ => Shortcut::A,
    }
}

/// The file of weights that `--weights` names: of a run's folder, the best.
pub fn in_folder(path: &Path) -> Result<PathBuf, Error> {
    let best = path.join("best.safetensors");
    if path.is_dir() && !best.exists() {
        return Err(Error::Argument {
            name: "--weights".into(),
            expected: "a safetensors file, or the folder of a run that has ended an epoch".into(),
            found: format!("no best.safetensors in {}", path.display()),
            hint: "name the file, or the folder that `residual train` named".into(),
        });
    }
    Ok(if path.is_dir() { best } else { path.into() })
}

/// The name given, else the one that the weights at `path` say.
pub fn model_name(given: Option<&str>, saved: Option<&Metadata>, path: &Path) -> Result<String, Error> {
    let said = || saved.map(|saved| saved.model.clone());
    given.map(str::to_owned).or_else(said).ok_or_else(|| Error::Argument {
        name: "--model".into(),
        expected: "the network's name".into(),
        found: format!("none, and {} does not say it", path.display()),
        hint: "`residual models` lists them".into(),
    })
}

/// The mean and deviation by which the network of `weights` knows images of so many channels.
pub fn normalization(weights: &Path, saved: &Metadata, channels: usize) -> Result<Normalization, Error> {
    let Metadata { mean, std, .. } = saved;
    let usable = mean.iter().chain(std).all(|x| x.is_finite()) && std.iter().all(|&std| std > 0.0);
    if !usable || [mean.len(), std.len()] != [channels; 2] {
        return Err(Error::Format {
            path: weights.into(),
            expected: format!("a mean and a deviation above 0 for each of {channels} channels in the header"),
            found: format!("{} means and {} deviations, or unusable ones", mean.len(), std.len()),
            hint: "save the weights again, or without the description: in Python, \
                   safetensors.torch.save_file(safetensors.torch.load_file(path), new_path)"
                .into(),
        });
    }
    Ok(Normalization { mean: mean.clone(), std: std.clone() })
}

/// What a network was built for whose weights were saved.
pub fn of_saved(saved: &Metadata) -> Options {
    let usual = Options::default();
    Options {
        classes: saved.classes.len(),
        in_channels: saved.in_channels,
        input_size: saved.input_size[0],
        shortcut: saved.shortcut.as_deref().map_or(usual.shortcut, shortcut),
        ..usual
    }
}

/// What the network called `name` is built for unless told otherwise.
pub fn made_for(name: &str) -> Options {
    models::all().iter().find(|entry| entry.name == name).map_or_else(Options::default, Entry::options)
}

/// What a network for these images is built for.
pub fn of_data(images: &Dataset) -> Options {
    let [height, _, in_channels] = images.size();
    Options { classes: images.classes().len(), in_channels, input_size: height, ..Options::default() }
}

/// A network for other images or classes cannot learn from these, nor be judged on them.
pub fn check_fit(data: &str, images: &Dataset, options: &Options) -> Result<(), Error> {
    let [height, width, channels] = images.size();
    let Options { classes, in_channels, input_size, .. } = *options;
    let found = (channels, height, width, images.classes().len());
    if found == (in_channels, input_size, input_size, classes) {
        return Ok(());
    }
    Err(Error::Argument {
        name: "--data".into(),
        expected: format!("images ({in_channels}, {input_size}, {input_size}) of {classes} classes"),
        found: format!("({channels}, {height}, {width}) of {} in {data}", found.3),
        hint: "name other data, or the --in-channels, --input-size and --num-classes of these".into(),
    })
}

/// The same without initial weights: the network is only looked at, or takes a file's.
pub fn bare(options: Options) -> Options {
    Options { init: false, ..options }
}

/// The shape in memory of a batch of the images that `options` are for.
pub fn images(options: &Options, batch_size: usize) -> Shape {
    Shape::from([batch_size, options.input_size, options.input_size, options.in_channels])
}

/// A shape in PyTorch's order, from memory's.
pub fn nchw(shape: Shape) -> Shape {
    match *shape.dims() {
        [n, h, w, c] => Shape::from([n, c, h, w]),
        _ => shape,
    }
}
