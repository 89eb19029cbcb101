//! Stochastic gradient descent, with momentum.
//!
//! ```text
//! g = dw + decay·w
//! b = g                  at the first step
//! b = momentum·b + g     from then on
//! w = w - lr·b           or, after Nesterov (1983): w - lr·(g + momentum·b)
//! ```
//!
//! This is PyTorch's form (Sutskever et al. 2013, with the learning rate outside the buffer): when
//! the learning rate changes, the buffer keeps its meaning.

use super::Memory;
use crate::{nn::Param, ops::threads, real::Real, simd};

/// Gradient descent with momentum; PyTorch's `SGD` and its defaults.
///
/// ```
/// use residual::train::optim::Sgd;
/// assert_eq!(Sgd::default(), Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// How much of the last update is kept.
    pub momentum: f64,
    /// Looks ahead along the momentum.
    pub nesterov: bool,
    /// How strongly parameters are pulled to zero: `weight_decay·w` is added to the gradient.
    pub weight_decay: f64,
}

impl Sgd {
    // ANCHOR: update
    pub(super) fn update<T: Real>(self, lr: f64, step: u64, param: &mut Param<T>, memory: &mut Memory<T>) {
        let (lr, decay, momentum) = (T::of(lr), T::of(self.weight_decay), T::of(self.momentum));
        let (w, dw) = (param.value.as_mut_slice(), param.grad.as_slice());
        if self.momentum == 0.0 {
            return threads::split(w, 1, |at, w| {
                simd::vectorize(|| {
                    w.iter_mut().zip(&dw[at..]).for_each(|(w, &dw)| *w -= lr * (dw + decay * *w))
                });
            });
        }
        // The buffer starts as the first gradient: as zeros times momentum plus that gradient.
        let momentum_now = if step == 1 { T::ZERO } else { momentum };
        threads::split2(w, memory.first.as_mut_slice(), 1, |at, w, b| {
            simd::vectorize(|| {
                for ((w, b), &dw) in w.iter_mut().zip(b).zip(&dw[at..]) {
                    let g = dw + decay * *w;
                    *b = momentum_now * *b + g;
                    *w -= lr * if self.nesterov { g + momentum * *b } else { *b };
                }
            });
        });
    }
    // ANCHOR_END: update
}
