//! [`Residual`]: layers that learn the difference from their input.
//!
//! ```text
//! y = relu(F(x) + S(x))
//! ```
//!
//! F is the body, S the shortcut: the identity wherever the shapes allow it (He et al. 2016, "Deep
//! Residual Learning for Image Recognition", section 3.2).

use super::{Kept, Layer, Mode, Outline, Path, Sequential, Visitor, Wiring};
use crate::{
    ops::{add, relu},
    real::Real,
    tensor::{Shape, Tensor},
};

/// A body, a shortcut around it, their sum, and a ReLU.
///
/// The body's layers are named as if they were the block's own (`layer1.0.conv1`), those of the
/// shortcut are below `downsample` (`layer2.0.downsample.0`), as in torchvision.
///
/// ```
/// use residual::{Tensor, nn::{Conv2d, Layer, Mode, Residual, Sequential}};
/// // A body of zero weights computes F(x) = 0: the block is the identity, but for the ReLU.
/// let body = Sequential::new().add("conv1", Conv2d::<f32>::new(4, 4, 3).padding(1));
/// let x = Tensor::full([1, 5, 5, 4], 2.0);
/// assert_eq!(Residual::new(body).forward(x.clone(), Mode::Eval), x);
/// ```
pub struct Residual<T: Real> {
    body: Sequential<T>,
    shortcut: Option<Sequential<T>>,
    y: Kept<Tensor<T>>,
}

impl<T: Real> Residual<T> {
    /// Around `body`, the identity.
    pub fn new(body: Sequential<T>) -> Self {
        Self { body, shortcut: None, y: Kept::default() }
    }

    /// With a shortcut of layers, for a body that changes the shape.
    pub fn shortcut(self, shortcut: Sequential<T>) -> Self {
        Self { shortcut: Some(shortcut), ..self }
    }
}

impl<T: Real> Layer<T> for Residual<T> {
    // ANCHOR: forward
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        let fx = self.body.forward(x.clone(), mode);
        let sx = match &mut self.shortcut {
            Some(shortcut) => shortcut.forward(x, mode),
            None => x,
        };
        let y = add::forward_relu(fx, &sx);
        self.y.keep(mode, || y.clone());
        y
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let dsum = relu::backward(dy, &self.y.take());
        let dx_body = self.body.backward(dsum.clone());
        let dx_shortcut = match &mut self.shortcut {
            Some(shortcut) => shortcut.backward(dsum),
            None => dsum,
        };
        add::forward(dx_body, &dx_shortcut)
    }
    // ANCHOR_END: backward

    fn fuse(&mut self) {
        self.body.fuse();
        self.shortcut.iter_mut().for_each(Layer::fuse);
    }

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        self.body.visit(at, each);
        if let Some(shortcut) = &mut self.shortcut {
            shortcut.visit(&at.join("downsample"), each);
        }
    }

    fn outline(&self, x: Shape) -> Outline {
        let body = self.body.outline(x);
        let y = body.output;
        let shortcut = self.shortcut.as_ref().map(|shortcut| shortcut.outline(x).named("downsample"));
        let sum = shortcut.as_ref().map_or(x, |shortcut| shortcut.output);
        assert_eq!(y, sum, "body and shortcut of a residual block are added, so their shapes are equal");
        let children = std::iter::once(body).chain(shortcut).collect();
        Outline::group("Residual", y, Wiring::Sum, children).keeping_output()
    }
}
