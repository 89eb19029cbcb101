//! [`Dropout`], [`Dropout2d`]: in training, some numbers or channels are left out at random.

use super::{Kept, Layer, Mode, Outline, Path, Slot, Visitor};
use crate::{
    ops::{dropout, dropout2d},
    real::Real,
    rng::Generator,
    tensor::{Shape, Tensor},
};

macro_rules! dropout {
    ($(#[$doc:meta])* $Name:ident, $op:ident, $Mask:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $Name {
            p: f64,
            generator: Generator,
            mask: Kept<$Mask>,
        }

        impl $Name {
            /// Leaves out with probability `p`, by a generator of its own.
            ///
            /// # Panics
            /// If `p` is not between 0 and 1.
            #[track_caller]
            pub fn new(p: f64, generator: Generator) -> Self {
                assert!((0.0..=1.0).contains(&p), "a probability is between 0 and 1, got {p}");
                Self { p, generator, mask: Kept::default() }
            }
        }

        impl<T: Real> Layer<T> for $Name {
            fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
                match mode {
                    Mode::Train => {
                        let (y, mask) = $op::forward(x, self.p, &mut self.generator);
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
                $op::backward(dy, &self.mask.take())
            }

            fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
                each(at, Slot::Generator(&mut self.generator));
            }

            fn outline(&self, x: Shape) -> Outline {
                let kind = format!(concat!(stringify!($Name), "(p={}, inplace=False)"), self.p);
                let mut outline = Outline::leaf(kind, x).keeping($op::draws(x)).in_place([true; 3]);
                // A byte for each.
                outline.footprint.keeps = $op::draws(x);
                outline
            }
        }
    };
}

dropout! {
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
    Dropout, dropout, dropout::Mask
}

dropout! {
    /// In training, zeroes each channel of each image with probability p and multiplies the rest by
    /// 1 / (1 - p); in evaluation, the identity.
    ///
    /// ```
    /// use residual::{Tensor, nn::{Dropout2d, Layer, Mode}, rng::Generator};
    /// let mut dropout = Dropout2d::new(0.5, Generator::new(0, 1));
    /// let y = dropout.forward(Tensor::full([1, 2, 1, 8], 1.0f32), Mode::Train);
    /// assert_eq!(y.as_slice()[..8], y.as_slice()[8..]);
    /// ```
    Dropout2d, dropout2d, dropout2d::Mask
}
