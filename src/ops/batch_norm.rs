//! Batch normalisation: every channel with the mean and the spread that it is told to have
//! (Ioffe and Szegedy 2015).
//!
//! ```text
//! μ[c]  = mean over the m pixels of x[…, c]            m = N·H·W
//! σ²[c] = mean over the m pixels of (x[…, c] - μ[c])²
//! x̂     = (x - μ) / √(σ² + ε)
//! y     = γ·x̂ + β
//! ```
//!
//! `x` is (N, H, W, C) or (N, C), in general (…, C); `γ`, `β`, `μ` and `σ²` are (C). In evaluation
//! the running averages of μ and σ² stand in for the batch's: [`eval`].
//!
//! # Backward
//!
//! `β` is added to every pixel and `γ` scales x̂, so `dβ = Σ dy` and `dγ = Σ dy·x̂`, summed over
//! pixels. For `dx`, note what x̂ cannot do: its mean is 0 and the mean of its square is 1 (up to
//! ε) whatever `x` is. Moving all of `x` by the same amount leaves x̂ alone, and so does stretching
//! `x` about its mean. So the gradient that reaches `x` is the one that reaches x̂, `γ·dy`, less its
//! part along each of these two directions, the constant one and x̂ itself, over the spread:
//!
//! ```text
//! dx = γ / √(σ² + ε) · (dy - mean(dy) - x̂ · mean(dy·x̂))
//! ```
//!
//! The chain rule says the same: `∂μ/∂x = 1/m` brings the first mean, `∂σ²/∂x = 2·(x - μ)/m` the
//! second. The two means are dβ/m and dγ/m, already at hand. With ε > 0 the formula is still exact,
//! since x̂ is defined with ε.
//!
//! # With a ReLU behind
//!
//! [`forward_relu`] and [`eval_relu`] cut `y` off below zero in the pass that computes it, and [`backward`] lets
//! `dy` through where `y > 0`. It computes `y` again, from the `x` that it reads anyway: memory is what these
//! passes wait for.

mod moments;

use super::{abreast::Abreast, threads};
use crate::{
    kernels::norm::{Channels, Loss},
    real::Real,
    simd::Isa,
    tensor::Tensor,
};
use moments::{Moments, moments};

/// What backward needs, and the batch's statistics for the running averages.
///
/// ```
/// use residual::{Tensor, ops::batch_norm};
/// let (one, zero) = (Tensor::full([1], 1.0), Tensor::zeros([1]));
/// let x = Tensor::from_vec([4, 1], vec![1.0, 3.0, 5.0, 7.0]);
/// let (y, saved) = batch_norm::forward(x, &one, &zero, 0.0);
/// assert_eq!((saved.mean.as_slice(), saved.var.as_slice()), ([4.0].as_slice(), [5.0].as_slice()));
/// assert_eq!(y.as_slice()[3], 3.0 / 5f64.sqrt());
/// // PyTorch keeps a running average of the unbiased variance: 20 / 3, not 20 / 4.
/// let unbiased = saved.var.as_slice()[0] * saved.count as f64 / (saved.count - 1) as f64;
/// assert!((unbiased - 20.0 / 3.0).abs() < 1e-12);
/// ```
// ANCHOR: saved
#[derive(Clone, Debug)]
pub struct Saved<T: Real> {
    /// The batch's mean μ (C).
    pub mean: Tensor<T>,
    /// The batch's variance σ² (C), divided by `count`: the biased one.
    pub var: Tensor<T>,
    /// How many pixels there are, m = N·H·W.
    pub count: usize,
    x: Tensor<T>,
    /// 1 / √(σ² + ε)
    inv_std: Vec<T>,
    /// β, if a ReLU came behind.
    relu: Option<Tensor<T>>,
}
// ANCHOR_END: saved

/// The running averages that stand in for the batch's statistics in evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Running<'a, T: Real> {
    /// Of the mean (C).
    pub mean: &'a Tensor<T>,
    /// Of the unbiased variance (C).
    pub var: &'a Tensor<T>,
}

/// `y` (…, C) by the statistics of this batch, and what backward needs.
///
/// # Panics
/// If `gamma` and `beta` are not (C), or there are fewer than two pixels to take a variance of.
#[track_caller]
pub fn forward<T: Real>(
    x: Tensor<T>,
    gamma: &Tensor<T>,
    beta: &Tensor<T>,
    eps: f64,
) -> (Tensor<T>, Saved<T>) {
    train(x, gamma, beta, eps, false)
}

