//! [`Options`]: what a network is to be built for.

use crate::rng::Generator;
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
    /// Whether the last batch norm of every residual block starts with weight 0, so that the block
    /// starts as its shortcut.
    pub zero_init_residual: bool,
    /// Of initialisation and dropout: the same seed, the same network.
    pub seed: u64,
    /// Whether to draw initial weights. Without, they are zero, and even the largest network is
    /// there at once: to be looked at, or to be given the weights of a file.
    pub init: bool,
    /// Whether `googlenet` and `googlenet_paper` have their auxiliary heads.
    pub aux_logits: bool,
    /// Whether `googlenet` takes images of three channels normalised as for ImageNet and gives them
    /// mean and deviation 0.5, which torchvision's weights expect.
    pub transform_input: bool,
}

impl Options {
    /// The stream that initial weights are drawn from.
    pub fn weights(&self) -> Generator {
        let stream = Generator::new(self.seed, 0);
        if self.init { stream } else { stream.idle() }
    }

    /// The stream of the network's dropout layer number `i`, from 0.
    pub fn dropout(&self, i: u64) -> Generator {
        Generator::new(self.seed, 1 + i)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            classes: 10,
            in_channels: 3,
            input_size: 32,
            shortcut: Shortcut::A,
            zero_init_residual: false,
            seed: 0,
            init: true,
            aux_logits: true,
            transform_input: false,
        }
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
    /// A 3x3 convolution and a batch norm.
    Conv3x3,
}
