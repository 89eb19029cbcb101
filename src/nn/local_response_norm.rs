//! [`LocalResponseNorm`]: a channel is damped where its neighbours are strong.

use super::{Kept, Layer, Mode, Outline};
use crate::{
    ops::local_response_norm::{self, Damping, Saved},
    real::Real,
    tensor::{Shape, Tensor},
};

/// Divides each channel by a power of its neighbours' mean square, pixel by pixel (Krizhevsky,
/// Sutskever and Hinton 2012, section 3.3), with PyTorch's names and defaults.
///
/// ```
/// use residual::{Tensor, nn::{Layer, LocalResponseNorm, Mode}};
/// let mut norm = LocalResponseNorm::new(3).alpha(3.0).beta(1.0).k(0.0);
/// let y = norm.forward(Tensor::from_vec([1, 1, 1, 2], vec![1.0f64, 2.0]), Mode::Eval);
/// approx::assert_relative_eq!(y.as_slice(), [0.2, 0.4].as_slice(), max_relative = 1e-15);
/// ```
#[derive(Debug)]
pub struct LocalResponseNorm<T: Real> {
    damping: Damping,
    saved: Kept<Saved<T>>,
}

impl<T: Real> LocalResponseNorm<T> {
    /// Windows of `size` channels; α = 10⁻⁴, β = 0.75, k = 1.
    ///
    /// # Panics
    /// If `size` is zero.
    #[track_caller]
    pub fn new(size: usize) -> Self {
        Self { damping: Damping::new(size), saved: Kept::default() }
    }

    /// What the mean square of a window counts.
    pub fn alpha(self, alpha: f64) -> Self {
        Self { damping: Damping { alpha, ..self.damping }, ..self }
    }

    /// The exponent.
    pub fn beta(self, beta: f64) -> Self {
        Self { damping: Damping { beta, ..self.damping }, ..self }
    }

    /// What is added to it, before the power.
    pub fn k(self, k: f64) -> Self {
        Self { damping: Damping { k, ..self.damping }, ..self }
    }
}

impl<T: Real> Layer<T> for LocalResponseNorm<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        let (y, saved) = local_response_norm::forward(x, self.damping);
        self.saved.keep(mode, || saved);
        y
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        local_response_norm::backward(&dy, &self.saved.take())
    }

    fn outline(&self, x: Shape) -> Outline {
        let Damping { size, alpha, beta, k } = self.damping;
        let kind = format!("LocalResponseNorm({size}, alpha={alpha}, beta={beta}, k={k:?})");
        // The input, and the sum of every window.
        let aside = [0, 0, x.len() * size_of::<f32>()];
        Outline::leaf(kind, x).keeping_input(x).keeping(x.len()).laying_aside(aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_in_pytorch() {
        let norm = LocalResponseNorm::<f32>::new(5).alpha(5e-4).k(2.0);
        assert_eq!(
            norm.outline([1, 3, 3, 96].into()).kind,
            "LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2.0)"
        );
    }
}