// ANCHOR: forward_relu
/// As [`forward`] and a ReLU on its `y`, in one pass over memory.
///
/// # Panics
/// As [`forward`].
#[track_caller]
pub fn forward_relu<T: Real>(
    x: Tensor<T>,
    gamma: &Tensor<T>,
    beta: &Tensor<T>,
    eps: f64,
) -> (Tensor<T>, Saved<T>) {
    train(x, gamma, beta, eps, true)
}
// ANCHOR_END: forward_relu

#[track_caller]
fn train<T: Real>(
    x: Tensor<T>,
    gamma: &Tensor<T>,
    beta: &Tensor<T>,
    eps: f64,
    relu: bool,
) -> (Tensor<T>, Saved<T>) {
    let c = x.shape().last();
    assert_eq!((gamma.dims(), beta.dims()), ([c], [c]), "one γ and one β for each channel of {}", x.shape());
    let count = x.len() / c;
    assert!(count > 1, "training needs more than one value per channel, got an input {}", x.shape());
    let Moments { mean, squares, .. } = moments(x.as_slice(), c);
    let var: Vec<_> = squares.iter().map(|&m2| m2 / count as f64).collect();
    let inv_std = var.iter().map(|var| T::of(1.0 / (var + eps).sqrt())).collect();
    let tensor = |values: Vec<f64>| Tensor::from_fn([c], |i| T::of(values[i]));
    let saved =
        Saved { mean: tensor(mean), var: tensor(var), count, x, inv_std, relu: relu.then(|| beta.clone()) };
    let mut y = Tensor::scratch(saved.x.shape());
    let (isa, xs, abreast) = (Isa::current(), saved.x.as_slice(), Abreast::new(count, c));
    let [mean, scale, beta] = abreast.repeat([saved.mean.as_slice(), &saved.scale(gamma), beta.as_slice()]);
    let by = Channels { mean: &mean, scale: &scale, beta: &beta, relu };
    threads::split(y.as_mut_slice(), abreast.channels(), |at, y| {
        T::normalise(isa, by, Some(&xs[at..][..y.len()]), y);
    });
    (y, saved)
}

/// `y` (…, C), in the memory of `x`, by running statistics.
///
/// # Panics
/// If one of the four others is not (C).
#[track_caller]
pub fn eval<T: Real>(
    x: Tensor<T>,
    running: Running<'_, T>,
    gamma: &Tensor<T>,
    beta: &Tensor<T>,
    eps: f64,
) -> Tensor<T> {
    judge(x, running, gamma, beta, eps, false)
}

/// As [`eval`] and a ReLU on its `y`, in one pass over memory.
///
/// # Panics
/// As [`eval`].
#[track_caller]
pub fn eval_relu<T: Real>(
    x: Tensor<T>,
    running: Running<'_, T>,
    gamma: &Tensor<T>,
    beta: &Tensor<T>,
    eps: f64,
) -> Tensor<T> {
    judge(x, running, gamma, beta, eps, true)
}

#[track_caller]
fn judge<T: Real>(
    mut x: Tensor<T>,
    running: Running<'_, T>,
    gamma: &Tensor<T>,
    beta: &Tensor<T>,
    eps: f64,
    relu: bool,
) -> Tensor<T> {
    let c = x.shape().last();
    for each in [running.mean, running.var, gamma, beta] {
        assert_eq!(each.dims(), [c], "one number for each channel of {}", x.shape());
    }
    let scale = |(&gamma, var): (&T, &T)| T::of(gamma.to_f64() / (var.to_f64() + eps).sqrt());
    let scale: Vec<_> = gamma.as_slice().iter().zip(running.var.as_slice()).map(scale).collect();
    let abreast = Abreast::new(x.len() / c, c);
    let [mean, scale, beta] = abreast.repeat([running.mean.as_slice(), &scale, beta.as_slice()]);
    let by = Channels { mean: &mean, scale: &scale, beta: &beta, relu };
    let isa = Isa::current();
    threads::split(x.as_mut_slice(), abreast.channels(), |_, x| T::normalise(isa, by, None, x));
    x
}

