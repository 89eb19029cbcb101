//! The networks that the chapter compares: LeNet-5 as the crate has it, with other pools and activations, as the
//! paper has it, and without convolutions.

use super::paper::{self, ScaledTanh};
use residual::{
    Real,
    models::{Options, lenet5},
    nn::{AvgPool2d, Conv2d, Flatten, Init, Linear, MaxPool2d, Relu, Sequential, Tanh},
    rng::Generator,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    Max,
    Average,
}

/// What stands between a convolution and its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bend {
    Nothing,
    Relu,
    Tanh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// The crate's `lenet5`.
    Taught,
    /// The same with this pool, and this behind the convolutions.
    Variant(Pool, Bend),
    /// The paper's, part by part.
    Paper,
    /// Three fully connected layers of as many parameters.
    Dense,
}

/// Average or max, with nothing, ReLU or tanh before it. The crate's network is the first.
pub const VARIANTS: [Design; 6] = [
    Design::Taught,
    Design::Variant(Pool::Max, Bend::Relu),
    Design::Variant(Pool::Max, Bend::Tanh),
    Design::Variant(Pool::Average, Bend::Nothing),
    Design::Variant(Pool::Average, Bend::Relu),
    Design::Variant(Pool::Average, Bend::Tanh),
];

impl Design {
    pub fn name(self) -> &'static str {
        match self {
            Self::Taught | Self::Variant(Pool::Max, Bend::Nothing) => "max",
            Self::Variant(Pool::Max, Bend::Relu) => "max, ReLU",
            Self::Variant(Pool::Max, Bend::Tanh) => "max, tanh",
            Self::Variant(Pool::Average, Bend::Nothing) => "average",
            Self::Variant(Pool::Average, Bend::Relu) => "average, ReLU",
            Self::Variant(Pool::Average, Bend::Tanh) => "average, tanh",
            Self::Paper => "the paper's",
            Self::Dense => "fully connected",
        }
    }

    pub fn network<T: Real>(self, seed: u64) -> Sequential<T> {
        match self {
            Self::Taught => {
                lenet5(&Options { classes: 10, in_channels: 1, input_size: 28, seed, ..Options::default() })
            }
            Self::Variant(pool, bend) => variant(pool, bend, &mut Generator::new(seed, 0)),
            Self::Paper => paper(&mut Generator::new(seed, 0)),
            Self::Dense => dense(&mut Generator::new(seed, 0)),
        }
    }
}

// ANCHOR: variant
/// LeNet-5 with a choice of pool and of what stands before it.
fn variant<T: Real>(pool: Pool, bend: Bend, rng: &mut Generator) -> Sequential<T> {
    let bent = |net: Sequential<T>, name: String| match bend {
        Bend::Nothing => net,
        Bend::Relu => net.add(name, Relu::new()),
        Bend::Tanh => net.add(name, Tanh::new()),
    };
    let pooled = |net: Sequential<T>, name: &str| match pool {
        Pool::Max => net.add(name, MaxPool2d::new(2)),
        Pool::Average => net.add(name, AvgPool2d::new(2)),
    };
    let net = Sequential::new().add("conv1", Conv2d::new(1, 6, 5).padding(2).init(Init::Default, rng));
    let net = pooled(bent(net, "bend1".into()), "pool1");
    let net = net.add("conv2", Conv2d::new(6, 16, 5).init(Init::Default, rng));
    let mut net = pooled(bent(net, "bend2".into()), "pool2").add("flatten", Flatten::new());
    for (i, [from, to]) in [[400, 120], [120, 84]].into_iter().enumerate() {
        net = net.add(format!("fc{}", i + 1), Linear::new(from, to).init(Init::Default, rng));
        let name = format!("bend{}", i + 3);
        net = if bend == Bend::Tanh { net.add(name, Tanh::new()) } else { net.add(name, Relu::new()) };
    }
    net.add("fc3", Linear::new(84, 10).init(Init::Default, rng))
}
// ANCHOR_END: variant

// ANCHOR: paper
/// LeNet-5 as the paper has it. Names are the paper's.
fn paper<T: Real>(rng: &mut Generator) -> Sequential<T> {
    let convolution = Conv2d::new(1, 6, 5).padding(2).init(Init::Default, rng);
    Sequential::new()
        .add("c1", convolution)
        .add("squash1", ScaledTanh::default())
        .add("s2", paper::subsampling(6))
        .add("squash2", ScaledTanh::default())
        .add("c3", paper::Table::new(rng))
        .add("squash3", ScaledTanh::default())
        .add("s4", paper::subsampling(16))
        .add("squash4", ScaledTanh::default())
        .add("flatten", Flatten::new())
        .add("c5", Linear::new(400, 120).init(Init::Default, rng))
        .add("squash5", ScaledTanh::default())
        .add("f6", Linear::new(120, 84).init(Init::Default, rng))
        .add("squash6", ScaledTanh::default())
        .add("output", paper::Distances::new(84, 10, rng))
}
// ANCHOR_END: paper

/// 784, 71, 72, 10: within a tenth of a percent of LeNet-5's parameters.
fn dense<T: Real>(rng: &mut Generator) -> Sequential<T> {
    Sequential::new()
        .add("flatten", Flatten::new())
        .add("fc1", Linear::new(784, 71).init(Init::Default, rng))
        .add("relu1", Relu::new())
        .add("fc2", Linear::new(71, 72).init(Init::Default, rng))
        .add("relu2", Relu::new())
        .add("fc3", Linear::new(72, 10).init(Init::Default, rng))
}
