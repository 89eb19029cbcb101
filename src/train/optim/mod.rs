//! Optimisers: from gradients to updates, computed as `torch.optim` computes them.
//!
//! A rule ([`Sgd`], [`Adam`], [`AdamW`]) says how one parameter moves; an [`Optimizer`] owns what
//! the rule remembers of each parameter, in the order in which the network shows them. As in
//! PyTorch, weight decay applies to every parameter that it is given, biases and batch norm's
//! scales included.

mod adam;
mod sgd;

pub use adam::{Adam, AdamW};
pub use sgd::Sgd;

use crate::{
    nn::{Param, Slot, Visitor},
    real::Real,
    tensor::Tensor,
};

/// How one parameter moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adaptive moments.
    Adam(Adam),
    /// Adaptive moments, decay apart from the gradient.
    AdamW(AdamW),
}

/// What a rule remembers of one parameter; PyTorch's `state[p]`.
#[derive(Clone, Debug)]
pub(crate) struct Memory<T: Real> {
    /// The parameter's name.
    pub name: String,
    /// The momentum buffer of SGD, the mean of gradients (`exp_avg`) of Adam.
    pub first: Tensor<T>,
    /// Adam's mean of squared gradients (`exp_avg_sq`); empty for SGD.
    pub second: Tensor<T>,
}

/// A rule and what it remembers of every parameter.
///
/// It works on anything that shows parameters: a model, a layer, or one [`Param`].
///
/// ```
/// use residual::{Tensor, nn::{Param, Path, Slot}, train::optim::{Optimizer, Sgd}};
///
/// let mut w = Param::new(Tensor::from_vec([2], vec![1.0f32, 2.0]));
/// w.grad = Tensor::from_vec([2], vec![0.5, -1.0]);
/// let mut sgd = Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() });
/// sgd.step(0.1, |each| each(&Path::root().join("weight"), Slot::Param(&mut w)));
/// assert_eq!(w.value.as_slice(), [0.95, 2.1]);
/// ```
#[derive(Clone, Debug)]
pub struct Optimizer<T: Real> {
    rule: Rule,
    steps: u64,
    memories: Vec<Memory<T>>,
}

impl<T: Real> Optimizer<T> {
    /// Remembers nothing yet.
    pub fn new(rule: impl Into<Rule>) -> Self {
        Self { rule: rule.into(), steps: 0, memories: Vec::new() }
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Moves every parameter that `visit` shows by its gradient, at learning rate `lr`. As in PyTorch, a parameter
    /// without a gradient, to which nobody has added since [`zero_grad`], stays where it is. Unlike there, Adam's count
    /// of steps is the optimiser's, also for a parameter that has stayed.
    ///
    /// # Panics
    /// If `visit` does not show the same parameters, in the same order, at every step, or a gradient has another shape
    /// than its parameter.
    #[track_caller]
    pub fn step(&mut self, lr: f64, visit: impl FnOnce(&mut Visitor<'_, T>)) {
        self.steps += 1;
        let (rule, steps, memories) = (self.rule, self.steps, &mut self.memories);
        let mut at = 0;
        visit(&mut |path, slot| {
            let Slot::Param(param) = slot else { return };
            let name = path.to_string();
            if steps == 1 {
                memories.push(rule.remember(name, param));
            } else {
                let expected = memories.get(at).map(|memory| memory.name.as_str());
                assert_eq!(expected, Some(name.as_str()), "parameter {at} is not that of the steps before");
            }
            if param.grad.len() > 0 {
                assert_eq!(param.grad.shape(), param.value.shape(), "the gradient of parameter {at}");
                rule.update(lr, steps, param, &mut memories[at]);
            }
            at += 1;
        });
        assert_eq!(at, memories.len(), "as many parameters as at the steps before");
    }

    /// What there is to remember of a parameter before the first step.
    pub(crate) fn remember(&self, name: String, param: &Param<T>) -> Memory<T> {
        self.rule.remember(name, param)
    }

    /// What is remembered of each parameter, to be saved.
    pub(crate) fn memories(&self) -> &[Memory<T>] {
        &self.memories
    }

    /// Continues from saved memories.
    pub(crate) fn restore(&mut self, steps: u64, memories: Vec<Memory<T>>) {
        (self.steps, self.memories) = (steps, memories);
    }
}

/// Forgets every gradient, before the next batch adds its own.
pub fn zero_grad<T: Real>(visit: impl FnOnce(&mut Visitor<'_, T>)) {
    visit(&mut |_, slot| {
        if let Slot::Param(param) = slot {
            param.zero_grad();
        }
    });
}

impl Rule {
    /// What there is to remember before the first step.
    fn remember<T: Real>(self, name: String, param: &Param<T>) -> Memory<T> {
        let zeros = || Tensor::zeros(param.value.shape());
        let none = || Tensor::zeros([0]);
        match self {
            Self::Sgd(rule) if rule.momentum == 0.0 => Memory { name, first: none(), second: none() },
            Self::Sgd(_) => Memory { name, first: zeros(), second: none() },
            Self::Adam(_) | Self::AdamW(_) => Memory { name, first: zeros(), second: zeros() },
        }
    }

    /// Moves one parameter at the `step`-th step, counted from one.
    fn update<T: Real>(self, lr: f64, step: u64, param: &mut Param<T>, memory: &mut Memory<T>) {
        match self {
            Self::Sgd(rule) => rule.update(lr, step, param, memory),
            Self::Adam(rule) => rule.update(lr, step, param, memory),
            Self::AdamW(rule) => rule.update(lr, step, param, memory),
        }
    }
}

impl From<Sgd> for Rule {
    fn from(rule: Sgd) -> Self {
        Self::Sgd(rule)
    }
}

impl From<Adam> for Rule {
    fn from(rule: Adam) -> Self {
        Self::Adam(rule)
    }
}

impl From<AdamW> for Rule {
    fn from(rule: AdamW) -> Self {
        Self::AdamW(rule)
    }
}
