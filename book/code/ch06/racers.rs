//! The small networks of the race: four layers, one of two activations, on one of two sets of terms.

use residual::{
    data::{Dataset, Loader},
    models::Model,
    nn::{Conv2d, Flatten, Init, Layer, Linear, MaxPool2d, Mode, Relu, Sequential, Tanh},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    train::optim::{self, Optimizer, Sgd},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bend {
    Relu,
    Tanh,
}

/// How large pixels are, and how weights are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// Pixels of deviation 1; weights of chapter 4's size for each activation, no biases.
    Today,
    /// Pixels of deviation 64; weights of deviation 0.01, and for ReLU biases of 1 from the second layer on.
    Then,
}

#[derive(Clone, Copy)]
pub struct Design {
    pub bend: Bend,
    pub terms: Terms,
}

pub const DESIGNS: [Design; 4] = [
    Design { bend: Bend::Relu, terms: Terms::Today },
    Design { bend: Bend::Tanh, terms: Terms::Today },
    Design { bend: Bend::Relu, terms: Terms::Then },
    Design { bend: Bend::Tanh, terms: Terms::Then },
];

/// Pictures of a step.
const BATCH: usize = 32;
/// Steps of a quarter of an epoch, over which the training error is taken.
const BLOCK: usize = 32;
pub const PICTURES: usize = 4 * BLOCK * BATCH;

impl Design {
    pub fn name(self) -> &'static str {
        match (self.terms, self.bend) {
            (Terms::Today, Bend::Relu) => "today, ReLU",
            (Terms::Today, Bend::Tanh) => "today, tanh",
            (Terms::Then, Bend::Relu) => "2012, ReLU",
            (Terms::Then, Bend::Tanh) => "2012, tanh",
        }
    }

    /// The learning rates that it is tried with.
    pub fn rates(self) -> &'static [f64] {
        match self.terms {
            Terms::Today => &[0.003, 0.01, 0.03],
            Terms::Then => &[0.001, 0.003, 0.01, 0.03],
        }
    }

    /// How weights are drawn, and the bias of an inner layer.
    fn init(self, fan_in: usize, inner: bool) -> Init {
        let chapter_4 = |gain: f64| (gain / fan_in as f64).sqrt();
        match (self.terms, self.bend) {
            (Terms::Today, Bend::Relu) => Init::Normal { deviation: chapter_4(2.0), bias: 0.0 },
            (Terms::Today, Bend::Tanh) => Init::Normal { deviation: chapter_4(1.0), bias: 0.0 },
            (Terms::Then, Bend::Relu) => Init::Normal { deviation: 0.01, bias: f64::from(inner) },
            (Terms::Then, Bend::Tanh) => Init::Normal { deviation: 0.01, bias: 0.0 },
        }
    }

    // ANCHOR: network
    /// Four layers: three convolutions, two pools that overlap, a classifier.
    fn network(self, seed: u64) -> Sequential<f32> {
        let rng = &mut Generator::new(seed, 0);
        let net = self.first(rng).push(MaxPool2d::new(3).stride(2));
        let conv2 = Conv2d::new(16, 16, 5).padding(2).init(self.init(400, true), rng);
        let net = self.bent(net.push(conv2)).push(MaxPool2d::new(3).stride(2));
        let conv3 = Conv2d::new(16, 32, 3).padding(1).init(self.init(144, true), rng);
        let net = self.bent(net.push(conv3)).push(Flatten::new());
        net.push(Linear::new(128, 10).init(self.init(128, false), rng))
    }

    fn first(self, rng: &mut Generator) -> Sequential<f32> {
        let conv1 = Conv2d::new(1, 16, 5).padding(2).init(self.init(25, false), rng);
        self.bent(Sequential::new().push(conv1))
    }

    fn bent(self, net: Sequential<f32>) -> Sequential<f32> {
        match self.bend {
            Bend::Relu => net.push(Relu::new()),
            Bend::Tanh => net.push(Tanh::new()),
        }
    }
    // ANCHOR_END: network

    /// What pixels of deviation 1 are multiplied by.
    fn size(self) -> f32 {
        if self.terms == Terms::Then { 64.0 } else { 1.0 }
    }

    /// How many of the first layer's numbers are beyond 0.95 before the first step, in percent.
    pub fn pressed(self, pictures: &Dataset) -> f64 {
        let batch = Loader::new(pictures, 256).epoch::<f32>(0).next().expect("there are pictures");
        let mut first = self.first(&mut Generator::new(0, 0));
        let y = first.forward(batch.images.map(|x| self.size() * x), Mode::Eval);
        100.0 * y.as_slice().iter().filter(|y| y.abs() > 0.95).count() as f64 / y.len() as f64
    }

    /// The training error of each quarter of an epoch, in percent. No weight decay, no augmentation, one rate.
    pub fn errors(self, rate: f64, seed: u64, pictures: &Dataset, epochs: usize) -> Vec<f64> {
        let mut net = self.network(seed);
        let mut sgd = Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() });
        let loader = Loader::new(pictures, BATCH).shuffle(true).drop_last(true).seed(seed);
        let (mut errors, mut wrong) = (Vec::new(), 0);
        for (step, batch) in (1..).zip((0..epochs).flat_map(|epoch| loader.epoch::<f32>(epoch))) {
            optim::zero_grad(|each| Model::visit(&mut net, each));
            let images = batch.images.map(|x| self.size() * x);
            let logits = net.train_step(images, &batch.labels, &CrossEntropy::default()).logits;
            sgd.step(rate, |each| Model::visit(&mut net, each));
            let rows = logits.as_slice().chunks(10).zip(&batch.labels);
            // Not a number is not right.
            let right = |(row, label): &(&[f32], &usize)| row.iter().all(|&score| score <= row[**label]);
            wrong += BATCH - rows.filter(right).count();
            if step % BLOCK == 0 {
                errors.push(100.0 * wrong as f64 / (BLOCK * BATCH) as f64);
                wrong = 0;
            }
        }
        errors
    }
}
