//! [`Relu`], [`Sigmoid`], [`Tanh`]: one function of one number, applied to every number.
//!
//! Each keeps its output, since the slope of all three can be told from it; but for a ReLU whose work the layer
//! before it does.

use super::{Affine, Kept, Layer, Mode, Outline};
use crate::{
    ops::{relu, sigmoid, tanh},
    real::Real,
    tensor::{Shape, Tensor},
};

macro_rules! activation {
    ($(#[$doc:meta])* $Name:ident, $op:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $Name<T: Real> {
            y: Kept<Tensor<T>>,
        }

        impl<T: Real> $Name<T> {
            /// The layer.
            pub fn new() -> Self {
                Self { y: Kept::default() }
            }
        }

        impl<T: Real> Layer<T> for $Name<T> {
            fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
                let y = $op::forward(x);
                self.y.keep(mode, || y.clone());
                y
            }

            fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
                $op::backward(dy, &self.y.take())
            }

            fn outline(&self, x: Shape) -> Outline {
                Outline::leaf($kind, x).keeping_output().in_place([true; 3])
            }
        }
    };
}

/// max(x, 0).
///
/// ```
/// use residual::{Tensor, nn::{Layer, Mode, Relu}};
/// let y = Relu::new().forward(Tensor::from_vec([2], vec![-1.0f32, 2.0]), Mode::Eval);
/// assert_eq!(y.as_slice(), [0.0, 2.0]);
/// ```
#[derive(Debug, Default)]
pub struct Relu<T: Real> {
    y: Kept<Tensor<T>>,
    /// The layer before does the work: see [`Layer::take_over_relu`].
    taken_over: bool,
}

impl<T: Real> Relu<T> {
    /// The layer.
    pub fn new() -> Self {
        Self { y: Kept::default(), taken_over: false }
    }

    pub(super) fn taken_over() -> Self {
        Self { y: Kept::default(), taken_over: true }
    }
}

impl<T: Real> Layer<T> for Relu<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        if self.taken_over {
            return x;
        }
        let y = relu::forward(x);
        self.y.keep(mode, || y.clone());
        y
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        if self.taken_over { dy } else { relu::backward(dy, &self.y.take()) }
    }

    fn affine(&self) -> Option<Affine<T>> {
        Some(Affine { map: None, relu: !self.taken_over })
    }

    fn outline(&self, x: Shape) -> Outline {
        let outline = Outline::leaf("ReLU()", x).in_place([true; 3]);
        if self.taken_over { outline } else { outline.keeping_output() }
    }
}

activation! {
    /// 1 / (1 + e⁻ˣ).
    ///
    /// ```
    /// use residual::{Tensor, nn::{Layer, Mode, Sigmoid}};
    /// let y = Sigmoid::new().forward(Tensor::from_vec([1], vec![0.0f32]), Mode::Eval);
    /// assert_eq!(y.as_slice(), [0.5]);
    /// ```
    Sigmoid, sigmoid, "Sigmoid()"
}

activation! {
    /// The hyperbolic tangent.
    ///
    /// ```
    /// use residual::{Tensor, nn::{Layer, Mode, Tanh}};
    /// let y = Tanh::new().forward(Tensor::from_vec([1], vec![0.0f32]), Mode::Eval);
    /// assert_eq!(y.as_slice(), [0.0]);
    /// ```
    Tanh, tanh, "Tanh()"
}
