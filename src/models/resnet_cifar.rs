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

use super::{
    Options, Shortcut,
    residual_blocks::{Blocks, Body},
};
use crate::{
    nn::{BatchNorm2d, Flatten, GlobalAvgPool, Relu, Sequential},
    real::Real,
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
    network([blocks(depth), 16], Some(options.shortcut), options)
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
    network([blocks(depth), 16], None, options)
}

/// The n of a depth of 6n + 2.
#[track_caller]
pub(super) fn blocks(depth: usize) -> usize {
    assert!(depth >= 8 && depth % 6 == 2, "the depth is 6n + 2: 8, 14, 20, …, got {depth}");
    depth / 6
}

/// Stages of `n` blocks, the first of which has this width.
pub(super) fn network<T: Real>(
    [n, width]: [usize; 2],
    shortcut: Option<Shortcut>,
    options: &Options,
) -> Sequential<T> {
    let mut blocks = Blocks::new(Body::Basic, shortcut, options);
    Sequential::new()
        .add("conv1", blocks.conv([options.in_channels, width], 3, 1, 1))
        .add("bn1", BatchNorm2d::new(width))
        .add("relu", Relu::new())
        .add("layer1", blocks.stage(n, [width, width], 1))
        .add("layer2", blocks.stage(n, [width, 2 * width], 2))
        .add("layer3", blocks.stage(n, [2 * width, 4 * width], 2))
        .add("avgpool", GlobalAvgPool::new())
        .add("flatten", Flatten::new())
        .add("fc", blocks.fc(4 * width, options.classes))
}
