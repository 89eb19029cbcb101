//! Points on three spirals, and networks that learn which spiral a point is from.

use residual::{
    Tensor,
    models::Model,
    nn::{Init, Linear, Param, Relu, Sequential, Slot, Tanh},
    ops::{cross_entropy::CrossEntropy, relu, tanh},
    rng::Generator,
    train::optim::{self, Optimizer, Sgd},
};
use std::f64::consts::TAU;

/// Spirals, and so classes.
pub const ARMS: usize = 3;
/// How often a spiral goes around the middle.
const TURNS: f64 = 1.0;

/// Points of the plane, a row for each, and the spiral that each is from.
pub struct Points {
    pub x: Tensor<f64>,
    pub labels: Vec<usize>,
}

// ANCHOR: spirals
/// `count` points of each spiral, a little beside it.
pub fn spirals(count: usize, rng: &mut Generator) -> Points {
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for i in 0..ARMS * count {
        let (arm, t) = (i % ARMS, rng.uniform());
        let radius = 0.1 + 0.9 * t;
        let angle = TAU * (TURNS * t + arm as f64 / ARMS as f64) + 0.1 * rng.normal();
        x.extend([radius * angle.cos(), radius * angle.sin()]);
        labels.push(arm);
    }
    Points { x: Tensor::from_vec([labels.len(), 2], x), labels }
}
// ANCHOR_END: spirals

/// What stands between the linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Nothing,
    Tanh,
    Relu,
}

impl Activation {
    pub fn of(self, z: Tensor<f64>) -> Tensor<f64> {
        match self {
            Self::Nothing => z,
            Self::Tanh => tanh::forward(z),
            Self::Relu => relu::forward(z),
        }
    }
}

/// Three linear layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    pub activation: Activation,
    /// Numbers between the layers.
    pub width: usize,
    /// How all weights and biases start.
    pub init: Init,
}

impl Design {
    pub fn name(self) -> String {
        let activation = match self.activation {
            Activation::Nothing => "nothing",
            Activation::Tanh => "tanh",
            Activation::Relu => "ReLU",
        };
        format!("{activation}, {}", self.width)
    }

    // ANCHOR: network
    pub fn network(self, seed: u64) -> Sequential<f64> {
        let rng = &mut Generator::new(seed, 0);
        let n = self.width;
        let mut linear = |from, to| Linear::new(from, to).init(self.init, rng);
        let first = self.activated(Sequential::new().push(linear(2, n)));
        let second = self.activated(first.push(linear(n, n)));
        second.push(linear(n, ARMS))
    }
    // ANCHOR_END: network

    fn activated(self, net: Sequential<f64>) -> Sequential<f64> {
        match self.activation {
            Activation::Nothing => net,
            Activation::Tanh => net.push(Tanh::new()),
            Activation::Relu => net.push(Relu::new()),
        }
    }
}

/// How to learn: so many steps, all points in each.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    pub steps: usize,
    pub rate: f64,
    pub momentum: f64,
}

// ANCHOR: train
/// Goes downhill; `watch` sees the network before each step, and its loss there.
pub fn train(
    net: &mut Sequential<f64>,
    points: &Points,
    recipe: Recipe,
    mut watch: impl FnMut(usize, &mut Sequential<f64>, f64),
) {
    let mean = CrossEntropy::default();
    let mut sgd = Optimizer::new(Sgd { momentum: recipe.momentum, ..Sgd::default() });
    for step in 0..recipe.steps {
        optim::zero_grad(|each| Model::visit(net, each));
        let done = net.train_step(points.x.clone(), &points.labels, &mean);
        watch(step, net, done.loss);
        sgd.step(recipe.rate, |each| Model::visit(net, each));
    }
}
// ANCHOR_END: train

/// Weights and biases, layer by layer.
pub fn parameters(net: &mut Sequential<f64>) -> Vec<Param<f64>> {
    let mut found = Vec::new();
    Model::visit(net, &mut |_, slot| {
        if let Slot::Param(param) = slot {
            found.push(param.clone());
        }
    });
    found
}

/// The part of the points whose highest score is their spiral's, in percent.
pub fn accuracy(net: &mut Sequential<f64>, points: &Points) -> f64 {
    let scores = net.scores(points.x.clone());
    let best = |row: &[f64]| (0..ARMS).fold(0, |best, k| if row[k] > row[best] { k } else { best });
    let rows = scores.as_slice().chunks(ARMS).zip(&points.labels);
    let right = rows.filter(|(row, label)| best(row) == **label).count();
    100.0 * right as f64 / points.labels.len() as f64
}
