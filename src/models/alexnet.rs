//! AlexNet (Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional
//! Neural Networks", section 3), four times.
//!
//! | layer | `alexnet_paper`, 227 | `alexnet`, 224 | `alexnet_half`, 224 | `alexnet_cifar`, 32 |
//! |---|---|---|---|---|
//! | conv 1 | 96@11x11/4 | 64@11x11/4, padding 2 | 48@11x11/4, padding 2 | 48@3x3 |
//! | conv 2 | 256@5x5, 2 groups | 192@5x5 | 128@5x5 | 128@3x3 |
//! | conv 3 | 384@3x3 | 384@3x3 | 192@3x3 | 192@3x3 |
//! | conv 4 | 384@3x3, 2 groups | 256@3x3 | 192@3x3 | 192@3x3 |
//! | conv 5 | 256@3x3, 2 groups | 256@3x3 | 128@3x3 | 128@3x3 |
//! | features | 256x6x6 | 256x6x6 | 128x6x6 | 128x4x4 |
//! | hidden | 4096, 4096 | 4096, 4096 | 2048, 2048 | 2048, 2048 |
//! | parameters | 60,965,224 | 61,100,840 | 16,630,440 | 9,244,970 |
//!
//! A max pool follows convolutions 1, 2 and 5: 3x3 with stride 2, so that windows overlap, or plain
//! 2x2 in `alexnet_cifar`. A ReLU follows every layer but the last; dropout of one half goes with
//! the hidden layers. `avgpool` changes nothing at the size that a network was made for; it lets
//! the hidden layers take the features of other images.
//!
//! The paper's network is cut in two towers, one on each of two GPUs, which meet in convolution 3
//! and in the hidden layers: two groups elsewhere. Local response normalisation follows the ReLUs of
//! convolutions 1 and 2. `alexnet` is Krizhevsky's later single tower (2014, "One weird trick for
//! parallelizing convolutional neural networks") as torchvision has it; `alexnet_half` is one of the
//! paper's two towers by itself; `alexnet_cifar` is that tower for small images, with batch norm.

use super::Options;
use crate::{
    nn::{
        AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Init, Linear, LocalResponseNorm, MaxPool2d,
        Relu, Sequential,
    },
    real::Real,
    rng::Generator,
};

/// torchvision's AlexNet, for images of at least 63x63.
///
/// ```
/// use residual::models::{Model, Options, alexnet};
/// let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(alexnet(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 61_100_840);
/// ```
pub fn alexnet<T: Real>(options: &Options) -> Sequential<T> {
    one_tower([64, 192, 384, 256, 256], 4096, options)
}

/// One of the paper's two towers, for images of at least 63x63.
///
/// ```
/// use residual::models::{Model, Options, alexnet_half};
/// let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(alexnet_half(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 16_630_440);
/// ```
pub fn alexnet_half<T: Real>(options: &Options) -> Sequential<T> {
    one_tower([48, 128, 192, 192, 128], 2048, options)
}

pub(super) fn one_tower<T: Real>(
    [a, b, c, d, e]: [usize; 5],
    hidden: usize,
    options: &Options,
) -> Sequential<T> {
    let rng = &mut options.weights();
    let mut init = |conv: Conv2d<T>| conv.init(Init::Default, rng);
    let features = Sequential::new()
        .push(init(Conv2d::new(options.in_channels, a, 11).stride(4).padding(2)))
        .push(Relu::new())
        .push(MaxPool2d::new(3).stride(2))
        .push(init(Conv2d::new(a, b, 5).padding(2)))
        .push(Relu::new())
        .push(MaxPool2d::new(3).stride(2))
        .push(init(Conv2d::new(b, c, 3).padding(1)))
        .push(Relu::new())
        .push(init(Conv2d::new(c, d, 3).padding(1)))
        .push(Relu::new())
        .push(init(Conv2d::new(d, e, 3).padding(1)))
        .push(Relu::new())
        .push(MaxPool2d::new(3).stride(2));
    let classifier = classifier([e * 6 * 6, hidden], options, rng);
    classifying(features, 6, classifier)
}

/// The tower for images of 32x32, at least 8x8: each of the first two convolutions is followed by
/// pool, ReLU and batch norm, in this order.
///
/// ```
/// use residual::models::{Model, Options, alexnet_cifar};
/// let net: Box<dyn Model<f32>> = Box::new(alexnet_cifar(&Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 9_244_970);
/// ```
pub fn alexnet_cifar<T: Real>(options: &Options) -> Sequential<T> {
    small_tower([48, 128, 192, 192, 128], 2048, options)
}

