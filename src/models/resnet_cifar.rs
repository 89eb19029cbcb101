//! Residual networks for small images, and their plain twins (He, Zhang, Ren, Sun 2016, "Deep
//! Residual Learning for Image Recognition", section 4.2).
//!
//! | layer | for 32x32 | |
//! |---|---|---|
//! | `conv1` 3x3, `bn1`, ReLU | 16x32x32 | |
//! | `layer1` | 16x32x32 | n blocks |
//! | `layer2` | 32x16x16 | n blocks, the first of stride 2 |
//! | `layer3` | 64x8x8 | n blocks, the first of stride 2 |
//! | average over the image, `fc` | classes | |
//!
//! A block is conv 3x3, batch norm, ReLU, conv 3x3, batch norm, then the shortcut's sum, then ReLU.
//! That makes 6n + 2 layers with weights: 20, 32, 44, 56 and 110 for n = 3, 5, 7, 9 and 18.

use super::{Options, Shortcut};
use crate::{
    nn::{BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Linear, Relu, Residual, Sequential, Subsample},
    real::Real,
    rng::Generator,
};

/// The residual network with `depth` layers of weights.
///
/// ```
/// use residual::models::{Model, Options, resnet};
/// let net: Box<dyn Model<f32>> = Box::new(resnet(20, &Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 269_722);
/// ```
///
/// # Panics
/// If `depth` is not 6n + 2 for some n of at least 1.
#[track_caller]
pub fn resnet<T: Real>(depth: usize, options: &Options) -> Sequential<T> {
    network(blocks(depth), Some(options.shortcut), options)
}

/// The same layers without shortcuts.
///
/// ```
/// use residual::models::{Model, Options, plain};
/// let net: Box<dyn Model<f32>> = Box::new(plain(20, &Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 269_722);
/// ```
///
/// # Panics
/// As [`resnet`].
#[track_caller]
pub fn plain<T: Real>(depth: usize, options: &Options) -> Sequential<T> {
    network(blocks(depth), None, options)
}

/// The n of a depth of 6n + 2.
#[track_caller]
fn blocks(depth: usize) -> usize {
    assert!(depth >= 8 && depth % 6 == 2, "the depth is 6n + 2: 8, 14, 20, …, got {depth}");
    depth / 6
}

fn network<T: Real>(n: usize, shortcut: Option<Shortcut>, options: &Options) -> Sequential<T> {
    let rng = &mut options.weights();
    Sequential::new()
        .add("conv1", conv3x3(options.in_channels, 16, 1, rng))
        .add("bn1", BatchNorm2d::new(16))
        .add("relu", Relu::new())
        .add("layer1", stage(n, [16, 16], shortcut, rng))
        .add("layer2", stage(n, [16, 32], shortcut, rng))
        .add("layer3", stage(n, [32, 64], shortcut, rng))
        .add("avgpool", GlobalAvgPool::new())
        .add("flatten", Flatten::new())
        .add("fc", Linear::new(64, options.classes).init(Init::Default, rng))
}

/// Blocks of one width; where the channels double, the first block halves the image.
fn stage<T: Real>(
    n: usize,
    [from, to]: [usize; 2],
    shortcut: Option<Shortcut>,
    rng: &mut Generator,
) -> Sequential<T> {
    (0..n).fold(Sequential::new(), |stage, i| {
        let from = if i == 0 { from } else { to };
        let name = i.to_string();
        let body = body([from, to], rng);
        match shortcut {
            None => stage.add(name, body.add("relu2", Relu::new())),
            Some(_) if from == to => stage.add(name, Residual::new(body)),
            Some(kind) => stage.add(name, Residual::new(body).shortcut(around(kind, [from, to], rng))),
        }
    })
}

fn body<T: Real>([from, to]: [usize; 2], rng: &mut Generator) -> Sequential<T> {
    Sequential::new()
        .add("conv1", conv3x3(from, to, to / from, rng))
        .add("bn1", BatchNorm2d::new(to))
        .add("relu", Relu::new())
        .add("conv2", conv3x3(to, to, 1, rng))
        .add("bn2", BatchNorm2d::new(to))
}

fn around<T: Real>(kind: Shortcut, [from, to]: [usize; 2], rng: &mut Generator) -> Sequential<T> {
    match kind {
        Shortcut::A => Sequential::new().add("0", Subsample::new(to / from, to)),
        Shortcut::B => Sequential::new()
            .add("0", Conv2d::new(from, to, 1).stride(to / from).no_bias().init(Init::KaimingNormal, rng))
            .add("1", BatchNorm2d::new(to)),
    }
}

fn conv3x3<T: Real>(from: usize, to: usize, stride: usize, rng: &mut Generator) -> Conv2d<T> {
    Conv2d::new(from, to, 3).stride(stride).padding(1).no_bias().init(Init::KaimingNormal, rng)
}
