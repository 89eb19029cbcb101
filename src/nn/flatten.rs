//! [`Flatten`]: the door from images to rows of features.

use super::{Kept, Layer, Mode, Outline};
use crate::{
    ops::flatten,
    real::Real,
    tensor::{Shape, Tensor},
};

/// (N, H, W, C) to (N, C·H·W), in PyTorch's order: all pixels of the first channel come first.
///
/// ```
/// use residual::{Tensor, nn::{Flatten, Layer, Mode}};
/// let pixels = Tensor::from_vec([1, 1, 2, 2], vec![1.0f32, 10.0, 2.0, 20.0]);
/// let rows = Flatten::new().forward(pixels, Mode::Eval);
/// assert_eq!(rows, Tensor::from_vec([1, 4], vec![1.0, 2.0, 10.0, 20.0]));
/// ```
#[derive(Debug, Default)]
pub struct Flatten {
    x: Kept<Shape>,
}

impl Flatten {
    /// The layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Real> Layer<T> for Flatten {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.x.keep(mode, || x.shape());
        flatten::forward(x)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        flatten::backward(dy, self.x.take())
    }

    fn outline(&self, x: Shape) -> Outline {
        let &[n, h, w, c] = x.dims() else { panic!("Flatten takes images (N, H, W, C), got {x}") };
        let same_order = h * w == 1 || c == 1;
        Outline::leaf("Flatten(start_dim=1, end_dim=-1)", [n, c * h * w].into()).in_place([same_order; 3])
    }
}
