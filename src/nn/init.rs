//! Where the weights start.
//!
//! A layer with weights of variance v turns an input of variance 1 into an output of variance
//! fan_in · v, and a gradient of variance 1 into one of fan_out · v. Fan-in is how many inputs an
//! output sees, fan-out how many outputs an input reaches. Neither product may be far from 1, or
//! signals die out or explode with depth; ReLU halves the variance, which costs a factor of 2
//! (He et al. 2015, "Delving Deep into Rectifiers", section 2.2).

use crate::{real::Real, rng::Generator, tensor::Tensor};

/// How weights and biases are drawn.
///
/// ```
/// use residual::{nn::{Conv2d, Init}, rng::Generator};
/// let rng = &mut Generator::new(0, 0);
/// let conv = Conv2d::<f32>::new(3, 16, 3).padding(1).init(Init::KaimingNormal, rng);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// PyTorch's: weights and biases uniform within ±1/√fan_in.
    Default,
    /// He's: weights normal with variance 2 / fan_out, biases zero. The choice of residual networks.
    KaimingNormal,
    /// Weights normal with this deviation whatever the fans are, biases all equal: the choice of
    /// AlexNet and of VGG's classifiers.
    Normal {
        /// Of the weights.
        deviation: f64,
        /// Every one of them.
        bias: f64,
    },
    /// Weights normal with this deviation and drawn again beyond ±2, as PyTorch's `trunc_normal_` does;
    /// biases as [`Default`](Self::Default) has them. The choice of torchvision's GoogLeNet, with 0.01.
    TruncatedNormal(f64),
}

impl Init {
    /// Fills weights (O, I, …) and their bias, unless `rng` is idle. The fans count the kernel's
    /// taps: I · KH · KW and O · KH · KW.
    pub(super) fn fill<T: Real>(self, w: &mut Tensor<T>, b: Option<&mut Tensor<T>>, rng: &mut Generator) {
        if rng.is_idle() {
            return;
        }
        let shape = w.shape();
        let (out, fan_in) = (shape.dims()[0], shape.dims()[1..].iter().product::<usize>());
        let fan_out = out * shape.dims()[2..].iter().product::<usize>();
        let bound = 1.0 / (fan_in as f64).sqrt();
        match self {
            Self::Default => {
                uniform(w, bound, rng);
                if let Some(b) = b {
                    uniform(b, bound, rng);
                }
            }
            Self::KaimingNormal => {
                let deviation = (2.0 / fan_out as f64).sqrt();
                Self::Normal { deviation, bias: 0.0 }.fill(w, b, rng);
            }
            Self::Normal { deviation, bias } => {
                w.as_mut_slice().iter_mut().for_each(|x| *x = T::of(deviation * rng.normal()));
                if let Some(b) = b {
                    b.as_mut_slice().fill(T::of(bias));
                }
            }
            Self::TruncatedNormal(deviation) => {
                w.as_mut_slice().iter_mut().for_each(|x| *x = T::of(truncated_normal(deviation, rng)));
                if let Some(b) = b {
                    uniform(b, bound, rng);
                }
            }
        }
    }
}

/// Draws each number from -bound..bound.
fn uniform<T: Real>(x: &mut Tensor<T>, bound: f64, rng: &mut Generator) {
    x.as_mut_slice().iter_mut().for_each(|x| *x = T::of(bound * (2.0 * rng.uniform() - 1.0)));
}

/// The first number within ±2.
fn truncated_normal(deviation: f64, rng: &mut Generator) -> f64 {
    loop {
        let x = deviation * rng.normal();
        if x.abs() <= 2.0 {
            return x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(x: &Tensor<f64>) -> (f64, f64, f64) {
        let n = x.len() as f64;
        let mean = x.as_slice().iter().sum::<f64>() / n;
        let variance = x.as_slice().iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        (mean, variance, x.as_slice().iter().fold(0.0, |most, x| x.abs().max(most)))
    }

    /// 18,432 draws: mean and variance are within 5 standard errors of the formula's.
    #[test]
    fn variances_are_those_of_the_formulas() {
        let (mut w, mut b) = (Tensor::<f64>::zeros([64, 32, 3, 3]), Tensor::full([64], 9.0));
        let n = w.len() as f64;

        Init::Default.fill(&mut w, Some(&mut b), &mut Generator::new(1, 0));
        let (bound, (mean, variance, most)) = (1.0 / 288f64.sqrt(), moments(&w));
        assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt());
        approx::assert_relative_eq!(variance, bound * bound / 3.0, max_relative = 5.0 * (0.8 / n).sqrt());
        assert!(most <= bound && most > 0.99 * bound && moments(&b).2 <= bound);

        Init::KaimingNormal.fill(&mut w, Some(&mut b), &mut Generator::new(1, 0));
        let (mean, variance, _) = moments(&w);
        assert!(mean.abs() < 5.0 * (2.0 / 576.0 / n).sqrt());
        approx::assert_relative_eq!(variance, 2.0 / 576.0, max_relative = 5.0 * (2.0 / n).sqrt());
        assert_eq!(b, Tensor::zeros([64]));

        let normal = Init::Normal { deviation: 0.01, bias: 1.0 };
        normal.fill(&mut w, Some(&mut b), &mut Generator::new(1, 0));
        let (mean, variance, _) = moments(&w);
        assert!(mean.abs() < 5.0 * 0.01 / n.sqrt());
        approx::assert_relative_eq!(variance, 1e-4, max_relative = 5.0 * (2.0 / n).sqrt());
        assert_eq!(b, Tensor::full([64], 1.0));
    }

    #[test]
    fn an_idle_generator_leaves_all_as_it_is() {
        let (mut w, mut b) = (Tensor::<f64>::full([3, 2], 7.0), Tensor::full([3], 9.0));
        Init::Default.fill(&mut w, Some(&mut b), &mut Generator::new(1, 0).idle());
        assert_eq!((w, b), (Tensor::full([3, 2], 7.0), Tensor::full([3], 9.0)));
    }

    /// With a = φ(2) = 0.05399 and b = Φ(2) - Φ(-2) = 0.95450, the variance of a standard normal number
    /// between -2 and 2 is 1 - 4a / b = 0.77374.
    #[test]
    fn the_truncated_normal_ends_at_2() {
        let (mut w, mut b) = (Tensor::<f64>::zeros([64, 32, 3, 3]), Tensor::full([64], 9.0));
        let n = w.len() as f64;
        for (deviation, expected) in [(0.01, 1e-4), (1.0, 0.77374)] {
            Init::TruncatedNormal(deviation).fill(&mut w, Some(&mut b), &mut Generator::new(1, 0));
            let (mean, variance, most) = moments(&w);
            assert!(mean.abs() < 5.0 * (expected / n).sqrt());
            approx::assert_relative_eq!(variance, expected, max_relative = 5.0 * (2.0 / n).sqrt());
            assert!(most <= 2.0 && most > 1.99 * deviation);
            assert!(moments(&b).2 <= 1.0 / 288f64.sqrt() && moments(&b).1 > 0.0);
        }
    }
}
