//! The flags of `residual train` that make a configuration.

use crate::cli::{
    args,
    network::{self, Network, in_folder, shortcuts},
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use residual::{
    Error, data,
    models::{Options, Shortcut},
    train::{Config, config::OptimizerName, schedule::Shape},
};
use std::{fmt::Display, path::PathBuf};

/// Everything but the network that a run follows from; what is not said is usual.
///
/// Nothing is flattened into it: a group with flattened parts is empty, and `--resume` would not
/// exclude it.
#[derive(clap::Args)]
pub struct Recipe {
    #[arg(long, value_name = "KIND", value_parser = shortcuts(), hide_possible_values = true, ignore_case = true,
          help = usual("What goes around a block of resnetN that changes the shape: A, zeros; B, a 1x1 convolution; Conv3x3", "A"))]
    shortcut: Option<Shortcut>,
    /// How many classes there are; the data says it, and must agree
    #[arg(long, value_name = "N", value_parser = args::size, allow_hyphen_values = true)]
    num_classes: Option<usize>,
    /// Channels of the images; the data says it, and must agree
    #[arg(long, value_name = "N", value_parser = args::size, allow_hyphen_values = true)]
    in_channels: Option<usize>,
    /// Height and width of the images; the data says it, and must agree
    #[arg(long, value_name = "N", value_parser = args::size, allow_hyphen_values = true)]
    input_size: Option<usize>,
    #[arg(long, value_name = "NAME|PATH", help = usual("fashion-mnist, mnist, cifar10, cifar100 or the folder of one", config().data))]
    data: Option<String>,
    #[arg(long, value_name = "N", value_parser = args::count, allow_hyphen_values = true,
          help = usual("How often every training image is seen", config().epochs))]
    epochs: Option<usize>,
    /// End the training, schedule included, after so many steps
    #[arg(long, value_name = "N", value_parser = args::count, allow_hyphen_values = true)]
    steps: Option<usize>,
    #[arg(long, value_name = "N", value_parser = args::count, allow_hyphen_values = true,
          help = usual("Images for each step", config().batch_size))]
    batch_size: Option<usize>,
    #[arg(long, value_name = "NAME", value_parser = optimizers(), hide_possible_values = true, help = usual("sgd, adam or adamw", "sgd"))]
    optimizer: Option<OptimizerName>,
    #[arg(long, value_name = "F", value_parser = args::positive, allow_hyphen_values = true,
          help = rates("The highest learning rate; for sgd, a tenth without batch norm", |(lr, _)| lr))]
    lr: Option<f64>,
    #[arg(long, value_name = "F", value_parser = args::fraction, allow_hyphen_values = true,
          help = usual("How much of the last update SGD keeps", config().momentum))]
    momentum: Option<f64>,
    #[arg(long, value_name = "BOOL", num_args = 0..=1, hide_possible_values = true, default_missing_value = "true",
          help = usual("Whether SGD looks ahead along the momentum: true or false", config().nesterov))]
    nesterov: Option<bool>,
    #[arg(long, value_name = "F", value_parser = args::not_negative, allow_hyphen_values = true,
          help = rates("How strongly parameters are pulled to zero", |(_, decay)| decay))]
    weight_decay: Option<f64>,
    #[arg(long, value_name = "NAME", value_parser = schedules(), hide_possible_values = true,
          help = usual("constant, step, cosine or one-cycle", "one-cycle"))]
    schedule: Option<Shape>,
    #[arg(long, value_name = "F", value_parser = args::not_negative, allow_hyphen_values = true,
          help = usual("Epochs over which the learning rate rises first", config().warmup_epochs))]
    warmup_epochs: Option<f64>,
    #[arg(long, value_name = "F", value_parser = args::fraction, allow_hyphen_values = true,
          help = usual("How much of the target is spread over all classes", config().label_smoothing))]
    label_smoothing: Option<f64>,
    #[arg(long, value_name = "NAME", value_parser = ["none", "crop-flip"], hide_possible_values = true,
          help = usual("What is done to training images: none or crop-flip", config().augment))]
    augment: Option<String>,
    /// Keep the images in the order of their file
    #[arg(long)]
    no_shuffle: bool,
    #[arg(long, value_name = "N", value_parser = args::whole, allow_hyphen_values = true,
          help = usual("What all randomness follows from", config().seed))]
    seed: Option<u64>,
    /// Start from these weights, a safetensors or .pth file or the folder of a run, instead of random ones;
    /// a last layer for other classes than the data's starts anew
    #[arg(long, value_name = "FILE|DIR")]
    weights: Option<PathBuf>,
    /// Where the run is kept; runs/MODEL-DATA-NUMBER, unless said
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Recipe {
    /// Whether classes, channels and size are the data's, where they are given.
    pub fn check_fit(&self, config: &Config) -> Result<(), Error> {
        if [self.num_classes, self.in_channels, self.input_size] == [None; 3] {
            return Ok(());
        }
        let images = data::open(&config.data)?.train;
        let found = network::of_data(&images);
        let options = Options {
            classes: self.num_classes.unwrap_or(found.classes),
            in_channels: self.in_channels.unwrap_or(found.in_channels),
            input_size: self.input_size.unwrap_or(found.input_size),
            ..found
        };
        network::check_fit(&config.data, &images, &options)
    }

    /// The configuration that it asks for, for this network or the usual one.
    pub fn config(&self, network: Option<&Network>) -> Result<Config, Error> {
        let Config { model, optimizer, .. } = Config::default();
        let model = network.map_or(model, |network| network.name().into());
        let usual = Config::usual(&model, self.optimizer.unwrap_or(optimizer));
        let momentum = self.momentum.unwrap_or(usual.momentum);
        Ok(Config {
            model,
            shortcut: self.shortcut.unwrap_or(usual.shortcut),
            data: self.data.clone().unwrap_or(usual.data),
            weights: self.weights.as_deref().map(in_folder).transpose()?,
            epochs: self.epochs.unwrap_or(usual.epochs),
            steps: self.steps.map(|steps| steps as u64),
            batch_size: self.batch_size.unwrap_or(usual.batch_size),
            optimizer: usual.optimizer,
            lr: self.lr.unwrap_or(usual.lr),
            momentum,
            // Without momentum there is nothing to look ahead along.
            nesterov: self.nesterov.unwrap_or(usual.nesterov && momentum > 0.0),
            weight_decay: self.weight_decay.unwrap_or(usual.weight_decay),
            schedule: self.schedule.clone().unwrap_or(usual.schedule),
            warmup_epochs: self.warmup_epochs.unwrap_or(usual.warmup_epochs),
            label_smoothing: self.label_smoothing.unwrap_or(usual.label_smoothing),
            augment: self.augment.clone().unwrap_or(usual.augment),
            shuffle: !self.no_shuffle,
            seed: self.seed.unwrap_or(usual.seed),
            output: self.output.clone(),
        })
    }
}

fn config() -> Config {
    Config::default()
}

/// A flag's help, with the value that it has unless given.
fn usual(help: &str, value: impl Display) -> String {
    format!("{help} [default: {value}]")
}

/// The same where the value depends on the optimiser.
fn rates(help: &str, pick: fn((f64, f64)) -> f64) -> String {
    let [sgd, adam, adamw] =
        [OptimizerName::Sgd, OptimizerName::Adam, OptimizerName::AdamW].map(|name| pick(name.usual()));
    format!("{help} [default: sgd {sgd}, adam {adam}, adamw {adamw}]")
}

fn optimizers() -> impl TypedValueParser<Value = OptimizerName> {
    PossibleValuesParser::new(["sgd", "adam", "adamw"]).map(|name| match name.as_str() {
        "sgd" => OptimizerName::Sgd,
        "adam" => OptimizerName::Adam,
        _ => OptimizerName::AdamW,
    })
}

fn schedules() -> impl TypedValueParser<Value = Shape> {
    PossibleValuesParser::new(["constant", "step", "cosine", "one-cycle"]).map(|name| match name.as_str() {
        "constant" => Shape::Constant,
        "step" => Shape::step(),
        "cosine" => Shape::Cosine,
        _ => Shape::OneCycle,
    })
}
