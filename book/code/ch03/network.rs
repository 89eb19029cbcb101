//! A small residual network with its backward pass, and seven ways to get it wrong.
//!
//! ```text
//! x (N, 7, 7, 1) → conv 3×3 → batch norm → ρ → a ──┬─ conv 3×3 ─┬→ + → mean over pixels
//!                                                  └────────────┘
//!               → fc1 (16 → 16) → ρ → fc2 (16 → 10) → cross-entropy
//! ```
//!
//! The activation ρ is ReLU, or softplus where a smooth one is wanted.

use super::parts::{self, Moments};
use residual::{
    Real, Tensor,
    ops::{
        bias,
        conv2d::{self, Geometry},
        linear,
    },
    rng::Generator,
};

/// Channels of every layer inside.
pub const CHANNELS: usize = 16;
/// Classes that the network tells apart.
pub const CLASSES: usize = 10;
/// The parameters, in the order in which the network uses them.
pub const NAMES: [&str; 7] =
    ["conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "fc1.weight", "fc2.weight", "fc2.bias"];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Batch norm's backward takes the batch mean for a constant.
    ForgottenMean,
    /// A linear layer's backward multiplies by the weight where its transpose belongs.
    TransposedWeight,
    /// The gradient of a convolution's input convolves without turning the kernel.
    UnturnedKernel,
    /// The loss is a mean over the batch, and its gradient that of a sum.
    SummedLoss,
    /// ReLU's backward looks at the signs of another tensor of the same shape.
    WrongMask,
    /// Where a shortcut joins, the gradient is overwritten instead of added to.
    LostShortcut,
    /// Forward divides by N - 1 instead of N, and backward differentiates that correctly.
    OtherVariance,
}

/// The faults of the table, in its order.
pub const FAULTS: [(Fault, &str); 7] = [
    (Fault::ForgottenMean, "forgotten batch mean"),
    (Fault::TransposedWeight, "transposed weight"),
    (Fault::UnturnedKernel, "kernel not turned"),
    (Fault::SummedLoss, "sum instead of mean"),
    (Fault::WrongMask, "mask of the wrong tensor"),
    (Fault::LostShortcut, "= instead of +="),
    (Fault::OtherVariance, "N - 1 instead of N"),
];

/// The activation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Relu,
    /// ln(1 + eˣ): ReLU without its corner.
    Softplus,
}

/// Images and what they show.
pub struct Batch<T: Real> {
    /// (N, 7, 7, 1)
    pub images: Tensor<T>,
    pub labels: Vec<usize>,
}

/// The network: its parameters in the order of [`NAMES`], and its fault.
pub struct Network<T: Real> {
    pub parameters: Vec<Tensor<T>>,
    pub activation: Activation,
    pub fault: Fault,
}

/// What forward keeps for backward.
struct Kept<T: Real> {
    normal: Tensor<T>,
    moments: Moments<T>,
    convolved: Tensor<T>,
    before_relu: Tensor<T>,
    fork: Tensor<T>,
    features: Tensor<T>,
    hidden: Tensor<T>,
    active: Tensor<T>,
    logits: Tensor<T>,
}

