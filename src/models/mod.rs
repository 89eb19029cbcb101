//! The networks, one file per family, and what the trainer sees of them.

use crate::{
    nn::{Outline, Visitor},
    ops::cross_entropy::CrossEntropy,
    real::Real,
    tensor::{Shape, Tensor},
};

/// A network that classifies images, as the trainer sees it.
pub trait Model<T: Real>: Send {
    /// Logits (N, classes) for images (N, H, W, C), by running statistics and without dropout.
    fn scores(&mut self, images: Tensor<T>) -> Tensor<T>;

    /// Training forward, loss, backward: *adds* to every gradient.
    ///
    /// # Panics
    /// If there are not as many labels as images, or a label is not below the number of classes.
    fn train_step(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> Step<T>;

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
}
