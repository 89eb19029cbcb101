//! Which network, and for which images and classes.

use super::args;
use clap::Args;
use residual::{
    Error, Real, Shape,
    checkpoint::Metadata,
    models::{self, Entry, Model, Options},
};

/// The network, by position or by flag.
#[derive(Args)]
#[group(required = true, multiple = false)]
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
    #[arg(long, value_name = "N", value_parser = args::size, allow_negative_numbers = true)]
    num_classes: Option<usize>,
    /// Channels of the images: 1 grey, 3 colour
    #[arg(long, value_name = "N", value_parser = args::size, allow_negative_numbers = true)]
    in_channels: Option<usize>,
    /// Height and width of the images
    #[arg(long, value_name = "N", value_parser = args::size, allow_negative_numbers = true)]
    input_size: Option<usize>,
}

impl Variant {
    /// What the user says; else what the weights were saved for; else what the network was made for.
    pub fn options(&self, name: &str, saved: Option<&Metadata>) -> Options {
        let usual = Options::default();
        let made_for = find(name).map_or(usual.input_size, |entry| entry.input_size);
        let saved = saved.map(|saved| (saved.classes.len(), saved.in_channels, saved.input_size[0]));
        let (classes, in_channels, input_size) =
            saved.unwrap_or((usual.classes, usual.in_channels, made_for));
        Options {
            classes: self.num_classes.unwrap_or(classes),
            in_channels: self.in_channels.unwrap_or(in_channels),
            input_size: self.input_size.unwrap_or(input_size),
            ..usual
        }
    }
}

/// The network called `name`; nothing if there is none.
pub fn find(name: &str) -> Option<&'static Entry> {
    models::all().iter().find(|entry| entry.name == name)
}

/// The shape in memory of a batch of the images that `options` are for.
pub fn images(options: &Options, batch_size: usize) -> Shape {
    Shape::from([batch_size, options.input_size, options.input_size, options.in_channels])
}

/// How many numbers a network learns.
pub fn parameters<T: Real>(model: &dyn Model<T>, options: &Options) -> usize {
    model.outline(images(options, 1)).parameters
}

/// A shape in PyTorch's order, from memory's.
pub fn nchw(shape: Shape) -> Shape {
    match *shape.dims() {
        [n, h, w, c] => Shape::from([n, c, h, w]),
        _ => shape,
    }
}
