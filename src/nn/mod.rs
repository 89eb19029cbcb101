//! Layers: they own parameters and remember what backward needs.
//!
//! Three combinators make every network of the book: [`Sequential`], [`Residual`], [`Concat`].

mod activation;
mod concat;
mod conv;
mod dropout;
mod flatten;
mod footprint;
mod graph;
mod init;
mod kept;
mod linear;
mod local_response_norm;
mod memory;
mod norm;
mod outline;
mod pair;
mod param;
mod pool;
mod residual;
mod sequential;
mod subsample;
mod sum;

pub use activation::{Relu, Sigmoid, Tanh};
pub use concat::Concat;
pub use conv::Conv2d;
pub use dropout::{Dropout, Dropout2d};
pub use flatten::Flatten;
pub use footprint::Footprint;
pub use graph::{Graph, Node};
pub use init::Init;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use memory::Memory;
pub use norm::BatchNorm2d;
pub use outline::{Outline, Wiring};
pub use pair::Pair;
pub use param::{Param, Path, Slot, Visitor};
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool, MaxPool2d};
pub use residual::Residual;
pub use sequential::Sequential;
pub use subsample::Subsample;
pub use sum::Sum;

use kept::Kept;

use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// Whether a forward pass learns or judges. It decides what dropout and batch norm do, and whether
/// a layer keeps what its backward needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, dropout, and a backward pass to come.
    Train,
    /// Running statistics, no dropout, nothing kept.
    Eval,
}

/// `scale · x + shift` of each channel, and then perhaps a ReLU.
#[derive(Clone, Debug)]
pub struct Affine<T> {
    /// The scale and the shift of each channel; none where nothing is scaled or shifted.
    pub map: Option<(Vec<T>, Vec<T>)>,
    /// Whether a ReLU comes behind.
    pub relu: bool,
}

/// A function with parameters, its derivative, and the names of its parameters.
pub trait Layer<T: Real>: Send {
    /// The output for `x`. In [`Mode::Train`] the layer keeps what [`backward`](Self::backward) needs.
    ///
    /// # Panics
    /// If the layer does not take tensors of the shape of `x`.
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T>;

    /// Takes dL/dy, *adds* to each [`Param::grad`], returns dL/dx. Uses up what forward kept.
    ///
    /// # Panics
    /// Without a training forward before it.
    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T>;

    /// As [`backward`](Self::backward), where nobody asks for dL/dx: the first layer of a network
    /// saves a third of its work.
    ///
    /// # Panics
    /// As [`backward`](Self::backward).
    fn backward_params(&mut self, dy: Tensor<T>) {
        self.backward(dy);
    }

    /// Asked once, when a ReLU is put behind. A layer that returns true cuts its output off below zero from now on,
    /// in the pass over memory that computes it, and its backward goes through that ReLU.
    fn take_over_relu(&mut self) -> bool {
        false
    }

    /// Makes the layer one that only judges, as fast as it can: what it does in [`Mode::Eval`] stays the same but for
    /// the last digits. Weights are laid out once, and a chain folds its batch norms and ReLUs into the convolutions
    /// before them, so that names of parameters vanish: load weights before, and save none after, since the file would
    /// lack the norms. From then on [`forward`](Self::forward) panics in [`Mode::Train`].
    fn fuse(&mut self) {}

    /// What the layer does to each channel when it judges, if that is all that it does.
    fn affine(&self) -> Option<Affine<T>> {
        None
    }

    /// Asked of a [fused](Self::fuse) layer. One that returns true does what `behind` says to its outputs from now on.
    fn absorb(&mut self, behind: &Affine<T>) -> bool {
        let _ = behind;
        false
    }

    /// Shows every parameter and buffer, in PyTorch's order, each under the name that it has below `at`.
    ///
    /// Layers without any keep this default.
    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        let _ = (at, each);
    }

    /// What the layer is and costs for an input of shape `x`.
    ///
    /// # Panics
    /// If the layer does not take tensors of this shape.
    fn outline(&self, x: Shape) -> Outline;
}
