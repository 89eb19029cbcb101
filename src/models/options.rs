//! [`Options`]: what a network is to be built for.

use serde::{Deserialize, Serialize};

/// What a network is to be built for. The defaults are CIFAR-10's.
///
/// ```
/// use residual::models::{Options, lenet5};
/// let fashion_mnist = Options { in_channels: 1, input_size: 28, ..Options::default() };
/// let net = lenet5::<f32>(&fashion_mnist);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many classes there are to choose from.
    pub classes: usize,
    /// Channels of the images: 1 grey, 3 colour.
    pub in_channels: usize,
    /// Height and width of the images.
    pub input_size: usize,
    /// What goes around a residual block that changes the shape.
    pub shortcut: Shortcut,
    /// Of initialisation and dropout: the same seed, the same network.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { classes: 10, in_channels: 3, input_size: 32, shortcut: Shortcut::A, seed: 0 }
    }
}

/// The shortcut around a residual block that changes the shape (He et al. 2016, section 3.3).
/// Around all other blocks it is the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shortcut {
    /// Every second pixel, and zeros for the new channels: no parameters.
    A,
    /// A 1x1 convolution and a batch norm.
    B,
}