/// A 3×3 convolution that keeps the size.
const SAME: Geometry = Geometry { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

impl<T: Real> Network<T> {
    /// Weights drawn as He et al. (2015) do, the same for every number type.
    pub fn new(seed: u64, activation: Activation, fault: Fault) -> Self {
        let mut random = Generator::new(seed, 0);
        let mut weight = |shape: &[usize], fan_in: usize| {
            let scale = (2.0 / fan_in as f64).sqrt();
            let values = (0..shape.iter().product()).map(|_| T::of((scale * random.normal()) as f32 as f64));
            values.collect::<Vec<_>>()
        };
        let c = CHANNELS;
        let parameters = vec![
            Tensor::from_vec([c, 1, 3, 3], weight(&[c, 1, 3, 3], 9)),
            Tensor::full([c], T::ONE),
            Tensor::zeros([c]),
            Tensor::from_vec([c, c, 3, 3], weight(&[c, c, 3, 3], 9 * c)),
            Tensor::from_vec([c, c], weight(&[c, c], c)),
            Tensor::from_vec([CLASSES, c], weight(&[CLASSES, c], c)),
            Tensor::zeros([CLASSES]),
        ];
        Self { parameters, activation, fault }
    }

    /// The same network in another precision.
    pub fn cast<U: Real>(&self) -> Network<U> {
        let parameters = self.parameters.iter().map(Tensor::cast).collect();
        Network { parameters, activation: self.activation, fault: self.fault }
    }

    /// The mean cross-entropy over the batch.
    pub fn loss(&self, batch: &Batch<T>) -> T {
        parts::cross_entropy(&self.forward(batch).logits, &batch.labels)
    }

    /// How many activations change sign when `other`'s parameters take the place of these.
    pub fn crossings(&self, other: &Self, batch: &Batch<T>) -> usize {
        let (here, there) = (self.forward(batch), other.forward(batch));
        let pairs = [(here.before_relu, there.before_relu), (here.hidden, there.hidden)];
        let crossed = |(a, b): &(Tensor<T>, Tensor<T>)| {
            a.as_slice().iter().zip(b.as_slice()).filter(|&(&a, &b)| (a > T::ZERO) != (b > T::ZERO)).count()
        };
        pairs.iter().map(crossed).sum()
    }

    /// The logits (N, 10).
    pub fn logits(&self, batch: &Batch<T>) -> Tensor<T> {
        self.forward(batch).logits
    }

    fn forward(&self, batch: &Batch<T>) -> Kept<T> {
        let [conv1, gamma, beta, conv2, fc1, fc2, b2] = &self.parameters[..] else {
            unreachable!("new makes seven")
        };
        let convolved = conv2d::forward(&batch.images, conv1, SAME);
        let unbiased = self.fault == Fault::OtherVariance;
        let moments = Moments::of(&convolved, unbiased);
        let normal = moments.normalize(&convolved);
        let before_relu = parts::scale_and_shift(&normal, gamma, beta);
        let fork = parts::activate(&before_relu, self.activation);
        let sum = parts::add(conv2d::forward(&fork, conv2, SAME), &fork);
        let features = parts::mean_of_pixels(&sum);
        let hidden = linear::forward(&features, fc1);
        let active = parts::activate(&hidden, self.activation);
        let logits = bias::forward(linear::forward(&active, fc2), b2);
        Kept { normal, moments, convolved, before_relu, fork, features, hidden, active, logits }
    }

    // ANCHOR: gradients
    /// The loss, and its gradient by every parameter.
    pub fn gradients(&self, batch: &Batch<T>) -> (T, Vec<Tensor<T>>) {
        let [conv1, gamma, _, conv2, fc1, fc2, _] = &self.parameters[..] else {
            unreachable!("new makes seven")
        };
        let kept = self.forward(batch);
        let fault = self.fault;

        let dlogits = parts::cross_entropy_backward(&kept.logits, &batch.labels, fault);
        let (dfc2, db2) =
            (linear::grad_weights(&dlogits, &kept.active, fc2.shape()), bias::backward(&dlogits));
        let dactive = linear::grad_input(&dlogits, fc2);
        let dhidden = parts::activate_backward(dactive, &kept.hidden, self.activation);
        let dfc1 = linear::grad_weights(&dhidden, &kept.features, fc1.shape());
        let dfeatures = parts::linear_grad_input(&dhidden, fc1, fault);
        let dsum = parts::mean_of_pixels_backward(&dfeatures, kept.fork.shape());

        let dconv2 = conv2d::grad_weights(&dsum, &kept.fork, conv2.shape(), SAME);
        let dfork = parts::fork_backward(&dsum, parts::conv_grad_input(&dsum, conv2, fault), fault);
        let mask = if fault == Fault::WrongMask { &kept.convolved } else { &kept.before_relu };
        let dscaled = parts::activate_backward(dfork, mask, self.activation);
        let (dnormal, dgamma, dbeta) = parts::scale_and_shift_backward(&dscaled, &kept.normal, gamma);
        let dconvolved = kept.moments.normalize_backward(&dnormal, &kept.normal, fault);
        let dconv1 = conv2d::grad_weights(&dconvolved, &batch.images, conv1.shape(), SAME);

        let loss = parts::cross_entropy(&kept.logits, &batch.labels);
        (loss, vec![dconv1, dgamma, dbeta, dconv2, dfc1, dfc2, db2])
    }
    // ANCHOR_END: gradients
}
