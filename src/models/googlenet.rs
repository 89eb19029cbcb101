//! GoogLeNet (Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich 2015, "Going
//! Deeper with Convolutions", table 1 and figures 2 and 3).
//!
//! | layer | for 224x224 | 1x1 | 3x3 | 5x5 | pooled |
//! |---|---|---|---|---|---|
//! | `conv1` 7x7, stride 2 | 64x112x112 | | | | |
//! | max pool, `conv2` 1x1, `conv3` 3x3 | 192x56x56 | | | | |
//! | max pool, `inception3a` | 256x28x28 | 64 | 96, 128 | 16, 32 | 32 |
//! | `inception3b` | 480x28x28 | 128 | 128, 192 | 32, 96 | 64 |
//! | max pool, `inception4a` | 512x14x14 | 192 | 96, 208 | 16, 48 | 64 |
//! | `inception4b` | 512x14x14 | 160 | 112, 224 | 24, 64 | 64 |
//! | `inception4c` | 512x14x14 | 128 | 128, 256 | 24, 64 | 64 |
//! | `inception4d` | 528x14x14 | 112 | 144, 288 | 32, 64 | 64 |
//! | `inception4e` | 832x14x14 | 256 | 160, 320 | 32, 128 | 128 |
//! | max pool, `inception5a` | 832x7x7 | 256 | 160, 320 | 32, 128 | 128 |
//! | `inception5b` | 1024x7x7 | 384 | 192, 384 | 48, 128 | 128 |
//! | average over the image, dropout, `fc` | classes | | | | |
//!
//! Two numbers are a 1x1 convolution that reduces the channels and the convolution that reads them;
//! `pooled` is a 1x1 convolution behind a max pool. A ReLU follows every convolution. In training,
//! two heads classify what `inception4a` and `inception4d` give: see [`GoogLeNet`].
//!
//! Three networks come from this table:
//!
//! | | `googlenet_paper` | `googlenet` (torchvision's) | `googlenet_cifar` |
//! |---|---|---|---|
//! | parameters | 13,378,280 | 13,004,888, heads 6,379,984 of them | 5,983,802 |
//! | after a convolution | bias | batch norm, ε = 0.001 | bias |
//! | "5x5" | 5x5 | 3x3 | 5x5 |
//! | max pools | 3x3, hanging over the edge | the same; the last 2x2 | 3x3, padded by 1 but for the first |
//! | heads begin with | average pool 5x5, stride 3 | average over a grid of 4x4 | none |
//! | dropout, in heads | 0.4, 0.7 | 0.2, 0.7 | 0.4 |
//! | weights start | He's normal | normal 0.01, truncated | He's normal |
//!
//! Figure 3 of the paper draws a local response normalisation after the first max pool and another
//! before the second; table 1 leaves them out, and so does `googlenet_paper`. The paper does not say
//! how its weights start.

mod headed;
mod recipe;

pub use headed::GoogLeNet;
pub(super) use recipe::Recipe;

use super::Options;
use crate::{nn::Init, ops::pool::Window, real::Real};
use recipe::Grid;

/// The network of the paper, for images of at least 79x79.
///
/// ```
/// use residual::models::{Model, Options, googlenet_paper};
/// let options = Options { classes: 1000, input_size: 224, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(googlenet_paper(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 13_378_280);
/// ```
pub fn googlenet_paper<T: Real>(options: &Options) -> GoogLeNet<T> {
    PAPER.network(options)
}

/// The network of torchvision, for images of at least 15x15. Its published weights expect
/// [`transform_input`](Options::transform_input), which their file does not say.
///
/// ```
/// use residual::models::{Model, Options, googlenet};
/// let options = Options { classes: 1000, input_size: 224, aux_logits: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(googlenet(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 6_624_904);
/// ```
pub fn googlenet<T: Real>(options: &Options) -> GoogLeNet<T> {
    GoogLeNet { transform_input: options.transform_input, ..TORCHVISION.network(options) }
}

/// The network for small images, of at least 5x5: the paper's without heads, with pools that leave one
/// pixel of 32x32.
///
/// ```
/// use residual::models::{Model, Options, googlenet_cifar};
/// let net: Box<dyn Model<f32>> = Box::new(googlenet_cifar(&Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 5_983_802);
/// ```
pub fn googlenet_cifar<T: Real>(options: &Options) -> GoogLeNet<T> {
    CIFAR.network(options)
}

pub(super) const PAPER: Recipe = Recipe {
    norm: false,
    five: 5,
    pools: [HANGING; 4],
    heads: Some(Grid::Strides),
    dropout: 0.4,
    init: Init::KaimingNormal,
    narrower: 1,
};

pub(super) const TORCHVISION: Recipe = Recipe {
    norm: true,
    five: 3,
    pools: [HANGING, HANGING, HANGING, Window::new([2, 2]).ceil_mode(true)],
    heads: Some(Grid::Fours),
    dropout: 0.2,
    init: Init::TruncatedNormal(0.01),
    narrower: 1,
};

pub(super) const CIFAR: Recipe = Recipe { pools: [HALVING, PADDED, PADDED, PADDED], heads: None, ..PAPER };

const HALVING: Window = Window::new([3, 3]).stride([2, 2]);
const HANGING: Window = HALVING.ceil_mode(true);
const PADDED: Window = HALVING.padding([1, 1]);
