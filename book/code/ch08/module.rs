//! The module of the paper's figure 2, with the 1x1 reductions and without, and the nine of its table 1.

use residual::{
    nn::{BatchNorm2d, Concat, Conv2d, Init, Layer, MaxPool2d, Outline, Relu, Sequential},
    rng::Generator,
};

/// A module of table 1.
#[derive(Clone, Copy)]
pub struct Module {
    pub name: &'static str,
    /// Rows and columns, for a picture of 224x224.
    pub side: usize,
    /// Channels that it reads.
    pub from: usize,
    /// 1x1; reduction and 3x3; reduction and 5x5; behind the pool.
    pub channels: [usize; 6],
}

impl Module {
    /// Channels that it writes.
    pub fn to(self) -> usize {
        self.written().iter().sum()
    }

    /// Channels that each branch writes.
    pub fn written(self) -> [usize; 4] {
        let [ones, _, threes, _, fives, pooled] = self.channels;
        [ones, threes, fives, pooled]
    }
}

/// The nine modules.
pub const TABLE: [Module; 9] = {
    const fn module(name: &'static str, side: usize, from: usize, channels: [usize; 6]) -> Module {
        Module { name, side, from, channels }
    }
    [
        module("3a", 28, 192, [64, 96, 128, 16, 32, 32]),
        module("3b", 28, 256, [128, 128, 192, 32, 96, 64]),
        module("4a", 14, 480, [192, 96, 208, 16, 48, 64]),
        module("4b", 14, 512, [160, 112, 224, 24, 64, 64]),
        module("4c", 14, 512, [128, 128, 256, 24, 64, 64]),
        module("4d", 14, 512, [112, 144, 288, 32, 64, 64]),
        module("4e", 14, 528, [256, 160, 320, 32, 128, 128]),
        module("5a", 7, 832, [256, 160, 320, 32, 128, 128]),
        module("5b", 7, 832, [384, 192, 384, 48, 128, 128]),
    ]
};

/// How a module's convolutions are made.
#[derive(Clone, Copy)]
pub struct Making {
    /// A batch norm behind each, instead of a bias.
    pub norm: bool,
    pub init: Init,
}

/// The paper's.
pub const PLAIN: Making = Making { norm: false, init: Init::KaimingNormal };

impl Making {
    /// A convolution that keeps the picture's size, and the ReLU behind it.
    pub fn unit(self, [from, to]: [usize; 2], kernel: usize, rng: &mut Generator) -> Sequential<f32> {
        let conv = Conv2d::new(from, to, kernel).padding(kernel / 2);
        let unit = if self.norm {
            Sequential::new().push(conv.no_bias().init(self.init, rng)).push(BatchNorm2d::new(to))
        } else {
            Sequential::new().push(conv.init(self.init, rng))
        };
        unit.push(Relu::new())
    }

    /// A 1x1 convolution and a larger one behind it.
    pub fn reduced(self, [from, by, to]: [usize; 3], kernel: usize, rng: &mut Generator) -> Sequential<f32> {
        Sequential::new().push(self.unit([from, by], 1, rng)).push(self.unit([by, to], kernel, rng))
    }

    /// A max pool that keeps the picture's size, and a 1x1 convolution behind it.
    pub fn pooled(self, [from, to]: [usize; 2], rng: &mut Generator) -> Sequential<f32> {
        Sequential::new().push(MaxPool2d::new(3).stride(1).padding(1)).push(self.unit([from, to], 1, rng))
    }

    // ANCHOR: with
    /// Figure 2(b) of the paper: four branches, and a 1x1 convolution in front of the dear ones.
    pub fn with_reductions(self, from: usize, channels: [usize; 6], rng: &mut Generator) -> Concat<f32> {
        let [ones, reduce3, threes, reduce5, fives, pooled] = channels;
        Concat::new()
            .add("1x1", self.unit([from, ones], 1, rng))
            .add("3x3", self.reduced([from, reduce3, threes], 3, rng))
            .add("5x5", self.reduced([from, reduce5, fives], 5, rng))
            .add("pool", self.pooled([from, pooled], rng))
    }
    // ANCHOR_END: with

    // ANCHOR: without
    /// Figure 2(a): no 1x1 convolution but that of the first branch. The pool hands on all that it reads.
    pub fn without_reductions(self, from: usize, channels: [usize; 6], rng: &mut Generator) -> Concat<f32> {
        let [ones, _, threes, _, fives, _] = channels;
        Concat::new()
            .add("1x1", self.unit([from, ones], 1, rng))
            .add("3x3", self.unit([from, threes], 3, rng))
            .add("5x5", self.unit([from, fives], 5, rng))
            .add("pool", Sequential::new().push(MaxPool2d::new(3).stride(1).padding(1)))
    }
    // ANCHOR_END: without
}

/// What a module is and costs where it stands, with `from` channels in front.
pub fn outline(module: &Concat<f32>, side: usize, from: usize) -> Outline {
    Layer::outline(module, [1, side, side, from].into())
}
