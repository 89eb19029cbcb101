//! VGG (Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image
//! Recognition", table 1): 3x3 convolutions and nothing else, ever deeper.
//!
//! | stage, each ended by a 2x2 max pool | `vgg11` (A) | `vgg13` (B) | `vgg16` (D) | `vgg19` (E) |
//! |---|---|---|---|---|
//! | 64 channels | 1 convolution | 2 | 2 | 2 |
//! | 128 channels | 1 | 2 | 2 | 2 |
//! | 256 channels | 2 | 2 | 3 | 4 |
//! | 512 channels | 2 | 2 | 3 | 4 |
//! | 512 channels | 2 | 2 | 3 | 4 |
//! | hidden | 4096, 4096 | | | |
//! | parameters | 132,863,336 | 133,047,848 | 138,357,544 | 143,667,240 |
//! | with batch norm | 132,868,840 | 133,053,736 | 138,365,992 | 143,678,248 |
//!
//! Two 3x3 convolutions see 5x5 pixels, three see 7x7, with fewer weights than one such convolution
//! and a ReLU after each (section 2.3). The networks with batch norm, `vgg11_bn` to `vgg19_bn`, are
//! torchvision's; so are names and initial weights. `vgg16_cifar` is D for 32x32 images, of which
//! the five pools leave one pixel: its hidden layers see 512 features where the others see 512x7x7.

use super::Options;
use crate::{
    nn::{
        AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Init, Linear, MaxPool2d, Relu, Sequential,
    },
    real::Real,
    rng::Generator,
};

/// Which VGG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vgg {
    /// Layers with weights: 11, 13, 16 or 19.
    pub depth: usize,
    /// Whether a batch norm follows each convolution.
    pub batch_norm: bool,
    /// Height and width of what the hidden layers see: 7, or 1 for images of 32x32.
    pub features: usize,
}

impl Vgg {
    /// torchvision's, with `depth` layers of weights and no batch norm.
    pub fn new(depth: usize) -> Self {
        Self { depth, batch_norm: false, features: 7 }
    }

    /// With a batch norm after each convolution.
    pub fn batch_norm(self) -> Self {
        Self { batch_norm: true, ..self }
    }

    /// For images of 32x32.
    pub fn cifar(self) -> Self {
        Self { features: 1, ..self }
    }

    // ANCHOR: stages
    /// How many convolutions each stage has.
    #[track_caller]
    fn stages(self) -> [usize; 5] {
        match self.depth {
            11 => [1, 1, 2, 2, 2],
            13 => [2, 2, 2, 2, 2],
            16 => [2, 2, 3, 3, 3],
            19 => [2, 2, 4, 4, 4],
            other => panic!("the depth is 11, 13, 16 or 19, got {other}"),
        }
    }
    // ANCHOR_END: stages
}

/// The VGG of this depth, for images of at least 32x32.
///
/// ```
/// use residual::models::{Model, Options, Vgg, vgg};
/// let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(vgg(Vgg::new(16), &options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 138_357_544);
/// ```
///
/// # Panics
/// If the depth is not 11, 13, 16 or 19.
#[track_caller]
pub fn vgg<T: Real>(kind: Vgg, options: &Options) -> Sequential<T> {
    network(kind, [64, 128, 256, 512, 512], 4096, options)
}

pub(super) fn network<T: Real>(
    kind: Vgg,
    widths: [usize; 5],
    hidden: usize,
    options: &Options,
) -> Sequential<T> {
    let rng = &mut options.weights();
    let (mut features, mut from) = (Sequential::new(), options.in_channels);
    // ANCHOR: features
    for (convolutions, to) in kind.stages().into_iter().zip(widths) {
        for _ in 0..convolutions {
            features = features.push(Conv2d::new(from, to, 3).padding(1).init(Init::KaimingNormal, rng));
            if kind.batch_norm {
                features = features.push(BatchNorm2d::new(to));
            }
            features = features.push(Relu::new());
            from = to;
        }
        features = features.push(MaxPool2d::new(2));
    }
    // ANCHOR_END: features
    Sequential::new()
        .add("features", features)
        .add("avgpool", AdaptiveAvgPool2d::new(kind.features))
        .add("flatten", Flatten::new())
        .add("classifier", classifier([from * kind.features.pow(2), hidden], options, rng))
}

fn classifier<T: Real>(
    [features, hidden]: [usize; 2],
    options: &Options,
    rng: &mut Generator,
) -> Sequential<T> {
    let mut linear = |from, to| Linear::new(from, to).init(Init::Normal { deviation: 0.01, bias: 0.0 }, rng);
    Sequential::new()
        .push(linear(features, hidden))
        .push(Relu::new())
        .push(Dropout::new(0.5, options.dropout(0)))
        .push(linear(hidden, hidden))
        .push(Relu::new())
        .push(Dropout::new(0.5, options.dropout(1)))
        .push(linear(hidden, options.classes))
}
