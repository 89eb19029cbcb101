//! [`Linear`]: every output sees every input.

use super::{Init, Kept, Layer, Mode, Outline, Param, Path, Slot, Visitor};
use crate::{
    ops::{bias, linear},
    real::Real,
    rng::Generator,
    tensor::{Shape, Tensor},
};

/// A fully connected layer with a bias: (N, in) to (N, out).
///
/// Weights are zero until [`init`](Self::init) draws them.
///
/// ```
/// use residual::{Tensor, nn::{Init, Layer, Linear, Mode}, rng::Generator};
/// let mut linear = Linear::<f32>::new(84, 10).init(Init::Default, &mut Generator::new(0, 0));
/// assert_eq!(linear.forward(Tensor::zeros([2, 84]), Mode::Eval).dims(), [2, 10]);
/// ```
#[derive(Debug)]
pub struct Linear<T: Real> {
    weight: Param<T>,
    bias: Param<T>,
    x: Kept<Tensor<T>>,
}

impl<T: Real> Linear<T> {
    /// From so many features to so many.
    pub fn new(from: usize, to: usize) -> Self {
        let (weight, bias) = (Param::new(Tensor::zeros([to, from])), Param::new(Tensor::zeros([to])));
        Self { weight, bias, x: Kept::default() }
    }

    /// Draws weights and bias.
    pub fn init(mut self, init: Init, rng: &mut Generator) -> Self {
        init.fill(&mut self.weight.value, Some(&mut self.bias.value), rng);
        self
    }

    // ANCHOR: learn
    /// Adds up the gradients of weights and bias.
    fn learn(&mut self, dy: &Tensor<T>) {
        let w = self.weight.value.shape();
        self.weight.accumulate(&linear::grad_weights(dy, &self.x.take(), w));
        self.bias.accumulate(&bias::backward(dy));
    }
    // ANCHOR_END: learn
}

impl<T: Real> Layer<T> for Linear<T> {
    // ANCHOR: passes
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        let y = linear::forward(&x, &self.weight.value);
        self.x.keep(mode, || x);
        bias::forward(y, &self.bias.value)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        self.learn(&dy);
        linear::grad_input(&dy, &self.weight.value)
    }
    // ANCHOR_END: passes

    fn backward_params(&mut self, dy: Tensor<T>) {
        self.learn(&dy);
    }

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        each(&at.join("weight"), Slot::Param(&mut self.weight));
        each(&at.join("bias"), Slot::Param(&mut self.bias));
    }

    fn outline(&self, x: Shape) -> Outline {
        let [to, from] = self.weight.value.dims();
        let &[n, features] = x.dims() else { panic!("Linear takes (N, features), got {x}") };
        assert_eq!(features, from, "Linear takes {from} features, got {x}");
        let kind = format!("Linear(in_features={from}, out_features={to}, bias=True)");
        let outline = Outline::leaf(kind, [n, to].into()).costing(from * to + to, (n * from * to) as u64);
        // Each task computes some columns, which come together in the end.
        let aside = [n * to, from * to, n * from].map(|numbers| numbers * size_of::<f32>());
        outline.keeping_input(x).laying_aside(aside)
    }
}
