//! The networks, one file per family, and what the trainer sees of them.
//!
//! [`build`] makes a network from its name; [`all`] lists the names.

mod alexnet;
mod googlenet;
#[cfg(test)]
mod gradients;
mod lenet;
mod options;
mod registry;
mod residual_blocks;
mod resnet;
mod resnet_cifar;
mod resnet_small;
pub mod resnext_forms;
mod vgg;

pub use alexnet::{alexnet, alexnet_cifar, alexnet_half, alexnet_paper};
pub use googlenet::{GoogLeNet, googlenet, googlenet_cifar, googlenet_paper};
pub use lenet::lenet5;
pub use options::{Options, Shortcut};
pub use registry::{Entry, all, build};
pub use resnet::ResNet;
pub use resnet_cifar::{plain, resnet};
pub use resnet_small::{resnet_mini, resnet18_cifar};
pub use vgg::{Vgg, vgg};

use crate::{
    nn::{Layer, Mode, Outline, Path, Sequential, Visitor},
    ops::cross_entropy::CrossEntropy,
    real::Real,
    tensor::{Shape, Tensor},
};

/// A network that classifies images, as the trainer sees it.
pub trait Model<T: Real>: Send {
    /// Logits (N, classes) for images (N, H, W, C), by running statistics and without dropout.
    fn scores(&mut self, images: Tensor<T>) -> Tensor<T>;

    /// Makes the network one that only judges, as fast as it can: see [`Layer::fuse`].
    fn fuse(&mut self);

    /// Training forward, loss, backward: *adds* to every gradient.
    ///
    /// # Panics
    /// If there are not as many labels as images, or a label is not below the number of classes.
    fn train_step(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> Step<T>;

    /// The loss of [`train_step`](Self::train_step), without its backward: batch statistics and
    /// dropout, no gradient.
    ///
    /// # Panics
    /// As [`train_step`](Self::train_step).
    fn train_loss(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> f64;

    /// Shows every parameter and buffer under its torchvision name.
    fn visit(&mut self, each: &mut Visitor<'_, T>);

    /// What the network is and costs for an input of shape (N, H, W, C).
    fn outline(&self, images: Shape) -> Outline;
}

/// What one training step saw.
#[derive(Clone, Debug)]
pub struct Step<T: Real> {
    /// The mean loss over the batch.
    pub loss: f64,
    /// The logits (N, classes) before the update.
    pub logits: Tensor<T>,
    /// The logits of each auxiliary head, whose losses are part of `loss`; none for most networks.
    pub auxiliary: Vec<Tensor<T>>,
}

impl<T: Real> Model<T> for Sequential<T> {
    fn scores(&mut self, images: Tensor<T>) -> Tensor<T> {
        self.forward(images, Mode::Eval)
    }

    fn fuse(&mut self) {
        Layer::fuse(self);
    }

    fn train_step(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> Step<T> {
        let logits = self.forward(images, Mode::Train);
        let (value, probabilities) = loss.forward(&logits, labels);
        self.backward_params(loss.backward(probabilities, labels));
        Step { loss: value, logits, auxiliary: Vec::new() }
    }

    fn train_loss(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> f64 {
        loss.forward(&self.forward(images, Mode::Train), labels).0
    }

    fn visit(&mut self, each: &mut Visitor<'_, T>) {
        Layer::visit(self, &Path::root(), each);
    }

    fn outline(&self, images: Shape) -> Outline {
        Layer::outline(self, images)
    }
}
