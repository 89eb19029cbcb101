//! [`Recipe`]: from the table to the layers.

use super::GoogLeNet;
use crate::{
    models::Options,
    nn::{
        AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, GlobalAvgPool, Init,
        Layer, Linear, MaxPool2d, Relu, Sequential,
    },
    ops::pool::Window,
    real::Real,
    rng::Generator,
    tensor::Shape,
};

/// What the three networks differ in.
#[derive(Clone, Copy)]
pub(in crate::models) struct Recipe {
    /// A batch norm after each convolution, instead of a bias.
    pub norm: bool,
    /// The kernel of what the paper calls 5x5.
    pub five: usize,
    pub pools: [Window; 4],
    pub heads: Option<Grid>,
    pub dropout: f64,
    pub init: Init,
    /// What all channels are divided by: 1, but where gradients are checked against differences.
    pub narrower: usize,
}

/// How a head sees an image as a few pixels.
#[derive(Clone, Copy)]
pub(in crate::models) enum Grid {
    /// The averages of 5x5 pixels, every third.
    Strides,
    /// The averages of 4x4 equal parts.
    Fours,
}

impl Recipe {
    pub fn network<T: Real>(&self, options: &Options) -> GoogLeNet<T> {
        let &Options { classes, in_channels, .. } = options;
        let rng = &mut options.weights();
        let trunk = self.trunk(in_channels, rng);
        let classifier = Sequential::new()
            .add("avgpool", GlobalAvgPool::new())
            .add("flatten", Flatten::new())
            .add("dropout", Dropout::new(self.dropout, options.dropout(0)))
            .add("fc", Linear::new(1024 / self.narrower, classes).init(self.init, rng));
        // Drawn last: with heads or without, the rest starts from the same weights.
        let heads = self.heads.filter(|_| options.aux_logits);
        let heads = heads.map(|grid| self.heads(grid, &trunk, options, rng));
        GoogLeNet::new(trunk, heads, classifier)
    }

    /// Table 1 from the first convolution to the last module, cut behind the modules that feed heads.
    fn trunk<T: Real>(&self, in_channels: usize, rng: &mut Generator) -> [Sequential<T>; 3] {
        let [pool1, pool2, pool3, pool4] = self.pools.map(MaxPool2d::from);
        let [c64, c192] = [64, 192].map(|channels| channels / self.narrower);
        let to_first_head = Sequential::new()
            .add("conv1", self.unit([in_channels, c64], [7, 2], rng))
            .add("maxpool1", pool1)
            .add("conv2", self.unit([c64, c64], [1, 1], rng))
            .add("conv3", self.unit([c64, c192], [3, 1], rng))
            .add("maxpool2", pool2)
            .add("inception3a", self.inception(192, [64, 96, 128, 16, 32, 32], rng))
            .add("inception3b", self.inception(256, [128, 128, 192, 32, 96, 64], rng))
            .add("maxpool3", pool3)
            .add("inception4a", self.inception(480, [192, 96, 208, 16, 48, 64], rng));
        let to_second_head = Sequential::new()
            .add("inception4b", self.inception(512, [160, 112, 224, 24, 64, 64], rng))
            .add("inception4c", self.inception(512, [128, 128, 256, 24, 64, 64], rng))
            .add("inception4d", self.inception(512, [112, 144, 288, 32, 64, 64], rng));
        let to_the_end = Sequential::new()
            .add("inception4e", self.inception(528, [256, 160, 320, 32, 128, 128], rng))
            .add("maxpool4", pool4)
            .add("inception5a", self.inception(832, [256, 160, 320, 32, 128, 128], rng))
            .add("inception5b", self.inception(832, [384, 192, 384, 48, 128, 128], rng));
        [to_first_head, to_second_head, to_the_end]
    }

    // ANCHOR: inception
    /// The module of figure 2(b): four views of the same image side by side, of ever wider windows.
    fn inception<T: Real>(&self, from: usize, channels: [usize; 6], rng: &mut Generator) -> Concat<T> {
        let from = from / self.narrower;
        let [ones, reduce3, threes, reduce5, fives, pooled] = channels.map(|c| c / self.narrower);
        let ones = self.unit([from, ones], [1, 1], rng);
        let threes = Sequential::new()
            .add("0", self.unit([from, reduce3], [1, 1], rng))
            .add("1", self.unit([reduce3, threes], [3, 1], rng));
        let fives = Sequential::new()
            .add("0", self.unit([from, reduce5], [1, 1], rng))
            .add("1", self.unit([reduce5, fives], [self.five, 1], rng));
        // Where the stride is 1, no window hangs over the edge; torchvision's is set so.
        let pooled = Sequential::new()
            .add("0", MaxPool2d::new(3).stride(1).padding(1).ceil_mode())
            .add("1", self.unit([from, pooled], [1, 1], rng));
        Concat::new().add("branch1", ones).add("branch2", threes).add("branch3", fives).add("branch4", pooled)
    }
    // ANCHOR_END: inception

    /// Two classifiers of what the first parts of the trunk give.
    fn heads<T: Real>(
        &self,
        grid: Grid,
        trunk: &[Sequential<T>; 3],
        options: &Options,
        rng: &mut Generator,
    ) -> [Sequential<T>; 2] {
        let [wide, hidden] = [128, 1024].map(|channels| channels / self.narrower);
        let mut x = Shape::from([1, options.input_size, options.input_size, options.in_channels]);
        [0, 1].map(|i| {
            x = trunk[i].outline(x).output;
            let head = match grid {
                Grid::Strides => Sequential::new().add("avgpool", AvgPool2d::new(5).stride(3)),
                Grid::Fours => Sequential::new().add("avgpool", AdaptiveAvgPool2d::new(4)),
            };
            let conv = self.unit([x.last(), wide], [1, 1], rng);
            let head = head.add("conv", conv).add("flatten", Flatten::new());
            let flat = head.outline(x).output.last();
            head.add("fc1", Linear::new(flat, hidden).init(self.init, rng))
                .add("relu", Relu::new())
                .add("dropout", Dropout::new(0.7, options.dropout(1 + i as u64)))
                .add("fc2", Linear::new(hidden, options.classes).init(self.init, rng))
        })
    }

    /// A convolution that keeps the size of images, but for its stride, and what follows it.
    fn unit<T: Real>(
        &self,
        [from, to]: [usize; 2],
        [kernel, stride]: [usize; 2],
        rng: &mut Generator,
    ) -> Sequential<T> {
        let conv = Conv2d::new(from, to, kernel).stride(stride).padding(kernel / 2);
        let unit = if self.norm {
            let conv = conv.no_bias().init(self.init, rng);
            Sequential::new().add("conv", conv).add("bn", BatchNorm2d::new(to).eps(1e-3))
        } else {
            Sequential::new().add("conv", conv.init(self.init, rng))
        };
        unit.add("relu", Relu::new())
    }
}
