//! Weights laid out once, for many forward passes.

use super::{
    Geometry, blocked,
    winograd::{self, Turn},
};
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
    /// How in Winograd's form, if in that.
    winograd: Option<Turn>,
    /// How many pixels are computed as one.
    neighbours: usize,
    panels: Panels<T>,
}

impl<T: Real> Filters<T> {
    /// From weights (O, C / groups, KH, KW) and a bias (O), in the form that is fastest for inputs of shape `x`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    #[track_caller]
    pub fn new(w: &Tensor<T>, g: Geometry, bias: Option<&Tensor<T>>, relu: bool, x: Shape) -> Self {
        Self::on(Isa::current(), w, g, (bias, relu), x)
    }

    #[track_caller]
    fn on(isa: Isa, w: &Tensor<T>, g: Geometry, (bias, relu): (Option<&Tensor<T>>, bool), x: Shape) -> Self {
        let y = g.output_shape(x, w.shape());
        assert!(bias.is_none_or(|b| b.dims() == [y.last()]), "one bias for each channel of an output {y}");
        let winograd = winograd::pays(w.shape(), g, y).then(|| winograd::turn(w.shape(), y));
        let neighbours = blocked::neighbours(w.shape(), g, y);
        let bias = bias.map_or(Vec::new(), |b| b.as_slice().repeat(neighbours));
        let packed =
            if winograd.is_some() { winograd::packed(isa, w, g, y) } else { blocked::packed(isa, w, g, y) };
        let panels = Panels { bias, relu, ..packed };
        Self { isa, geometry: g, w: w.shape(), winograd, neighbours, panels }
    }

    /// Whether they are in the form that is fastest for inputs of shape `x`.
    ///
    /// # Panics
    /// If `x` does not fit the weights.
    #[track_caller]
    pub fn suit(&self, x: Shape) -> bool {
        let y = self.geometry.output_shape(x, self.w);
        winograd::pays(self.w, self.geometry, y).then(|| winograd::turn(self.w, y)) == self.winograd
            && blocked::neighbours(self.w, self.geometry, y) == self.neighbours
    }

    /// `y` from `x`, bias and ReLU included.
    ///
    /// # Panics
    /// If `x` does not fit the weights, or they do not [suit](Self::suit) it.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<T>) -> Tensor<T> {
        assert!(self.suit(x.shape()), "weights laid out for other inputs than {}", x.shape());
        let forward =
            if self.winograd.is_some() { winograd::forward_packed } else { blocked::forward_packed };
        forward(self.isa, x, (self.w, &self.panels), self.geometry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops::{bias, conv2d::naive, relu},
        rng::Generator,
    };

    fn equal_naive<T: Real>(isa: Isa, [n, side, c]: [usize; 3], [o, kernel, stride, groups]: [usize; 4]) {
        let mut rng = Generator::new(3, 0);
        let mut draw = |shape: Shape| Tensor::from_fn(shape, |_| T::of(rng.below(9) as f64 - 4.0));
        let g = Geometry::default().stride([stride; 2]).padding([kernel / 2; 2]).groups(groups);
        let (x, w) = (draw([n, side, side, c].into()), draw([o, c / groups, kernel, kernel].into()));
        let (b, sums) = (draw([o].into()), naive::forward(&x, &w, g));
        let shifted = bias::forward(sums.clone(), &b);
        for (added, cut, expected) in [
            (None, true, relu::forward(sums)),
            (Some(&b), false, shifted.clone()),
            (Some(&b), true, relu::forward(shifted)),
        ] {
            let filters = Filters::on(isa, &w, g, (added, cut), x.shape());
            let found = filters.forward(&x);
            let pairs = found.as_slice().iter().zip(expected.as_slice());
            let squares = pairs.map(|(&a, &b)| ((a - b).to_f64().powi(2), b.to_f64().powi(2)));
            let (error, norm) = squares.fold((0.0, 0.0), |(e, n), (a, b)| (e + a, n + b));
            // Integers are exact but in Winograd's form, whose numbers are fractions of them.
            let bound: f64 = if filters.winograd.is_some() { 1e-5 } else { 0.0 };
            assert!(error <= bound.powi(2) * norm, "{isa}, {g:?}, {:?}: {error} of {norm}", w.shape());
        }
    }

    /// Rows and small images, whole and ragged blocks, groups alone, merged and side by side, Winograd's form
    /// with weights turned before and on the way.
    #[test]
    fn equal_convolution_bias_and_relu_one_after_the_other() {
        for isa in Isa::available() {
            for (x, w) in [
                ([2, 17, 5], [40, 3, 1, 1]),
                ([9, 3, 20], [37, 3, 2, 1]),
                ([2, 9, 24], [33, 1, 1, 1]),
                ([2, 8, 3], [6, 3, 1, 1]),
                ([3, 8, 24], [48, 3, 1, 6]),
                ([2, 9, 32], [32, 3, 1, 8]),
                ([2, 9, 32], [32, 3, 2, 32]),
                ([2, 9, 16], [16, 1, 1, 2]),
                ([12, 8, 16], [32, 3, 1, 1]),
                ([3, 12, 144], [176, 3, 1, 1]),
            ] {
                equal_naive::<f32>(isa, x, w);
                equal_naive::<f64>(isa, x, w);
            }
        }
    }
}
