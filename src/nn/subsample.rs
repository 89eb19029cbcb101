//! [`Subsample`]: shortcut A, which has nothing to learn.

use super::{Kept, Layer, Mode, Outline};
use crate::{
    ops::subsample,
    real::Real,
    tensor::{Shape, Tensor},
};

/// Every second pixel (or third, …), with channels of zeros added: the identity as far as the shapes allow.
///
/// ```
/// use residual::{Tensor, nn::{Layer, Mode, Subsample}};
/// let y = Subsample::new(2, 32).forward(Tensor::<f32>::zeros([1, 7, 7, 16]), Mode::Eval);
/// assert_eq!(y.dims(), [1, 4, 4, 32]);
/// ```
#[derive(Debug)]
pub struct Subsample {
    stride: usize,
    channels: usize,
    x: Kept<Shape>,
}

impl Subsample {
    /// One pixel in `stride` along each axis stays, in `channels` channels.
    pub fn new(stride: usize, channels: usize) -> Self {
        Self { stride, channels, x: Kept::default() }
    }
}

impl<T: Real> Layer<T> for Subsample {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.x.keep(mode, || x.shape());
        subsample::forward(&x, self.stride, self.channels)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        subsample::backward(&dy, self.x.take(), self.stride)
    }

    fn outline(&self, x: Shape) -> Outline {
        let kind = format!("Subsample(stride={}, channels={})", self.stride, self.channels);
        Outline::leaf(kind, subsample::output_shape(x, self.stride, self.channels))
    }
}
