//! The layers of the small network, each backward with the fault that may be planted in it.

use super::network::{Activation, Fault};
use residual::{
    Real, Shape, Tensor,
    ops::{
        conv2d::{self, Geometry},
        linear,
    },
};

/// Mean and 1/σ of every channel.
pub struct Moments<T> {
    mean: Vec<T>,
    inverse_deviation: Vec<T>,
    unbiased: bool,
}

/// What the variance is kept away from zero by.
const EPSILON: f64 = 1e-5;

/// The tensor of `shape` whose number at position `i`, in channel `k`, is `f(i, k)`.
fn by_channel<T: Real>(shape: Shape, f: impl Fn(usize, usize) -> T) -> Tensor<T> {
    let mut y = Tensor::zeros(shape);
    for (pixel, values) in y.as_mut_slice().chunks_exact_mut(shape.last()).enumerate() {
        let first = pixel * values.len();
        values.iter_mut().enumerate().for_each(|(k, v)| *v = f(first + k, k));
    }
    y
}

/// The mean over all pixels of `f(i, k)`, channel by channel.
fn mean_by_channel<T: Real>(shape: Shape, f: impl Fn(usize, usize) -> T) -> Vec<T> {
    let channels = shape.last();
    let pixels = shape.len() / channels;
    let mut sums = vec![T::ZERO; channels];
    for pixel in 0..pixels {
        sums.iter_mut().enumerate().for_each(|(k, sum)| *sum += f(pixel * channels + k, k));
    }
    sums.into_iter().map(|sum| sum / T::of(pixels as f64)).collect()
}

impl<T: Real> Moments<T> {
    /// Of a batch `x` (N, H, W, C). The variance divides by the number of pixels M, or by M - 1.
    pub fn of(x: &Tensor<T>, unbiased: bool) -> Self {
        let values = x.as_slice();
        let mean = mean_by_channel(x.shape(), |i, _| values[i]);
        let variance = mean_by_channel(x.shape(), |i, k| (values[i] - mean[k]) * (values[i] - mean[k]));
        let correction = Self::correction(x, unbiased);
        let inverse_deviation =
            variance.iter().map(|&v| T::ONE / (v * correction + T::of(EPSILON)).sqrt()).collect();
        Self { mean, inverse_deviation, unbiased }
    }

    fn correction(x: &Tensor<T>, unbiased: bool) -> T {
        let pixels = (x.len() / x.shape().last()) as f64;
        T::of(if unbiased { pixels / (pixels - 1.0) } else { 1.0 })
    }

    /// (x - mean) / σ
    pub fn normalize(&self, x: &Tensor<T>) -> Tensor<T> {
        let x_at = x.as_slice();
        by_channel(x.shape(), |i, k| (x_at[i] - self.mean[k]) * self.inverse_deviation[k])
    }

    // ANCHOR: normalize_backward
    /// dL/dx from dL/dx̂. The mean and σ depend on x too; each dependence is one subtracted term.
    pub fn normalize_backward(&self, dnormal: &Tensor<T>, normal: &Tensor<T>, fault: Fault) -> Tensor<T> {
        let (d, x) = (dnormal.as_slice(), normal.as_slice());
        let mut through_mean = mean_by_channel(normal.shape(), |i, _| d[i]);
        let through_deviation = mean_by_channel(normal.shape(), |i, _| d[i] * x[i]);
        if fault == Fault::ForgottenMean {
            through_mean.fill(T::ZERO);
        }
        let correction = Self::correction(normal, self.unbiased);
        by_channel(normal.shape(), |i, k| {
            self.inverse_deviation[k] * (d[i] - through_mean[k] - x[i] * through_deviation[k] * correction)
        })
    }
    // ANCHOR_END: normalize_backward
}

/// γ·x̂ + β
pub fn scale_and_shift<T: Real>(normal: &Tensor<T>, gamma: &Tensor<T>, beta: &Tensor<T>) -> Tensor<T> {
    let (x, gamma, beta) = (normal.as_slice(), gamma.as_slice(), beta.as_slice());
    by_channel(normal.shape(), |i, k| x[i] * gamma[k] + beta[k])
}

/// dx̂, dγ, dβ
pub fn scale_and_shift_backward<T: Real>(
    dy: &Tensor<T>,
    normal: &Tensor<T>,
    gamma: &Tensor<T>,
) -> (Tensor<T>, Tensor<T>, Tensor<T>) {
    let (d, x, gamma) = (dy.as_slice(), normal.as_slice(), gamma.as_slice());
    let pixels = T::of((dy.len() / gamma.len()) as f64);
    let sum = |means: Vec<T>| Tensor::from_vec([gamma.len()], means).map(|mean| mean * pixels);
    let dgamma = sum(mean_by_channel(dy.shape(), |i, _| d[i] * x[i]));
    let dbeta = sum(mean_by_channel(dy.shape(), |i, _| d[i]));
    (by_channel(dy.shape(), |i, k| d[i] * gamma[k]), dgamma, dbeta)
}

/// max(x, 0), or ln(1 + eˣ).
pub fn activate<T: Real>(x: &Tensor<T>, activation: Activation) -> Tensor<T> {
    x.map(|v| match activation {
        Activation::Relu => v.max(T::ZERO),
        Activation::Softplus => (T::ONE + v.exp()).ln(),
    })
}

