//! [`Concat`]: branches side by side.

use super::{Layer, Mode, Outline, Path, Sequential, Visitor, Wiring};
use crate::{
    ops::{add, concat},
    real::Real,
    tensor::{Shape, Tensor},
};

/// Branches that all see the same input; their outputs stand side by side in the channels, as in
/// an Inception module (Szegedy et al. 2015).
///
/// ```
/// use residual::{Tensor, nn::{Concat, Conv2d, Layer, Mode, Sequential}};
/// let mut inception = Concat::new()
///     .add("branch1", Sequential::new().add("conv", Conv2d::<f32>::new(8, 3, 1)))
///     .add("branch2", Sequential::new().add("conv", Conv2d::new(8, 5, 3).padding(1)));
/// let y = inception.forward(Tensor::zeros([1, 6, 6, 8]), Mode::Eval);
/// assert_eq!(y.dims(), [1, 6, 6, 3 + 5]);
/// ```
pub struct Concat<T: Real> {
    branches: Vec<(String, Sequential<T>)>,
    channels: Vec<usize>,
}

impl<T: Real> Default for Concat<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Concat<T> {
    /// No branch yet; there must be one before the first forward.
    pub fn new() -> Self {
        Self { branches: Vec::new(), channels: Vec::new() }
    }

    /// With one more branch. Its parameters are found below `name`, a single part of a path.
    ///
    /// # Panics
    /// If the name is taken, is empty or has a dot.
    #[track_caller]
    pub fn add(mut self, name: impl Into<String>, branch: Sequential<T>) -> Self {
        let name = name.into();
        super::sequential::check_name(&name, self.branches.iter().map(|(taken, _)| taken));
        self.branches.push((name, branch));
        self
    }
}

impl<T: Real> Layer<T> for Concat<T> {
    // ANCHOR: passes
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        let ys: Vec<_> =
            self.branches.iter_mut().map(|(_, branch)| branch.forward(x.clone(), mode)).collect();
        drop(x);
        self.channels = ys.iter().map(|y| y.shape().last()).collect();
        concat::forward(&ys)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let dys = concat::backward(&dy, &self.channels);
        drop(dy);
        let dxs = self.branches.iter_mut().zip(dys).map(|((_, branch), dy)| branch.backward(dy));
        dxs.reduce(|sum, dx| add::forward(sum, &dx)).expect("forward refuses to join no branches")
    }
    // ANCHOR_END: passes

    fn fuse(&mut self) {
        self.branches.iter_mut().for_each(|(_, branch)| branch.fuse());
    }

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        self.branches.iter_mut().for_each(|(name, branch)| branch.visit(&at.join(name), each));
    }

    fn outline(&self, x: Shape) -> Outline {
        let children: Vec<_> =
            self.branches.iter().map(|(name, branch)| branch.outline(x).named(name)).collect();
        let channels = children.iter().map(|child| child.output.last()).sum();
        let Some(&[n, h, w, _]) = children.first().map(|child| child.output.dims()) else {
            panic!("branches to join, each giving images (N, H, W, C)")
        };
        Outline::group("Concat", [n, h, w, channels].into(), Wiring::Concat, children)
    }
}
