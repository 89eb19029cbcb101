//! Weights laid out once, for many forward passes.

use super::{Geometry, blocked, winograd};
use crate::{
    kernels::correlate::Panels,
    real::Real,
    simd::Isa,
    tensor::{Shape, Tensor},
};

/// The weights of a convolution in the order in which its kernel reads them, and what comes behind the convolution: a
/// number added to each channel, a ReLU. For a network that only judges, whose weights do not change any more.
///
/// ```
/// use residual::{Tensor, ops::{bias, conv2d::{self, Filters, Geometry}, relu}};
/// let (x, w) = (Tensor::from_fn([1, 4, 4, 3], |i| i as f32), Tensor::full([2, 3, 1, 1], -0.5));
/// let (b, g) = (Tensor::from_vec([2], vec![1.0, 30.0]), Geometry::default());
/// let filters = Filters::new(&w, g, Some(&b), true, x.shape());
/// assert_eq!(filters.forward(&x), relu::forward(bias::forward(conv2d::forward(&x, &w, g), &b)));
/// ```
#[derive(Clone, Debug)]
pub struct Filters<T: Real> {
    isa: Isa,
    geometry: Geometry,
    w: Shape,
    winograd: bool,
    panels: Panels<T>,
}

impl<T: Real> Filters<T> {
    /// From weights (O, C / groups, KH, KW) and a bias (O), in the form that is fastest for inputs of shape `x`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    #[track_caller]
    pub fn new(w: &Tensor<T>, g: Geometry, bias: Option<&Tensor<T>>, relu: bool, x: Shape) -> Self {
        let y = g.output_shape(x, w.shape());
        assert!(bias.is_none_or(|b| b.dims() == [y.last()]), "one bias for each channel of an output {y}");
        let (isa, winograd) = (Isa::current(), winograd::pays(w.shape(), g, y));
        let packed = if winograd { winograd::packed } else { blocked::packed };
        let bias = bias.map_or(Vec::new(), |b| b.as_slice().to_vec());
        let panels = Panels { bias, relu, ..packed(isa, w, g) };
        Self { isa, geometry: g, w: w.shape(), winograd, panels }
    }

    /// Whether they are in the form that is fastest for inputs of shape `x`.
    #[track_caller]
    pub fn suit(&self, x: Shape) -> bool {
        winograd::pays(self.w, self.geometry, self.geometry.output_shape(x, self.w)) == self.winograd
    }

    /// `y` from `x`, bias and ReLU included.
    ///
    /// # Panics
    /// If `x` does not fit the weights.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<T>) -> Tensor<T> {
        let forward = if self.winograd { winograd::forward_packed } else { blocked::forward_packed };
        forward(self.isa, x, (self.w, &self.panels), self.geometry)
    }
}
