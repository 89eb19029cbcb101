//! The numbers whose gradients are checked: a network's loss, or a sum over a layer's output.

use crate::{
    models::Model,
    nn::{Layer, Mode, Param, Path, Slot, Visitor},
    ops::cross_entropy::CrossEntropy,
    tensor::Tensor,
};

/// A number that depends on parameters, and its gradient by backward.
pub(super) trait Loss {
    fn visit(&mut self, each: &mut Visitor<'_, f64>);
    fn value(&mut self) -> f64;
    fn backward(&mut self);
}

/// A network, a batch, and the loss whose gradients are checked.
pub struct Subject<'a> {
    /// The network.
    pub model: &'a mut dyn Model<f64>,
    /// The images, (N, H, W, C).
    pub images: &'a Tensor<f64>,
    /// The class of each image.
    pub labels: &'a [usize],
    /// The loss.
    pub loss: &'a CrossEntropy,
}

impl Loss for Subject<'_> {
    fn visit(&mut self, each: &mut Visitor<'_, f64>) {
        self.model.visit(each);
    }

    fn value(&mut self) -> f64 {
        self.model.train_loss(self.images.clone(), self.labels, self.loss)
    }

    fn backward(&mut self) {
        self.model.train_step(self.images.clone(), self.labels, self.loss);
    }
}

/// L = Σ (y - y₀) · dy, where y₀ is the first output. Without y₀, the outputs that do not move would
/// bury the change of those that do under their rounding. The input is one more parameter.
pub(super) struct OfLayer<'a> {
    pub layer: &'a mut dyn Layer<f64>,
    pub input: Param<f64>,
    pub dy: Tensor<f64>,
    pub y: Option<Tensor<f64>>,
}

impl Loss for OfLayer<'_> {
    fn visit(&mut self, each: &mut Visitor<'_, f64>) {
        each(&Path::root().join("input"), Slot::Param(&mut self.input));
        self.layer.visit(&Path::root(), each);
    }

    fn value(&mut self) -> f64 {
        let y = self.layer.forward(self.input.value.clone(), Mode::Train);
        let first = self.y.get_or_insert_with(|| y.clone()).as_slice();
        y.as_slice().iter().zip(first).zip(self.dy.as_slice()).map(|((y, first), dy)| (y - first) * dy).sum()
    }

    fn backward(&mut self) {
        self.layer.forward(self.input.value.clone(), Mode::Train);
        let dx = self.layer.backward(self.dy.clone());
        self.input.accumulate(&dx);
    }
}
