//! [`Sum`]: branches added.

use super::{Layer, Mode, Outline, Path, Sequential, Visitor, Wiring};
use crate::{
    ops::add,
    real::Real,
    tensor::{Shape, Tensor},
};

/// Branches that all see the same input; their outputs are added. The gradient of a sum is the
/// gradient of each of its terms, and a fork adds what comes back.
///
/// ```
/// use residual::{Tensor, nn::{Conv2d, Layer, Mode, Sequential, Sum}};
/// let path = || Sequential::new().add("conv", Conv2d::<f32>::new(8, 4, 1));
/// let mut sum = Sum::new().add("0", path()).add("1", path());
/// assert_eq!(sum.forward(Tensor::zeros([1, 6, 6, 8]), Mode::Eval).dims(), [1, 6, 6, 4]);
/// ```
pub struct Sum<T: Real>(Vec<(String, Sequential<T>)>);

impl<T: Real> Default for Sum<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Sum<T> {
    /// No branch yet; there must be one before the first forward.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// With one more branch. Its parameters are found below `name`, a single part of a path.
    ///
    /// # Panics
    /// If the name is taken, is empty or has a dot.
    #[track_caller]
    pub fn add(mut self, name: impl Into<String>, branch: Sequential<T>) -> Self {
        let name = name.into();
        super::sequential::check_name(&name, self.0.iter().map(|(taken, _)| taken));
        self.0.push((name, branch));
        self
    }
}

fn total<T: Real>(terms: impl Iterator<Item = Tensor<T>>) -> Tensor<T> {
    terms.reduce(|sum, term| add::forward(sum, &term)).expect("branches to add, at least one")
}

impl<T: Real> Layer<T> for Sum<T> {
    // ANCHOR: passes
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        total(self.0.iter_mut().map(|(_, branch)| branch.forward(x.clone(), mode)))
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        total(self.0.iter_mut().map(|(_, branch)| branch.backward(dy.clone())))
    }
    // ANCHOR_END: passes

    fn fuse(&mut self) {
        self.0.iter_mut().for_each(|(_, branch)| branch.fuse());
    }

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        self.0.iter_mut().for_each(|(name, branch)| branch.visit(&at.join(name), each));
    }

    fn outline(&self, x: Shape) -> Outline {
        let children: Vec<_> = self.0.iter().map(|(name, branch)| branch.outline(x).named(name)).collect();
        let Some(y) = children.first().map(|child| child.output) else {
            panic!("branches to add, at least one")
        };
        assert!(
            children.iter().all(|child| child.output == y),
            "branches that are added have one shape, {y}"
        );
        // Alone among sums, one of a single branch has no shortcut beside it.
        let wiring = if children.len() == 1 { Wiring::Chain } else { Wiring::Sum };
        Outline::group("Sum", y, wiring, children)
    }
}
