//! The small network of this chapter: trained, saved, loaded, examined.

use super::common::{
    Budget, Report,
    training::{self, Recipe, train},
};
use residual::{
    Tensor,
    checkpoint::{self, Metadata},
    data::{self, Dataset, Loader},
    models::Model,
    nn::{BatchNorm2d, Conv2d, Flatten, Init, Linear, MaxPool2d, Relu, Sequential, Slot},
    rng::Generator,
};
use std::path::Path;

/// What batch norm adds to the variance, in PyTorch.
pub const EPS: f64 = 1e-5;
/// Channels of both convolutions.
pub const CHANNELS: usize = 16;

// ANCHOR: network
/// Two convolutions with batch norm, and a fully connected layer over what they leave: 16 maps of 7 by 7.
pub fn network(seed: u64, eps: f64) -> Sequential<f32> {
    let rng = &mut Generator::new(seed, 0);
    let mut conv = |from| Conv2d::new(from, CHANNELS, 3).padding(1).no_bias().init(Init::KaimingNormal, rng);
    let (conv1, conv2) = (conv(1), conv(CHANNELS));
    Sequential::new()
        .add("conv1", conv1)
        .add("bn1", BatchNorm2d::new(CHANNELS).eps(eps))
        .add("relu1", Relu::new())
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", conv2)
        .add("bn2", BatchNorm2d::new(CHANNELS).eps(eps))
        .add("relu2", Relu::new())
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten::new())
        .add("fc", Linear::new(49 * CHANNELS, 10).init(Init::Default, rng))
}
// ANCHOR_END: network

/// A trained network, and what it is examined on.
pub struct Trained {
    pub net: Sequential<f32>,
    pub unseen: Dataset,
    pub accuracy: f64,
}

impl Trained {
    pub fn new(budget: Budget) -> Self {
        let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
        let (steps, pictures) = if budget == Budget::Quick { (40, 500) } else { (300, 2_000) };
        let unseen = sets.test.select(0..pictures);
        let mut net = network(15, EPS);
        let recipe = Recipe { batch: 32, steps, rate: 0.05 };
        let accuracy = train(&mut net, &sets.train, &unseen, recipe, 15).accuracy;
        Self { net, unseen, accuracy }
    }

    /// The scores for the first `count` unseen pictures.
    pub fn scores_of(&self, net: &mut Sequential<f32>, count: usize) -> Tensor<f32> {
        net.scores(self.images(count))
    }

    pub fn images(&self, count: usize) -> Tensor<f32> {
        let pictures = self.unseen.select(0..count);
        Loader::new(&pictures, count).epoch(0).next().expect("one batch").images
    }

    /// A network of its own with the same numbers.
    pub fn copy(&mut self, eps: f64) -> Sequential<f32> {
        let mut numbers = numbers(&mut self.net).into_iter();
        let mut copy = network(0, eps);
        Model::visit(&mut copy, &mut |_, slot| {
            let tensor = match slot {
                Slot::Param(param) => &mut param.value,
                Slot::Buffer(buffer) => buffer,
                Slot::Count(_) | Slot::Generator(_) => return,
            };
            *tensor = numbers.next().expect("the same network").1;
        });
        copy
    }
}

// ANCHOR: numbers
/// Every parameter and buffer of a network under its full name.
pub fn numbers(net: &mut Sequential<f32>) -> Vec<(String, Tensor<f32>)> {
    let mut numbers = Vec::new();
    Model::visit(net, &mut |path, slot| match slot {
        Slot::Param(param) => numbers.push((path.to_string(), param.value.clone())),
        Slot::Buffer(buffer) => numbers.push((path.to_string(), buffer.clone())),
        Slot::Count(_) | Slot::Generator(_) => {}
    });
    numbers
}
// ANCHOR_END: numbers

/// Changes the tensor called `name`.
pub fn change(net: &mut Sequential<f32>, name: &str, by: impl Fn(&Tensor<f32>) -> Tensor<f32>) {
    Model::visit(net, &mut |path, slot| {
        if path.to_string() == name {
            match slot {
                Slot::Param(param) => param.value = by(&param.value),
                Slot::Buffer(buffer) => *buffer = by(buffer),
                Slot::Count(_) | Slot::Generator(_) => {}
            }
        }
    });
}

/// The percentage of unseen pictures that `net` names rightly.
pub fn accuracy(net: &mut Sequential<f32>, unseen: &Dataset) -> f64 {
    training::accuracy(net, unseen)
}

/// Scores, to the last bit.
pub fn bits(tensor: &Tensor<f32>) -> Vec<u32> {
    tensor.as_slice().iter().map(|x| x.to_bits()).collect()
}

// ANCHOR: round
/// Saves `net` at `path`, loads it into a network that began elsewhere, and returns that.
fn there_and_back(net: &mut Sequential<f32>, path: &Path) -> Result<Sequential<f32>, residual::Error> {
    let about = Metadata {
        model: "a network of chapter 15".into(),
        in_channels: 1,
        input_size: [28, 28],
        data: "fashion-mnist".into(),
        classes: Vec::new(),
        mean: vec![0.0],
        std: vec![1.0],
        shortcut: None,
    };
    checkpoint::save(path, |each| Model::visit(net, each), &about)?;
    let mut other = network(99, EPS);
    checkpoint::load(path, |each| Model::visit(&mut other, each))?;
    Ok(other)
}
// ANCHOR_END: round

pub fn run(trained: &mut Trained, report: &mut Report) {
    let names: Vec<_> = numbers(&mut trained.net)
        .into_iter()
        .map(|(name, tensor)| {
            vec![name, format!("{:?}", tensor.shape().dims()), (4 * tensor.len()).to_string()]
        })
        .collect();
    report.part("names", |report| report.table(&["name", "shape", "bytes"], &names));
    let path = std::env::temp_dir().join(format!("residual-ch15-{}.safetensors", std::process::id()));
    let back = there_and_back(&mut trained.net, &path);
    // It is a temporary file; where it cannot be removed, the system does that one day.
    let _ = std::fs::remove_file(&path);
    let mut other = back.unwrap_or_else(|error| panic!("{error}"));
    let same = numbers(&mut trained.net)
        .iter()
        .zip(&numbers(&mut other))
        .all(|((a, x), (b, y))| a == b && bits(x) == bits(y));
    report.claim("what is loaded is what was saved, to the last bit", same);
    let mut net = trained.copy(EPS);
    let scores = [trained.scores_of(&mut net, 200), trained.scores_of(&mut other, 200)];
    report.claim("so are the scores", bits(&scores[0]) == bits(&scores[1]));
    let fresh = accuracy(&mut network(99, EPS), &trained.unseen);
    report.value("trained", format!("≈{:.1}", trained.accuracy));
    report.value("fresh", format!("≈{fresh:.0}"));
    report.claim("the network learned something", trained.accuracy > 60.0 && fresh < 40.0);
}
