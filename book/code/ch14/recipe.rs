//! A recipe of six ingredients, what is left of it without one, and a training by it.

use residual::{
    data::{Augment, Batch, Dataset, Loader},
    models::Model,
    nn::{BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Linear, Relu, Residual, Sequential},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    train::{
        optim::{self, Optimizer, Sgd},
        schedule::{Schedule, Shape},
    },
};

/// Pictures of a step.
pub const BATCH: usize = 32;
const CHANNELS: usize = 16;

// ANCHOR: network
/// Cuts a picture of 28x28 into 7x7 patches; two residual blocks, a mean over places, a classifier.
pub fn network(seed: u64) -> Sequential<f32> {
    let rng = &mut Generator::new(seed, 14);
    let mut conv = |from, kernel, stride| {
        let conv = Conv2d::new(from, CHANNELS, kernel).stride(stride).no_bias();
        let conv = if kernel == 3 { conv.padding(1) } else { conv };
        conv.init(Init::KaimingNormal, rng)
    };
    let norm = || BatchNorm2d::new(CHANNELS);
    let mut net = Sequential::new().add("conv1", conv(1, 4, 4)).add("bn1", norm()).add("relu", Relu::new());
    for block in 1..=2 {
        let body = Sequential::new()
            .add("conv1", conv(CHANNELS, 3, 1))
            .add("bn1", norm())
            .add("relu", Relu::new())
            .add("conv2", conv(CHANNELS, 3, 1))
            .add("bn2", norm());
        net = net.add(format!("block{block}"), Residual::new(body));
    }
    let fc = Linear::new(CHANNELS, 10).init(Init::Default, rng);
    net.add("avgpool", GlobalAvgPool::new()).add("flatten", Flatten::new()).add("fc", fc)
}
// ANCHOR_END: network

// ANCHOR: recipe
/// How to train.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The highest learning rate.
    pub rate: f64,
    pub momentum: f64,
    pub shape: Shape,
    /// The part of the steps over which the rate rises first.
    pub warmup: f64,
    pub weight_decay: f64,
    pub label_smoothing: f64,
    pub augment: Augment,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            rate: 0.1,
            momentum: 0.9,
            shape: Shape::Cosine,
            warmup: 0.05,
            weight_decay: 5e-4,
            label_smoothing: 0.1,
            augment: Augment::CropFlip,
        }
    }
}
// ANCHOR_END: recipe

impl Recipe {
    /// The rate of each of so many steps.
    pub fn schedule(&self, steps: usize) -> Schedule {
        let warmup = (self.warmup * steps as f64) as u64;
        Schedule { shape: self.shape.clone(), lr: self.rate, steps: steps as u64, warmup }
    }

    // ANCHOR: train
    /// Trains `net` on `seen` for so many steps; the loss of every step.
    pub fn train(&self, net: &mut Sequential<f32>, seen: &Dataset, steps: usize, seed: u64) -> Vec<f64> {
        let loader = Loader::new(seen, BATCH).shuffle(true).drop_last(true).seed(seed).augment(self.augment);
        let schedule = self.schedule(steps);
        let loss = CrossEntropy { label_smoothing: self.label_smoothing };
        let mut sgd = Optimizer::new(Sgd {
            momentum: self.momentum,
            nesterov: self.momentum > 0.0,
            weight_decay: self.weight_decay,
        });
        let batches = (0..).flat_map(|epoch| loader.epoch::<f32>(epoch));
        let step = |(step, batch): (u64, Batch)| {
            optim::zero_grad(|each| Model::visit(net, each));
            let seen = net.train_step(batch.images, &batch.labels, &loss);
            sgd.step(schedule.rate(step), |each| Model::visit(net, each));
            seen.loss
        };
        (0..steps as u64).zip(batches).map(step).collect()
    }
    // ANCHOR_END: train
}

/// What is left out, or put in another's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Nothing,
    Momentum,
    /// Momentum; the rate is that to which momentum would lead.
    MomentumPaid,
    Schedule,
    /// The rate falls in two steps, not along a cosine.
    Steps,
    WarmUp,
    Decay,
    Smoothing,
    Augmentation,
    All,
    /// Ten times the rate.
    Hot,
    /// Ten times the rate, and no warm-up to it.
    HotAtOnce,
}

impl Change {
    pub const EACH: [Self; 10] = [
        Self::Nothing,
        Self::Momentum,
        Self::MomentumPaid,
        Self::Schedule,
        Self::Steps,
        Self::WarmUp,
        Self::Decay,
        Self::Smoothing,
        Self::Augmentation,
        Self::All,
    ];

    pub const HOT: [Self; 2] = [Self::Hot, Self::HotAtOnce];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "whole recipe",
            Self::Momentum => "no momentum",
            Self::MomentumPaid => "no momentum, rate 1",
            Self::Schedule => "constant rate",
            Self::Steps => "rate in two steps",
            Self::WarmUp => "no warm-up",
            Self::Decay => "no weight decay",
            Self::Smoothing => "no smoothing",
            Self::Augmentation => "no augmentation",
            Self::All => "none of the six",
            Self::Hot => "rate 1",
            Self::HotAtOnce => "rate 1, no warm-up",
        }
    }

    // ANCHOR: change
    pub fn recipe(self) -> Recipe {
        let whole = Recipe::default();
        match self {
            Self::Nothing => whole,
            Self::Momentum => Recipe { momentum: 0.0, ..whole },
            Self::MomentumPaid => {
                Recipe { momentum: 0.0, rate: whole.rate / (1.0 - whole.momentum), ..whole }
            }
            Self::Schedule => Recipe { shape: Shape::Constant, ..whole },
            Self::Steps => Recipe { shape: Shape::step(), ..whole },
            Self::WarmUp => Recipe { warmup: 0.0, ..whole },
            Self::Decay => Recipe { weight_decay: 0.0, ..whole },
            Self::Smoothing => Recipe { label_smoothing: 0.0, ..whole },
            Self::Augmentation => Recipe { augment: Augment::None, ..whole },
            Self::Hot => Recipe { rate: 10.0 * whole.rate, ..whole },
            Self::HotAtOnce => Recipe { rate: 10.0 * whole.rate, warmup: 0.0, ..whole },
            Self::All => Recipe {
                rate: whole.rate,
                momentum: 0.0,
                shape: Shape::Constant,
                warmup: 0.0,
                weight_decay: 0.0,
                label_smoothing: 0.0,
                augment: Augment::None,
            },
        }
    }
    // ANCHOR_END: change
}