impl<T: Real> Saved<T> {
    /// γ / √(σ² + ε)
    fn scale(&self, gamma: &Tensor<T>) -> Vec<T> {
        gamma.as_slice().iter().zip(&self.inv_std).map(|(&gamma, &inv)| gamma * inv).collect()
    }
}

/// `dx` (…, C), in the memory of `dy`, then `dgamma` and `dbeta` (C), through the ReLU if there was one.
///
/// # Panics
/// If `dy` has not the shape of the output, or `gamma` is not (C).
#[track_caller]
pub fn backward<T: Real>(
    dy: Tensor<T>,
    saved: &Saved<T>,
    gamma: &Tensor<T>,
) -> (Tensor<T>, Tensor<T>, Tensor<T>) {
    assert_eq!(dy.shape(), saved.x.shape(), "dy has the shape of the output");
    assert_eq!(gamma.dims(), [dy.shape().last()], "one γ for each channel of {}", dy.shape());
    let Saved { x, mean, inv_std, count, .. } = saved;
    let (isa, c) = (Isa::current(), x.shape().last());
    let abreast = Abreast::new(*count, c);
    // Without a ReLU, β is of no use.
    let beta = saved.relu.as_ref().unwrap_or(gamma).as_slice();
    let [mean, scale, beta] = abreast.repeat([mean.as_slice(), &saved.scale(gamma), beta]);
    let by = Channels { mean: &mean, scale: &scale, beta: &beta, relu: saved.relu.is_some() };
    let (dys, xs, wide) = (dy.as_slice(), x.as_slice(), abreast.channels());
    let sums = threads::sums(count / abreast.pixels(), wide, 2 * wide, |pixels, sums: &mut [T]| {
        let numbers = pixels.start * wide..pixels.end * wide;
        T::norm_gradients(isa, by, [&dys[numbers.clone()], &xs[numbers]], sums.split_at_mut(wide).into());
    });
    let [dbeta, unscaled] = <[_; 2]>::from(sums.split_at(wide)).map(|sums| abreast.fold(sums));
    let dbeta = Tensor::from_fn([c], |i| T::of(dbeta[i]));
    let dgamma = Tensor::from_fn([c], |i| T::of(unscaled[i]) * inv_std[i]);

    let m = T::of(*count as f64);
    let shift: Vec<T> = dbeta.as_slice().iter().map(|&dbeta| dbeta / m).collect();
    let slope: Vec<T> =
        dgamma.as_slice().iter().zip(inv_std).map(|(&dgamma, &inv)| dgamma / m * inv).collect();
    let [shift, slope] = abreast.repeat([&shift, &slope]);
    let loss = Loss { shift: &shift, slope: &slope };
    // A shortcut may share dy.
    let (mut dx, shared) = dy.make_room();
    threads::split(dx.as_mut_slice(), wide, |at, dx| {
        let piece = at..at + dx.len();
        let dys = shared.as_ref().map(|dy| &dy.as_slice()[piece.clone()]);
        T::norm_descend(isa, by, loss, (&xs[piece], dys), dx);
    });
    (dx, dgamma, dbeta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::relu;

    fn constants(c: usize) -> (Tensor<f64>, Tensor<f64>) {
        (Tensor::from_fn([c], |i| 1.0 + i as f64), Tensor::from_fn([c], |i| 0.5 * i as f64))
    }

    #[test]
    fn has_the_mean_and_spread_that_it_is_told() {
        let (gamma, beta) = constants(2);
        let x = Tensor::from_vec([2, 1, 2, 2], vec![0.0, 5.0, 2.0, 5.0, 0.0, 7.0, 2.0, 7.0]);
        let (y, saved) = forward(x, &gamma, &beta, 0.0);
        assert_eq!(y.as_slice(), [-1.0, -1.5, 1.0, -1.5, -1.0, 2.5, 1.0, 2.5]);
        assert_eq!(
            (saved.mean.as_slice(), saved.var.as_slice()),
            ([1.0, 6.0].as_slice(), [1.0, 1.0].as_slice())
        );
        assert_eq!(saved.count, 4);
    }

    #[test]
    fn backward_removes_what_the_statistics_absorb() {
        let (gamma, beta) = constants(1);
        let x = Tensor::from_vec([4, 1], vec![1.0, 2.0, 4.0, 5.0]);
        let (y, saved) = forward(x, &gamma, &beta, 0.0);
        // Moving all of x, or stretching it, changes nothing.
        for dy in [Tensor::full([4, 1], 3.0), y] {
            let (dx, ..) = backward(dy, &saved, &gamma);
            approx::assert_abs_diff_eq!(dx.as_slice(), [0.0; 4].as_slice(), epsilon = 1e-15);
        }
        // By hand: μ = 3, σ² = 5/2, x̂ = (-2, -1, 1, 2) / √2.5, dy = (1, 0, 0, 0).
        let s = 2.5f64.sqrt();
        let (dx, dgamma, dbeta) =
            backward(Tensor::from_vec([4, 1], vec![1.0, 0.0, 0.0, 0.0]), &saved, &gamma);
        approx::assert_relative_eq!(dgamma.as_slice()[0], -2.0 / s, max_relative = 1e-15);
        assert_eq!(dbeta.as_slice(), [1.0]);
        let expected = [0.35, -0.45, -0.05, 0.15].map(|d| d / s);
        approx::assert_relative_eq!(dx.as_slice(), expected.as_slice(), max_relative = 1e-14);
    }

    /// Large enough to be cut for threads; some of `y` lies below zero.
    #[test]
    fn with_a_relu_behind_it_is_both_one_after_the_other() {
        let (gamma, beta) =
            (Tensor::from_vec([3], vec![1.0f32, -0.5, 0.0]), Tensor::from_vec([3], vec![0.1, -0.2, 0.3]));
        let x = Tensor::from_fn([30_000, 3], |i| ((i * 7919) % 2003) as f32 / 500.0 - 2.0);
        let dy = Tensor::from_fn(x.shape(), |i| ((i * 104_729) % 1009) as f32 / 500.0 - 1.0);
        let (y, saved) = forward(x.clone(), &gamma, &beta, 1e-5);
        let y = relu::forward(y);
        let expected = backward(relu::backward(dy.clone(), &y), &saved, &gamma);
        let (fused, saved) = forward_relu(x.clone(), &gamma, &beta, 1e-5);
        assert_eq!(fused, y);
        assert!(
            (0..2).all(|c| y.as_slice().iter().skip(c).step_by(3).filter(|&&y| y == 0.0).count() > 9_000)
        );
        assert_eq!(backward(dy, &saved, &gamma), expected);
        let running = Running { mean: &saved.mean, var: &saved.var };
        let plain = relu::forward(eval(x.clone(), running, &gamma, &beta, 1e-5));
        assert_eq!(eval_relu(x, running, &gamma, &beta, 1e-5), plain);
    }

    #[test]
    fn evaluation_uses_the_statistics_it_is_given() {
        let (gamma, beta) = constants(2);
        let (mean, var) = (Tensor::from_vec([2], vec![1.0, 2.0]), Tensor::from_vec([2], vec![3.0, 8.0]));
        let running = Running { mean: &mean, var: &var };
        let y = eval(Tensor::from_vec([1, 1, 1, 2], vec![5.0, 5.0]), running, &gamma, &beta, 1.0);
        assert_eq!(y.as_slice(), [2.0, 2.5]);
    }

    #[test]
    fn statistics_of_many_f32_keep_their_digits() {
        // A spread of 1 around 100: squares would lose four of seven digits.
        let x = Tensor::from_fn([1, 400, 500, 2], |i| 100.0 + ((i * 7919) % 2003) as f32 / 1000.0);
        let exact = moments(x.cast::<f64>().as_slice(), 2);
        let (_, saved) = forward(x, &Tensor::full([2], 1.0), &Tensor::zeros([2]), 1e-5);
        for channel in 0..2 {
            let value = |t: &Tensor<f32>| f64::from(t.as_slice()[channel]);
            approx::assert_relative_eq!(value(&saved.mean), exact.mean[channel], max_relative = 1e-6);
            let var = exact.squares[channel] / 200_000.0;
            approx::assert_relative_eq!(value(&saved.var), var, max_relative = 1e-6);
        }
    }

    #[test]
    #[should_panic(expected = "more than one value per channel")]
    fn one_value_has_no_variance() {
        forward(Tensor::zeros([1, 1, 1, 3]), &Tensor::full([3], 1.0f32), &Tensor::zeros([3]), 1e-5);
    }
}
