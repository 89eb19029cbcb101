//! Adaptive moments (Kingma and Ba 2015), and decay apart from the gradient (Loshchilov and Hutter 2019).
//!
//! ```text
//! g = dw + decay·w                   Adam:  the decay passes through the moments
//! w = w - lr·decay·w                 AdamW: it does not, and g = dw
//! m = β₁·m + (1 - β₁)·g
//! v = β₂·v + (1 - β₂)·g²
//! w = w - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε)
//! ```
//!
//! `m` and `v` start at zero; dividing by `1 - βᵗ` at step `t` takes that bias out.

use super::Memory;
use crate::{nn::Param, real::Real};

/// Adaptive moments; PyTorch's `Adam` and its defaults.
///
/// ```
/// use residual::train::optim::Adam;
/// let adam = Adam::default();
/// assert_eq!((adam.betas, adam.eps, adam.weight_decay), ((0.9, 0.999), 1e-8, 0.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// How slowly the two moments change.
    pub betas: (f64, f64),
    /// Keeps the denominator from zero.
    pub eps: f64,
    /// `weight_decay·w` is added to the gradient.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0 }
    }
}

/// [`Adam`] with decay apart from the gradient; PyTorch's `AdamW` and its defaults.
///
/// ```
/// use residual::train::optim::AdamW;
/// assert_eq!(AdamW::default().weight_decay, 1e-2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// How slowly the two moments change.
    pub betas: (f64, f64),
    /// Keeps the denominator from zero.
    pub eps: f64,
    /// Each step first multiplies every parameter by `1 - lr·weight_decay`.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { betas: (0.9, 0.999), eps: 1e-8, weight_decay: 1e-2 }
    }
}

impl Adam {
    // ANCHOR: update
    pub(super) fn update<T: Real>(self, lr: f64, step: u64, param: &mut Param<T>, memory: &mut Memory<T>) {
        let (beta1, beta2) = self.betas;
        let t = step as f64;
        let rate = T::of(lr / (1.0 - beta1.powf(t)));
        let root = T::of((1.0 - beta2.powf(t)).sqrt());
        let (kept, squares_kept, new) = (T::of(beta1), T::of(beta2), T::of(1.0 - beta1));
        let (squares_new, eps, decay) = (T::of(1.0 - beta2), T::of(self.eps), T::of(self.weight_decay));
        let moments = memory.first.as_mut_slice().iter_mut().zip(memory.second.as_mut_slice());
        let weights = param.value.as_mut_slice().iter_mut().zip(param.grad.as_slice());
        for ((w, &dw), (m, v)) in weights.zip(moments) {
            let g = dw + decay * *w;
            *m = kept * *m + new * g;
            *v = squares_kept * *v + squares_new * g * g;
            *w -= rate * *m / (v.sqrt() / root + eps);
        }
    }
    // ANCHOR_END: update
}

impl AdamW {
    // ANCHOR: adamw
    pub(super) fn update<T: Real>(self, lr: f64, step: u64, param: &mut Param<T>, memory: &mut Memory<T>) {
        let kept = T::of(1.0 - lr * self.weight_decay);
        param.value.as_mut_slice().iter_mut().for_each(|w| *w *= kept);
        Adam { betas: self.betas, eps: self.eps, weight_decay: 0.0 }.update(lr, step, param, memory);
    }
    // ANCHOR_END: adamw
}
