//! [`Dropout`]: in training, some numbers are left out at random.

use super::{Kept, Layer, Mode, Outline, Path, Slot, Visitor};
use crate::{
    ops::dropout::{self, Mask},
    real::Real,
    rng::Generator,
    tensor::{Shape, Tensor},
};

/// In training, zeroes each number with probability p and multiplies the rest by 1 / (1 - p); in
/// evaluation, the identity.
///
/// ```
/// use residual::{Tensor, nn::{Dropout, Layer, Mode}, rng::Generator};
/// let mut dropout = Dropout::new(0.5, Generator::new(0, 1));
/// let x = Tensor::full([8], 1.0f32);
/// assert_eq!(dropout.forward(x.clone(), Mode::Eval), x);
/// assert!(dropout.forward(x, Mode::Train).as_slice().iter().all(|&y| y == 0.0 || y == 2.0));
/// ```
#[derive(Debug)]
pub struct Dropout {
    p: f64,
    generator: Generator,
    mask: Kept<Mask>,
}

impl Dropout {
    /// Leaves each number out with probability `p`, by a generator of its own.
    ///
    /// # Panics
    /// If `p` is not between 0 and 1.
    #[track_caller]
    pub fn new(p: f64, generator: Generator) -> Self {
        assert!((0.0..=1.0).contains(&p), "a probability is between 0 and 1, got {p}");
        Self { p, generator, mask: Kept::default() }
    }
}

impl<T: Real> Layer<T> for Dropout {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        match mode {
            Mode::Train => {
                let (y, mask) = dropout::forward(x, self.p, &mut self.generator);
                self.mask.keep(mode, || mask);
                y
            }
            Mode::Eval => {
                self.mask = Kept::default();
                x
            }
        }
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        dropout::backward(dy, &self.mask.take())
    }

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        each(at, Slot::Generator(&mut self.generator));
    }

    fn outline(&self, x: Shape) -> Outline {
        Outline::leaf(format!("Dropout(p={}, inplace=False)", self.p), x).keeping(x.len())
    }
}
