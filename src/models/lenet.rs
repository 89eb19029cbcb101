//! LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document
//! Recognition", section II.B), as it is taught today.
//!
//! | layer | for 1x28x28 | parameters |
//! |---|---|---|
//! | `conv1` 5x5, padding 2 | 6x28x28 | 156 |
//! | max pool 2 | 6x14x14 | |
//! | `conv2` 5x5 | 16x10x10 | 2,416 |
//! | max pool 2 | 16x5x5 | |
//! | `fc1`, ReLU | 120 | 48,120 |
//! | `fc2`, ReLU | 84 | 10,164 |
//! | `fc3` | 10 | 850 |
//!
//! The paper's network has trainable averages for pools, a table of which map of `conv2` sees which
//! of `conv1`, a scaled tanh after every layer, and distances to drawn digits for an output. Its
//! images are 32x32, so that a stroke's end may lie in the middle of a 5x5 window: 28x28 images are
//! padded to that, and larger ones are taken as they are.

use super::Options;
use crate::{
    nn::{Conv2d, Flatten, Init, Layer, Linear, MaxPool2d, Relu, Sequential},
    real::Real,
};

/// The size of MNIST's images, which lack the border that the paper gave them.
const UNPADDED: usize = 28;

/// LeNet-5, for images of at least 16x16.
///
/// ```
/// use residual::models::{Model, Options, lenet5};
/// let net: Box<dyn Model<f32>> = Box::new(lenet5(&Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 62_006);
/// ```
// ANCHOR: lenet5
pub fn lenet5<T: Real>(options: &Options) -> Sequential<T> {
    let &Options { classes, in_channels, input_size, .. } = options;
    let rng = &mut options.weights();
    let padding = if input_size == UNPADDED { 2 } else { 0 };
    let features = Sequential::new()
        .add("conv1", Conv2d::new(in_channels, 6, 5).padding(padding).init(Init::Default, rng))
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(6, 16, 5).init(Init::Default, rng))
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten::new());
    let flat = features.outline([1, input_size, input_size, in_channels].into()).output.len();
    features
        .add("fc1", Linear::new(flat, 120).init(Init::Default, rng))
        .add("relu1", Relu::new())
        .add("fc2", Linear::new(120, 84).init(Init::Default, rng))
        .add("relu2", Relu::new())
        .add("fc3", Linear::new(84, classes).init(Init::Default, rng))
}
// ANCHOR_END: lenet5
