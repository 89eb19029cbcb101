//! [`Config`]: everything that a run follows from.

use super::{
    optim::{Adam, AdamW, Rule, Sgd},
    schedule::{Schedule, Shape},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that a run follows from: the same configuration gives the same weights.
///
/// The default trains the network that the front page talks about, on the images that come with
/// the program.
///
/// ```
/// use residual::train::Config;
/// let config = Config { epochs: 2, ..Config::default() };
/// assert_eq!((config.model.as_str(), config.data.as_str()), ("resnet8", "fashion-mnist"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The network's name.
    pub model: String,
    /// The data set's name, or a path.
    pub data: String,
    /// Weights to start from, instead of random ones.
    pub weights: Option<PathBuf>,
    /// How often every training image is seen.
    pub epochs: usize,
    /// Ends the training, schedule included, after so many steps.
    pub steps: Option<u64>,
    /// Images for each step.
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
            data: "fashion-mnist".into(),
            weights: None,
            epochs: 5,
            steps: None,
            batch_size: 128,
            optimizer: OptimizerName::Sgd,
            lr: 0.2,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 5e-4,
            schedule: Shape::OneCycle,
            warmup_epochs: 0.0,
            label_smoothing: 0.0,
            augment: "crop-flip".into(),
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
    /// The learning rate and the weight decay to use unless others are asked for.
    pub fn usual(self) -> (f64, f64) {
        match self {
            Self::Sgd => (Config::default().lr, Config::default().weight_decay),
            Self::Adam => (1e-3, Adam::default().weight_decay),
            Self::AdamW => (1e-3, AdamW::default().weight_decay),
        }
    }
}

impl Config {
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
        let all = self.epochs as u64 * steps_per_epoch;
        self.steps.map_or(all, |limit| limit.min(all))
    }

    /// The learning rate at every step.
    pub fn schedule(&self, steps_per_epoch: u64) -> Schedule {
        let steps = self.total_steps(steps_per_epoch);
        let warmup = (self.warmup_epochs * steps_per_epoch as f64).round() as u64;
        Schedule { shape: self.schedule.clone(), lr: self.lr, steps, warmup: warmup.min(steps) }
    }
}
