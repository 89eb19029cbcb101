//! Two residual networks for small images that are as wide as those for ImageNet.
//!
//! | `resnet18_cifar` | for 32x32 | `resnet_mini` | for 32x32 |
//! |---|---|---|---|
//! | `conv1` 3x3, `bn1`, ReLU | 64x32x32 | `conv1` 7x7, stride 2, `bn1` | 64x16x16 |
//! | `layer1` | 64x32x32 | `layer1` | 128x8x8 |
//! | `layer2` | 128x16x16 | `layer2` | 256x4x4 |
//! | `layer3` | 256x8x8 | `layer3` | 512x2x2 |
//! | `layer4` | 512x4x4 | `layer4` | 512x1x1 |
//! | average over the image, `fc` | classes | the same | classes |
//!
//! The first is ResNet-18 without what shrinks an image before the first block, and with 3x3
//! convolutions in its shortcuts, two blocks a stage. The second has one block a stage, each of
//! stride 2; its first convolution keeps the channels, and the second makes them more.

use super::{
    Options, Shortcut,
    residual_blocks::{Blocks, Body},
};
use crate::{
    nn::{BatchNorm2d, Flatten, GlobalAvgPool, Relu, Sequential},
    real::Real,
};

/// ResNet-18 for small images.
///
/// ```
/// use residual::models::{Model, Options, resnet18_cifar};
/// let net: Box<dyn Model<f32>> = Box::new(resnet18_cifar(&Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 12_550_218);
/// ```
pub fn resnet18_cifar<T: Real>(options: &Options) -> Sequential<T> {
    twos(64, options)
}

/// Stages of two blocks, the first of which has this width.
pub(super) fn twos<T: Real>(width: usize, options: &Options) -> Sequential<T> {
    let mut blocks = Blocks::new(Body::Basic, Some(Shortcut::Conv3x3), options);
    Sequential::new()
        .add("conv1", blocks.conv([options.in_channels, width], 3, 1, 1))
        .add("bn1", BatchNorm2d::new(width))
        .add("relu", Relu::new())
        .add("layer1", blocks.stage(2, [width, width], 1))
        .add("layer2", blocks.stage(2, [width, 2 * width], 2))
        .add("layer3", blocks.stage(2, [2 * width, 4 * width], 2))
        .add("layer4", blocks.stage(2, [4 * width, 8 * width], 2))
        .add("avgpool", GlobalAvgPool::new())
        .add("flatten", Flatten::new())
        .add("fc", blocks.fc(8 * width, options.classes))
}

/// Four residual blocks of stride 2.
///
/// ```
/// use residual::models::{Model, Options, resnet_mini};
/// let net: Box<dyn Model<f32>> = Box::new(resnet_mini(&Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 7_497_418);
/// ```
pub fn resnet_mini<T: Real>(options: &Options) -> Sequential<T> {
    singles(64, options)
}

/// One block a stage, the first behind a stem of this width.
pub(super) fn singles<T: Real>(width: usize, options: &Options) -> Sequential<T> {
    let mut blocks = Blocks::new(Body::Basic, Some(Shortcut::B), options);
    let stem = Sequential::new()
        .add("conv1", blocks.conv([options.in_channels, width], 7, 2, 1))
        .add("bn1", BatchNorm2d::new(width));
    let widths = [1, 2, 4, 8, 8].map(|times| times * width);
    widths
        .windows(2)
        .zip(1..)
        .fold(stem, |net, (pair, i)| {
            let (from, to) = (pair[0], pair[1]);
            let body = blocks.basic([from, from, to], 2);
            net.add(format!("layer{i}"), blocks.residual(body, [from, to], 2))
        })
        .add("avgpool", GlobalAvgPool::new())
        .add("flatten", Flatten::new())
        .add("fc", blocks.fc(widths[4], options.classes))
}