pub(super) fn small_tower<T: Real>(
    [a, b, c, d, e]: [usize; 5],
    hidden: usize,
    options: &Options,
) -> Sequential<T> {
    let rng = &mut options.weights();
    let mut conv = |from, to| Conv2d::new(from, to, 3).padding(1).init(Init::Default, rng);
    let features = Sequential::new()
        .push(conv(options.in_channels, a))
        .push(MaxPool2d::new(2))
        .push(Relu::new())
        .push(BatchNorm2d::new(a))
        .push(conv(a, b))
        .push(MaxPool2d::new(2))
        .push(Relu::new())
        .push(BatchNorm2d::new(b))
        .push(conv(b, c))
        .push(Relu::new())
        .push(conv(c, d))
        .push(Relu::new())
        .push(conv(d, e))
        .push(Relu::new())
        .push(MaxPool2d::new(2));
    let classifier = classifier([e * 4 * 4, hidden], options, rng);
    classifying(features, 4, classifier)
}

// ANCHOR: classifier
/// Dropout before each hidden layer, as torchvision has it.
fn classifier<T: Real>(
    [features, hidden]: [usize; 2],
    options: &Options,
    rng: &mut Generator,
) -> Sequential<T> {
    let mut linear = |from, to| Linear::new(from, to).init(Init::Default, rng);
    Sequential::new()
        .push(Dropout::new(0.5, options.dropout(0)))
        .push(linear(features, hidden))
        .push(Relu::new())
        .push(Dropout::new(0.5, options.dropout(1)))
        .push(linear(hidden, hidden))
        .push(Relu::new())
        .push(linear(hidden, options.classes))
}
// ANCHOR_END: classifier

/// The paper's network, for images of at least 67x67.
///
/// Weights start as in its section 5: normal with deviation 0.01, biases one in convolutions 2, 4
/// and 5 and in the hidden layers, so that their ReLUs start out open, and zero elsewhere. Images
/// are 227x227, which the convolution's windows fit exactly; the 224x224 of the text do not.
///
/// ```
/// use residual::models::{Model, Options, alexnet_paper};
/// let options = Options { classes: 1000, input_size: 227, init: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(alexnet_paper(&options));
/// assert_eq!(net.outline([1, 227, 227, 3].into()).parameters, 60_965_224);
/// ```
pub fn alexnet_paper<T: Real>(options: &Options) -> Sequential<T> {
    two_towers([96, 256, 384, 384, 256], 4096, options)
}

// ANCHOR: two_towers
pub(super) fn two_towers<T: Real>(
    [a, b, c, d, e]: [usize; 5],
    hidden: usize,
    options: &Options,
) -> Sequential<T> {
    let rng = &mut options.weights();
    let with = |bias| Init::Normal { deviation: 0.01, bias };
    // PyTorch, and so the layer, divides α by the window's five channels; the paper's 1e-4 is not divided.
    let damped = || LocalResponseNorm::new(5).alpha(5.0 * 1e-4).beta(0.75).k(2.0);
    let features = Sequential::new()
        .push(Conv2d::new(options.in_channels, a, 11).stride(4).init(with(0.0), rng))
        .push(Relu::new())
        .push(damped())
        .push(MaxPool2d::new(3).stride(2))
        .push(Conv2d::new(a, b, 5).padding(2).groups(2).init(with(1.0), rng))
        .push(Relu::new())
        .push(damped())
        .push(MaxPool2d::new(3).stride(2))
        .push(Conv2d::new(b, c, 3).padding(1).init(with(0.0), rng))
        .push(Relu::new())
        .push(Conv2d::new(c, d, 3).padding(1).groups(2).init(with(1.0), rng))
        .push(Relu::new())
        .push(Conv2d::new(d, e, 3).padding(1).groups(2).init(with(1.0), rng))
        .push(Relu::new())
        .push(MaxPool2d::new(3).stride(2));
    let classifier = Sequential::new()
        .push(Linear::new(e * 6 * 6, hidden).init(with(1.0), rng))
        .push(Relu::new())
        .push(Dropout::new(0.5, options.dropout(0)))
        .push(Linear::new(hidden, hidden).init(with(1.0), rng))
        .push(Relu::new())
        .push(Dropout::new(0.5, options.dropout(1)))
        .push(Linear::new(hidden, options.classes).init(with(0.0), rng));
    classifying(features, 6, classifier)
}
// ANCHOR_END: two_towers

/// `side`x`side` features of whatever image, and what becomes of them.
fn classifying<T: Real>(features: Sequential<T>, side: usize, classifier: Sequential<T>) -> Sequential<T> {
    Sequential::new()
        .add("features", features)
        .add("avgpool", AdaptiveAvgPool2d::new(side))
        .add("flatten", Flatten::new())
        .add("classifier", classifier)
}
