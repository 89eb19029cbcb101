//! [`Sequential`]: one layer after another, each under a name.

use super::{Layer, Mode, Outline, Path, Relu, Visitor, Wiring};
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};
use std::any::Any;

/// Layers one after another: y = fₙ(… f₂(f₁(x))). Backward is the chain rule: the same walk, from
/// the end.
///
/// ```
/// use residual::{Tensor, nn::{Layer, Linear, Mode, Sequential}};
/// let mut net = Sequential::<f32>::new()
///     .add("fc1", Linear::new(4, 3))
///     .add("fc2", Linear::new(3, 2));
/// assert_eq!(net.forward(Tensor::zeros([1, 4]), Mode::Eval).dims(), [1, 2]);
/// ```
pub struct Sequential<T: Real>(Vec<(String, Box<dyn Layer<T>>)>);

impl<T: Real> Default for Sequential<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Sequential<T> {
    /// No layer: the identity.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    // ANCHOR: add
    /// With `layer` at the end. Its parameters are found below `name`, a single part of a path.
    ///
    /// # Panics
    /// If the name is taken, is empty or has a dot.
    #[track_caller]
    pub fn add(mut self, name: impl Into<String>, mut layer: impl Layer<T> + 'static) -> Self {
        let name = name.into();
        check_name(&name, self.0.iter().map(|(taken, _)| taken));
        if let (Some(relu), Some((_, last))) =
            ((&mut layer as &mut dyn Any).downcast_mut(), self.0.last_mut())
            && last.take_over_relu()
        {
            *relu = Relu::<T>::taken_over();
        }
        self.0.push((name, Box::new(layer)));
        self
    }
    // ANCHOR_END: add

    /// With `layer` at the end, named by its position from 0, as in PyTorch's `nn.Sequential`.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn push(self, layer: impl Layer<T> + 'static) -> Self {
        let name = self.0.len().to_string();
        self.add(name, layer)
    }
}

impl<T: Real> Layer<T> for Sequential<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.0.iter_mut().fold(x, |x, (_, layer)| layer.forward(x, mode))
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        self.0.iter_mut().rev().fold(dy, |dy, (_, layer)| layer.backward(dy))
    }

    fn backward_params(&mut self, dy: Tensor<T>) {
        if let Some(((_, first), rest)) = self.0.split_first_mut() {
            first.backward_params(rest.iter_mut().rev().fold(dy, |dy, (_, layer)| layer.backward(dy)));
        }
    }

    // ANCHOR: fuse
    fn fuse(&mut self) {
        self.0.iter_mut().for_each(|(_, layer)| layer.fuse());
        let mut i = 1;
        while i < self.0.len() {
            let (before, behind) = self.0.split_at_mut(i);
            let affine = behind[0].1.affine();
            let absorbed = affine.is_some_and(|affine| before[i - 1].1.absorb(&affine));
            if absorbed {
                self.0.remove(i);
            } else {
                i += 1;
            }
        }
    }
    // ANCHOR_END: fuse

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        self.0.iter_mut().for_each(|(name, layer)| layer.visit(&at.join(name), each));
    }

    fn outline(&self, x: Shape) -> Outline {
        let mut shape = x;
        let mut children = Vec::new();
        for (name, layer) in &self.0 {
            let child = layer.outline(shape).named(name);
            shape = child.output;
            children.push(child);
        }
        Outline::group("Sequential", shape, Wiring::Chain, children)
    }
}

/// A child's name is a single part of a path, and nobody else's.
#[track_caller]
pub(super) fn check_name<'a>(name: &String, mut taken: impl Iterator<Item = &'a String>) {
    assert!(!name.is_empty() && !name.contains('.'), "`{name}` is not a single part of a path");
    assert!(taken.all(|taken| taken != name), "two layers cannot both be `{name}`");
}
