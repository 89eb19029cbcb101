//! [`Config`]: everything that a run follows from.

use super::{
    optim::{Adam, AdamW, Rule, Sgd},
    schedule::{Schedule, Shape},
};
use crate::{
    data::Augment,
    error::Error,
    models::{self, Entry, Options, Shortcut},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How much lower the usual rate of SGD is where no batch norm keeps the activations in bounds.
const WITHOUT_NORM: f64 = 10.0;

/// Everything that a run follows from: the same configuration gives the same weights.
///
/// The default trains the network that the front page talks about, on the images that come with
/// the program; [`Config::usual`] is the same for another network or optimiser.
///
/// ```
/// use residual::train::{Config, config::OptimizerName};
/// let config = Config { epochs: 2, ..Config::default() };
/// assert_eq!((config.model.as_str(), config.data.as_str()), ("resnet8", "fashion-mnist"));
/// assert_eq!(Config::usual("lenet5", OptimizerName::Sgd).lr, 0.01);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The network's name.
    pub model: String,
    /// The shortcuts of a residual network of small images.
    pub shortcut: Shortcut,
    /// The data set's name, or a path.
    pub data: String,
    /// Weights to start from, instead of random ones.
    pub weights: Option<PathBuf>,
    /// How often every training image is seen.
    pub epochs: usize,
    /// Ends the training, schedule included, after so many steps.
    pub steps: Option<u64>,
    /// Images for each step. The last of an epoch has what is left over; a single image left over is
    /// left out where batch norm would see a single value of each channel, as in maps of 1x1.
    pub batch_size: usize,
    /// The rule that moves the parameters.
    pub optimizer: OptimizerName,
    /// The highest learning rate.
    pub lr: f64,
    /// How much of the last update SGD keeps.
    pub momentum: f64,
    /// Whether SGD looks ahead along the momentum.
    pub nesterov: bool,
    /// How strongly parameters are pulled to zero.
    pub weight_decay: f64,
    /// How the learning rate changes.
    pub schedule: Shape,
    /// Epochs over which the learning rate rises first; parts of one are fine.
    pub warmup_epochs: f64,
    /// How much of the target is spread over all classes.
    pub label_smoothing: f64,
    /// What is done to training images: `none` or `crop-flip`.
    pub augment: String,
    /// Whether every epoch has a new order of images.
    pub shuffle: bool,
    /// What all randomness follows from.
    pub seed: u64,
    /// The folder of the run; `runs/<model>-<data>-<n>` with the next free number if there is none.
    pub output: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "resnet8".into(),
            shortcut: Shortcut::A,
            data: "fashion-mnist".into(),
            weights: None,
            epochs: 3,
            steps: None,
            batch_size: 64,
            optimizer: OptimizerName::Sgd,
            lr: 0.1,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 5e-4,
            schedule: Shape::OneCycle,
            warmup_epochs: 0.0,
            label_smoothing: 0.0,
            augment: "none".into(),
            shuffle: true,
            seed: 0,
            output: None,
        }
    }
}

/// The name of an optimiser.
///
/// ```
/// use residual::train::config::OptimizerName;
/// assert_eq!(OptimizerName::AdamW.usual(), (1e-3, 1e-2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Stochastic gradient descent.
    Sgd,
    /// Adaptive moments.
    Adam,
    /// Adaptive moments, decay apart from the gradient.
    AdamW,
}

impl OptimizerName {
    /// The learning rate, for a network with batch norm, and the weight decay to use unless others
    /// are asked for.
    pub fn usual(self) -> (f64, f64) {
        match self {
            Self::Sgd => (Config::default().lr, Config::default().weight_decay),
            Self::Adam => (1e-3, Adam::default().weight_decay),
            Self::AdamW => (1e-3, AdamW::default().weight_decay),
        }
    }
}

impl Config {
    /// What suits this network and optimiser: their learning rate and weight decay, and the default
    /// for the rest. SGD takes a tenth of the rate where the network has no batch norm.
    pub fn usual(model: &str, optimizer: OptimizerName) -> Self {
        let (lr, weight_decay) = optimizer.usual();
        let bold = optimizer != OptimizerName::Sgd || has_batch_norm(model);
        let lr = if bold { lr } else { lr / WITHOUT_NORM };
        Self { model: model.into(), optimizer, lr, weight_decay, ..Self::default() }
    }

