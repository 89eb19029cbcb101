//! The blocks of residual networks, and stages of them.
//!
//! | | basic | bottleneck |
//! |---|---|---|
//! | `conv1`, `bn1`, ReLU | 3x3, stride | 1x1 |
//! | `conv2`, `bn2` | 3x3 | ReLU after it: 3x3, stride, groups |
//! | `conv3`, `bn3` | | 1x1 |
//!
//! Then the shortcut is added, then comes a ReLU (He et al. 2016, "Deep Residual Learning for Image
//! Recognition", figure 5). The paper's bottleneck has its stride in the first convolution, which
//! throws three quarters of the image away unseen; that it stands in the 3x3, as in torchvision, is
//! called version 1.5.

use super::{Options, Shortcut};
use crate::{
    nn::{BatchNorm2d, Conv2d, Init, Linear, Relu, Residual, Sequential, Subsample},
    real::Real,
    rng::Generator,
};

/// What lies between two shortcuts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// Two 3x3 convolutions.
    Basic,
    /// A 3x3 convolution of so many groups, between two of 1x1: the first makes its channels, `per_64`
    /// for every 64 of the stage's width, the last four times the width.
    Bottleneck { groups: usize, per_64: usize },
}

/// Builds the blocks of one network.
pub(super) struct Blocks {
    body: Body,
    shortcut: Option<Shortcut>,
    bias: bool,
    zero_init: bool,
    rng: Generator,
}

impl Blocks {
    /// Blocks with this shortcut where they change the shape; without, no block has any.
    pub fn new(body: Body, shortcut: Option<Shortcut>, options: &Options) -> Self {
        Self { body, shortcut, bias: false, zero_init: options.zero_init_residual, rng: options.weights() }
    }

    /// Whether convolutions have biases; they have none unless said.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Channels behind a block, for each of its stage's width.
    pub fn expansion(&self) -> usize {
        if let Body::Basic = self.body { 1 } else { 4 }
    }

    // ANCHOR: stage
    /// `n` blocks of one width, named by number; the first of them has the stride.
    pub fn stage<T: Real>(&mut self, n: usize, [from, width]: [usize; 2], stride: usize) -> Sequential<T> {
        let to = width * self.expansion();
        (0..n).fold(Sequential::new(), |stage, i| {
            let (from, stride) = if i == 0 { (from, stride) } else { (to, 1) };
            let body = match self.body {
                Body::Basic => self.basic([from, width, to], stride),
                Body::Bottleneck { groups, per_64 } => {
                    self.bottleneck([from, width * per_64 / 64 * groups, to], stride, groups)
                }
            };
            match self.shortcut {
                Some(_) => stage.add(i.to_string(), self.residual(body, [from, to], stride)),
                None => stage.add(i.to_string(), body.add("relu2", Relu::new())),
            }
        })
    }
    // ANCHOR_END: stage

    /// A shortcut around `body`: the identity, where the shapes allow it.
    pub fn residual<T: Real>(
        &mut self,
        body: Sequential<T>,
        [from, to]: [usize; 2],
        stride: usize,
    ) -> Residual<T> {
        let block = Residual::new(body);
        match self.shortcut {
            _ if (from, stride) == (to, 1) => block,
            None => block,
            Some(Shortcut::A) => block.shortcut(Sequential::new().add("0", Subsample::new(stride, to))),
            Some(Shortcut::B) => block.shortcut(self.projection([from, to], 1, stride)),
            Some(Shortcut::Conv3x3) => block.shortcut(self.projection([from, to], 3, stride)),
        }
    }

    fn projection<T: Real>(&mut self, channels: [usize; 2], kernel: usize, stride: usize) -> Sequential<T> {
        Sequential::new()
            .add("0", self.conv(channels, kernel, stride, 1))
            .add("1", BatchNorm2d::new(channels[1]))
    }

    /// The basic body: from channels over those between the convolutions to those behind them.
    pub fn basic<T: Real>(&mut self, [from, between, to]: [usize; 3], stride: usize) -> Sequential<T> {
        Sequential::new()
            .add("conv1", self.conv([from, between], 3, stride, 1))
            .add("bn1", BatchNorm2d::new(between))
            .add("relu", Relu::new())
            .add("conv2", self.conv([between, to], 3, 1, 1))
            .add("bn2", self.last_norm(to))
    }

    // ANCHOR: bottleneck
    /// The bottleneck.
    pub fn bottleneck<T: Real>(
        &mut self,
        [from, between, to]: [usize; 3],
        stride: usize,
        groups: usize,
    ) -> Sequential<T> {
        Sequential::new()
            .add("conv1", self.conv([from, between], 1, 1, 1))
            .add("bn1", BatchNorm2d::new(between))
            .add("relu", Relu::new())
            .add("conv2", self.conv([between, between], 3, stride, groups))
            .add("bn2", BatchNorm2d::new(between))
            .add("relu2", Relu::new())
            .add("conv3", self.conv([between, to], 1, 1, 1))
            .add("bn3", self.last_norm(to))
    }
    // ANCHOR_END: bottleneck

    /// A convolution that keeps the size of the image, but for its stride.
    pub fn conv<T: Real>(
        &mut self,
        [from, to]: [usize; 2],
        kernel: usize,
        stride: usize,
        groups: usize,
    ) -> Conv2d<T> {
        let conv = Conv2d::new(from, to, kernel).stride(stride).padding(kernel / 2).groups(groups);
        let conv = if self.bias { conv } else { conv.no_bias() };
        conv.init(Init::KaimingNormal, &mut self.rng)
    }

    fn last_norm<T: Real>(&self, channels: usize) -> BatchNorm2d<T> {
        let norm = BatchNorm2d::new(channels);
        if self.zero_init { norm.zero_init() } else { norm }
    }

    /// The classifier behind all blocks.
    pub fn fc<T: Real>(&mut self, from: usize, classes: usize) -> Linear<T> {
        Linear::new(from, classes).init(Init::Default, &mut self.rng)
    }
}
