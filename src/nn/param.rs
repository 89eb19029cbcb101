//! What a layer learns and keeps, and the names under which the world finds it.

use crate::{ops::threads, real::Real, rng::Generator, simd, tensor::Tensor};
use std::fmt;

/// Numbers to be learned, and the gradient that backward adds up.
///
/// ```
/// use residual::{Tensor, nn::Param};
/// let weight = Param::new(Tensor::full([4, 3], 0.5f32));
/// assert_eq!(weight.grad, Tensor::zeros([4, 3]));
/// ```
#[derive(Clone, Debug)]
pub struct Param<T: Real> {
    /// The numbers.
    pub value: Tensor<T>,
    /// dL/dvalue, of the same shape; empty from [`zero_grad`](Self::zero_grad) until somebody adds to it.
    pub grad: Tensor<T>,
}

impl<T: Real> Param<T> {
    /// Starts from `value`, with a gradient of zero.
    pub fn new(value: Tensor<T>) -> Self {
        let grad = Tensor::zeros(value.shape());
        Self { value, grad }
    }

    /// Adds `grad` to the gradient.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    // ANCHOR: accumulate
    pub fn accumulate(&mut self, grad: &Tensor<T>) {
        assert_eq!(self.value.shape(), grad.shape(), "a gradient has its parameter's shape");
        if self.grad.len() == 0 {
            self.grad = grad.clone();
            return;
        }
        assert_eq!(self.grad.shape(), grad.shape(), "gradients of one parameter have one shape");
        let grad = grad.as_slice();
        threads::split(self.grad.as_mut_slice(), 1, |at, sum| {
            simd::vectorize(|| sum.iter_mut().zip(&grad[at..]).for_each(|(sum, &g)| *sum += g));
        });
    }
    // ANCHOR_END: accumulate

    /// Forgets the gradient. The next one is taken as it is: to write zeros and to add to them would be two passes
    /// over memory. PyTorch's `zero_grad` sets gradients to `None` for the same reason.
    pub fn zero_grad(&mut self) {
        self.grad = Tensor::zeros([0]);
    }
}

/// Where in a network a layer is: `layer1.0.conv1`.
///
/// ```
/// use residual::nn::Path;
/// assert_eq!(Path::root().join("layer1").join("0").to_string(), "layer1.0");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(String);

// ANCHOR: path
impl Path {
    /// The network itself; its children's names have no prefix.
    pub fn root() -> Self {
        Self::default()
    }

    /// The child called `name`.
    pub fn join(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.into()) } else { Self(format!("{}.{name}", self.0)) }
    }
}
// ANCHOR_END: path

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that a layer owns, as a [`Visitor`] sees it.
pub enum Slot<'a, T: Real> {
    /// Learned by the optimiser, saved.
    Param(&'a mut Param<T>),
    /// Updated by forward (running statistics), saved.
    Buffer(&'a mut Tensor<T>),
    /// A count that forward updates (`num_batches_tracked`), saved as a 64-bit integer.
    Count(&'a mut u64),
    /// A source of randomness (dropout): its position is saved with a run, not with the weights.
    Generator(&'a mut Generator),
}

/// Called with the full name and the slot.
pub type Visitor<'v, T> = dyn FnMut(&Path, Slot<'_, T>) + 'v;