    /// Whether every value can be used.
    ///
    /// # Errors
    /// Names the first that cannot, as the flag that sets it.
    pub fn check(&self) -> Result<(), Error> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        let fraction = |x: f64| (0.0..1.0).contains(&x);
        let sgd = self.optimizer == OptimizerName::Sgd;
        let milestones = match &self.schedule {
            Shape::Step { milestones, gamma } => {
                milestones.iter().all(|&at| fraction(at)) && positive(*gamma)
            }
            _ => true,
        };
        let needs = |fine: bool, name: &str, expected: &str, found: String| {
            if fine { Ok(()) } else { Err(refused(name, expected, found)) }
        };
        needs(self.epochs > 0, "--epochs", "at least 1", self.epochs.to_string())?;
        needs(self.steps != Some(0), "--steps", "at least 1", "0".into())?;
        needs(self.batch_size > 0, "--batch-size", "at least 1", self.batch_size.to_string())?;
        needs(positive(self.lr), "--lr", "a number above 0", self.lr.to_string())?;
        let momentum = self.momentum.to_string();
        needs(fraction(self.momentum), "--momentum", "a number of at least 0 and below 1", momentum)?;
        let looks = !sgd || !self.nesterov || self.momentum > 0.0;
        needs(looks, "--nesterov", "a momentum above 0", self.momentum.to_string())?;
        let decay = self.weight_decay.to_string();
        needs(not_negative(self.weight_decay), "--weight-decay", "a number of at least 0", decay)?;
        let (warmup, smoothing) = (self.warmup_epochs.to_string(), self.label_smoothing.to_string());
        needs(not_negative(self.warmup_epochs), "--warmup-epochs", "a number of at least 0", warmup)?;
        let below_one = "a number of at least 0 and below 1";
        needs(fraction(self.label_smoothing), "--label-smoothing", below_one, smoothing)?;
        let schedule = format!("{:?}", self.schedule);
        needs(milestones, "--schedule", "milestones from 0 to below 1, and a gamma above 0", schedule)?;
        self.augment.parse::<Augment>().map(drop)
    }

    /// The optimiser's rule.
    pub fn rule(&self) -> Rule {
        let Self { momentum, nesterov, weight_decay, .. } = *self;
        match self.optimizer {
            OptimizerName::Sgd => Sgd { momentum, nesterov, weight_decay }.into(),
            OptimizerName::Adam => Adam { weight_decay, ..Adam::default() }.into(),
            OptimizerName::AdamW => AdamW { weight_decay, ..AdamW::default() }.into(),
        }
    }

    /// How many steps the training has, at so many steps for each epoch.
    pub fn total_steps(&self, steps_per_epoch: u64) -> u64 {
        let all = (self.epochs as u64).saturating_mul(steps_per_epoch);
        self.steps.map_or(all, |limit| limit.min(all))
    }

    /// The learning rate at every step.
    pub fn schedule(&self, steps_per_epoch: u64) -> Schedule {
        let steps = self.total_steps(steps_per_epoch);
        let warmup = (self.warmup_epochs * steps_per_epoch as f64).round() as u64;
        Schedule { shape: self.schedule.clone(), lr: self.lr, steps, warmup: warmup.min(steps) }
    }
}

/// Whether the network called `name` has batch norm; so taken if there is no such network.
fn has_batch_norm(name: &str) -> bool {
    let Some(entry) = models::all().iter().find(|entry| entry.name == name) else { return true };
    let options = Options { init: false, ..Entry::options(entry) };
    let images = [1, options.input_size, options.input_size, options.in_channels].into();
    models::build::<f32>(name, &options).is_ok_and(|model| model.outline(images).statistics.is_some())
}

fn refused(name: &str, expected: &str, found: String) -> Error {
    let hint = "change it on the command line, or in config.json".into();
    Error::Argument { name: name.into(), expected: expected.into(), found, hint }
}