// ANCHOR: activate_backward
/// ReLU passes the gradient where its input `x` was positive. Any tensor of x's shape would be accepted.
pub fn activate_backward<T: Real>(mut dy: Tensor<T>, x: &Tensor<T>, activation: Activation) -> Tensor<T> {
    for (d, &v) in dy.as_mut_slice().iter_mut().zip(x.as_slice()) {
        *d *= match activation {
            Activation::Relu if v > T::ZERO => T::ONE,
            Activation::Relu => T::ZERO,
            Activation::Softplus => T::ONE / (T::ONE + (-v).exp()),
        };
    }
    dy
}
// ANCHOR_END: activate_backward

/// x + y
pub fn add<T: Real>(mut x: Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    x.as_mut_slice().iter_mut().zip(y.as_slice()).for_each(|(x, &y)| *x += y);
    x
}

// ANCHOR: fork_backward
/// The fork's value went two ways, so its gradient is the sum of what comes back on both.
pub fn fork_backward<T: Real>(shortcut: &Tensor<T>, body: Tensor<T>, fault: Fault) -> Tensor<T> {
    if fault == Fault::LostShortcut { body } else { add(body, shortcut) }
}
// ANCHOR_END: fork_backward

// ANCHOR: conv_grad_input
/// dx of a 3×3 convolution with padding 1 is again one: of dy, with input and output channels
/// exchanged and every kernel turned by half a turn.
pub fn conv_grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>, fault: Fault) -> Tensor<T> {
    let [o, i, kh, kw] = w.dims();
    let turned = Tensor::from_fn([i, o, kh, kw], |at| {
        let (channels, tap) = (at / (kh * kw), at % (kh * kw));
        let tap = if fault == Fault::UnturnedKernel { tap } else { kh * kw - 1 - tap };
        w.as_slice()[(channels % o * i + channels / o) * kh * kw + tap]
    });
    conv2d::forward(dy, &turned, Geometry::default().padding([1, 1]))
}
// ANCHOR_END: conv_grad_input

/// (N, H, W, C) → (N, C)
pub fn mean_of_pixels<T: Real>(x: &Tensor<T>) -> Tensor<T> {
    let [n, h, w, c] = x.dims();
    let mut y = Tensor::zeros([n, c]);
    for (image, means) in x.as_slice().chunks_exact(h * w * c).zip(y.as_mut_slice().chunks_exact_mut(c)) {
        for pixel in image.chunks_exact(c) {
            means.iter_mut().zip(pixel).for_each(|(mean, &v)| *mean += v / T::of((h * w) as f64));
        }
    }
    y
}

/// Every pixel had the same share in its mean.
pub fn mean_of_pixels_backward<T: Real>(dy: &Tensor<T>, x: Shape) -> Tensor<T> {
    let pixels = x.dims()[1] * x.dims()[2];
    let size = pixels * x.last();
    by_channel(x, |i, k| dy.as_slice()[i / size * x.last() + k] / T::of(pixels as f64))
}

// ANCHOR: linear_grad_input
/// y = x·wᵀ, so dx = dy·w. For a square w, dy·wᵀ has the same shape.
pub fn linear_grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>, fault: Fault) -> Tensor<T> {
    if fault == Fault::TransposedWeight { linear::forward(dy, w) } else { linear::grad_input(dy, w) }
}
// ANCHOR_END: linear_grad_input

/// exp(logit - max), and their sum, for one image.
fn softmax_parts<T: Real>(logits: &[T]) -> (Vec<T>, T, T) {
    let max = logits.iter().copied().fold(T::NEG_INFINITY, T::max);
    let exponentials: Vec<_> = logits.iter().map(|&z| (z - max).exp()).collect();
    let sum = exponentials.iter().copied().sum();
    (exponentials, sum, max)
}

/// The mean over the batch of -ln p(label).
pub fn cross_entropy<T: Real>(logits: &Tensor<T>, labels: &[usize]) -> T {
    let rows = logits.as_slice().chunks_exact(logits.shape().last());
    let losses = rows.zip(labels).map(|(row, &label)| {
        let (_, sum, max) = softmax_parts(row);
        sum.ln() + max - row[label]
    });
    losses.sum::<T>() / T::of(labels.len() as f64)
}

// ANCHOR: cross_entropy_backward
/// (p - 1 at the label) / N: the loss is a mean over the N images of the batch.
pub fn cross_entropy_backward<T: Real>(logits: &Tensor<T>, labels: &[usize], fault: Fault) -> Tensor<T> {
    let mut dlogits = Tensor::zeros(logits.shape());
    let classes = logits.shape().last();
    let n = if fault == Fault::SummedLoss { T::ONE } else { T::of(labels.len() as f64) };
    let rows = logits.as_slice().chunks_exact(classes).zip(labels);
    for (d, (row, &label)) in dlogits.as_mut_slice().chunks_exact_mut(classes).zip(rows) {
        let (exponentials, sum, _) = softmax_parts(row);
        d.iter_mut().zip(exponentials).for_each(|(d, e)| *d = e / sum / n);
        d[label] -= T::ONE / n;
    }
    dlogits
}
// ANCHOR_END: cross_entropy_backward
