//! Trains networks of several depths, with and without shortcuts, and watches the training error.

use residual::{
    data::{Batch, Dataset, Loader},
    models::{self, Model, Options},
    nn::Sequential,
    ops::cross_entropy::CrossEntropy,
    train::{
        metrics::Tally,
        optim::{self, Optimizer, Sgd},
        schedule::{Schedule, Shape},
    },
};
use serde::{Deserialize, Serialize};

/// With or without shortcuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Plain,
    Residual,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Residual => "residual",
        }
    }
}

/// How many images, how often, how fast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub images: usize,
    pub batch: usize,
    pub epochs: usize,
    pub lr: f64,
}

/// One training: which network, from which seed, and its training error in each epoch: the share of
/// pictures named wrongly, as they came by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    pub kind: Kind,
    pub depth: usize,
    pub seed: u64,
    pub errors: Vec<f64>,
}

impl Run {
    /// The error of the last epoch.
    pub fn last(&self) -> f64 {
        *self.errors.last().expect("at least one epoch")
    }
}

// ANCHOR: network
/// The network of this kind and depth. Its shortcuts are of kind A, unless `options` say otherwise, and
/// have no weights, so equal seeds give both kinds equal weights.
pub fn network(kind: Kind, depth: usize, options: &Options) -> Sequential<f32> {
    match kind {
        Kind::Plain => models::plain(depth, options),
        Kind::Residual => models::resnet(depth, options),
    }
}
// ANCHOR_END: network

/// Options for the pictures of `images`.
pub fn options(images: &Dataset, seed: u64) -> Options {
    let [input_size, _, in_channels] = images.size();
    Options { input_size, in_channels, seed, ..Options::default() }
}

/// Trains the network of this kind and depth; its error in each epoch.
pub fn train(
    kind: Kind,
    depth: usize,
    options: &Options,
    images: &Dataset,
    recipe: Recipe,
) -> (Sequential<f32>, Vec<f64>) {
    let mut net = network(kind, depth, options);
    let errors = descend(&mut net, images, recipe, options.seed);
    (net, errors)
}

// ANCHOR: descend
/// Trains `net`. For each epoch, the share of wrong answers, each given before the network learned from it.
pub fn descend(net: &mut Sequential<f32>, images: &Dataset, recipe: Recipe, seed: u64) -> Vec<f64> {
    let loader = Loader::new(images, recipe.batch).shuffle(true).drop_last(true).seed(seed);
    let steps = (recipe.epochs * loader.batches()) as u64;
    let schedule = Schedule { shape: Shape::OneCycle, lr: recipe.lr, steps, warmup: 0 };
    let mut sgd = Optimizer::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 });
    let mut errors = Vec::new();
    for epoch in 0..recipe.epochs {
        let mut tally = Tally::default();
        for Batch { images, labels } in loader.epoch(epoch) {
            optim::zero_grad(|each| Model::visit(net, each));
            let seen = net.train_step(images, &labels, &CrossEntropy::default());
            tally.add(seen.loss, &seen.logits, &labels);
            sgd.step(schedule.rate(sgd.steps()), |each| Model::visit(net, each));
        }
        errors.push(1.0 - tally.accuracy());
    }
    errors
}
// ANCHOR_END: descend
