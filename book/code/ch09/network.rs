//! A small network with and without batch norm, and the barest way to train it.

use residual::{
    data::{Dataset, Loader},
    models::Model,
    nn::{BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Linear, Relu, Sequential, Slot},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

/// Channels of every convolution.
pub const CHANNELS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Convolutions with biases.
    Plain,
    /// Convolutions with batch norm behind.
    Norm,
    /// As `Norm`, and one more layer before the classifier, whose batch norm sees one number for each picture.
    Head,
}

impl Kind {
    // ANCHOR: network
    /// 49 patches of 4x4 pixels, four 3x3 convolutions, an average, a classifier.
    pub fn network(self, seed: u64) -> Sequential<f32> {
        let rng = &mut Generator::new(seed, 9);
        let mut net = Sequential::new();
        for i in 0..5 {
            let patches = Conv2d::new(1, CHANNELS, 4).stride(4);
            let conv = if i == 0 { patches } else { Conv2d::new(CHANNELS, CHANNELS, 3).padding(1) };
            let conv = if self == Self::Plain { conv } else { conv.no_bias() };
            net = net.add(format!("conv{i}"), conv.init(Init::KaimingNormal, rng));
            if self != Self::Plain {
                net = net.add(format!("norm{i}"), BatchNorm2d::new(CHANNELS));
            }
            net = net.add(format!("relu{i}"), Relu::new());
        }
        net = net.add("average", GlobalAvgPool::new()).add("flatten", Flatten::new());
        if self == Self::Head {
            net = net
                .add("hidden", Linear::new(CHANNELS, CHANNELS).init(Init::KaimingNormal, rng))
                .add("norm", BatchNorm2d::new(CHANNELS))
                .add("relu", Relu::new());
        }
        net.add("classifier", Linear::new(CHANNELS, 10).init(Init::Default, rng))
    }
    // ANCHOR_END: network
}

/// How to go down.
#[derive(Clone, Copy, Debug)]
pub struct Descent {
    /// Pictures of a step.
    pub batch: usize,
    pub steps: usize,
    /// The learning rate of the convolutions' weights.
    pub filters: f64,
    /// That of all else.
    pub others: f64,
    /// Whether each filter gets its first length back after every step.
    pub held: bool,
}

impl Descent {
    /// One rate for all.
    pub fn new(batch: usize, steps: usize, rate: f64) -> Self {
        Self { batch, steps, filters: rate, others: rate, held: false }
    }

    // ANCHOR: descend
    /// Gradient descent and nothing else: no momentum, no decay, no schedule. Shows `net` after every step
    /// to `after`, and returns the loss of every step.
    pub fn run(
        self,
        net: &mut Sequential<f32>,
        seen: &Dataset,
        seed: u64,
        mut after: impl FnMut(usize, &mut Sequential<f32>),
    ) -> Vec<f64> {
        let loader = Loader::new(seen, self.batch).shuffle(true).drop_last(true).seed(seed);
        let batches = (0..).flat_map(|epoch| loader.epoch::<f32>(epoch));
        let first = lengths(net);
        let mut losses = Vec::new();
        for (step, batch) in (1..=self.steps).zip(batches) {
            losses.push(net.train_step(batch.images, &batch.labels, &CrossEntropy::default()).loss);
            Model::visit(net, &mut |path, slot| {
                if let Slot::Param(param) = slot {
                    let rate = if is_filter(&path.to_string()) { self.filters } else { self.others } as f32;
                    let weights = param.value.as_mut_slice().iter_mut();
                    weights.zip(param.grad.as_slice()).for_each(|(w, dw)| *w -= rate * dw);
                    param.grad.as_mut_slice().fill(0.0);
                }
            });
            if self.held {
                hold(net, &first);
            }
            after(step, net);
        }
        losses
    }
    // ANCHOR_END: descend
}

fn is_filter(path: &str) -> bool {
    path.starts_with("conv") && path.ends_with(".weight")
}

/// The length of every filter of every convolution.
pub fn lengths(net: &mut Sequential<f32>) -> Vec<f64> {
    let mut found = Vec::new();
    each_filter(net, |filter| found.push(length(filter)));
    found
}

/// Gives every filter the length that it had.
fn hold(net: &mut Sequential<f32>, lengths: &[f64]) {
    let mut lengths = lengths.iter();
    each_filter(net, |filter| {
        let factor = (lengths.next().expect("as many as filters") / length(filter)) as f32;
        filter.iter_mut().for_each(|w| *w *= factor);
    });
}

fn each_filter(net: &mut Sequential<f32>, mut each: impl FnMut(&mut [f32])) {
    Model::visit(net, &mut |path, slot| {
        if let Slot::Param(param) = slot
            && is_filter(&path.to_string())
        {
            let size = param.value.len() / CHANNELS;
            param.value.as_mut_slice().chunks_mut(size).for_each(&mut each);
        }
    });
}

fn length(w: &[f32]) -> f64 {
    w.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt()
}
