//! [`BatchNorm2d`]: every channel with a mean and a spread of its own learning.

use super::{Affine, Kept, Layer, Mode, Outline, Param, Path, Slot, Visitor};
use crate::{
    ops::batch_norm::{self, Running, Saved},
    real::Real,
    tensor::{Shape, Tensor},
};

/// Added to the variance before its root is taken, unless said otherwise.
const EPS: f64 = 1e-5;
/// What the newest batch counts in the running statistics.
const MOMENTUM: f64 = 0.1;

/// Batch normalisation (Ioffe and Szegedy 2015), with PyTorch's ε of 1e-5 and momentum of 0.1.
///
/// Training normalises by the batch's statistics and moves the running ones a tenth of the way
/// towards them; evaluation normalises by the running ones. As in PyTorch, the running variance is
/// the unbiased one.
///
/// ```
/// use residual::{Tensor, nn::{BatchNorm2d, Layer, Mode}};
/// let mut norm = BatchNorm2d::new(1);
/// let y = norm.forward(Tensor::from_vec([1, 1, 2, 1], vec![3.0, 5.0]), Mode::Train);
/// assert!((y.as_slice()[1] - 1.0f64).abs() < 1e-5);
/// ```
#[derive(Debug)]
pub struct BatchNorm2d<T: Real> {
    weight: Param<T>,
    bias: Param<T>,
    running_mean: Tensor<T>,
    running_var: Tensor<T>,
    num_batches_tracked: u64,
    eps: f64,
    /// Whether a ReLU comes behind.
    relu: bool,
    saved: Kept<Saved<T>>,
}

impl<T: Real> BatchNorm2d<T> {
    /// For so many channels: weight 1, bias 0.
    pub fn new(channels: usize) -> Self {
        Self {
            weight: Param::new(Tensor::full([channels], T::ONE)),
            bias: Param::new(Tensor::zeros([channels])),
            running_mean: Tensor::zeros([channels]),
            running_var: Tensor::full([channels], T::ONE),
            num_batches_tracked: 0,
            eps: EPS,
            relu: false,
            saved: Kept::default(),
        }
    }

    /// What is added to the variance before its root is taken.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    // ANCHOR: zero_init
    /// With weight 0. At the end of a residual block's body, it makes the block start as its shortcut
    /// (Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.1).
    pub fn zero_init(mut self) -> Self {
        self.weight.value.as_mut_slice().fill(T::ZERO);
        self
    }
    // ANCHOR_END: zero_init

    // ANCHOR: track
    /// Moves the running statistics towards those of the batch.
    fn track(&mut self, saved: &Saved<T>) {
        let unbiased = saved.count as f64 / (saved.count - 1) as f64;
        for (running, batch, factor) in
            [(&mut self.running_mean, &saved.mean, 1.0), (&mut self.running_var, &saved.var, unbiased)]
        {
            for (running, batch) in running.as_mut_slice().iter_mut().zip(batch.as_slice()) {
                *running = *running * T::of(1.0 - MOMENTUM) + *batch * T::of(factor * MOMENTUM);
            }
        }
        self.num_batches_tracked += 1;
    }
    // ANCHOR_END: track
}

impl<T: Real> Layer<T> for BatchNorm2d<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        match mode {
            Mode::Train => {
                let forward = if self.relu { batch_norm::forward_relu } else { batch_norm::forward };
                let (y, saved) = forward(x, &self.weight.value, &self.bias.value, self.eps);
                self.track(&saved);
                self.saved.keep(mode, || saved);
                y
            }
            Mode::Eval => {
                self.saved = Kept::default();
                let running = Running { mean: &self.running_mean, var: &self.running_var };
                let eval = if self.relu { batch_norm::eval_relu } else { batch_norm::eval };
                eval(x, running, &self.weight.value, &self.bias.value, self.eps)
            }
        }
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let (dx, dweight, dbias) = batch_norm::backward(dy, &self.saved.take(), &self.weight.value);
        self.weight.accumulate(&dweight);
        self.bias.accumulate(&dbias);
        dx
    }

    // ANCHOR: affine
    fn affine(&self) -> Option<Affine<T>> {
        let scale = |(gamma, var): (&T, &T)| gamma.to_f64() / (var.to_f64() + self.eps).sqrt();
        let scale = self.weight.value.as_slice().iter().zip(self.running_var.as_slice()).map(scale);
        let shift = self.bias.value.as_slice().iter().zip(self.running_mean.as_slice());
        let each = |(scale, (beta, mean)): (f64, (&T, &T))| {
            (T::of(scale), T::of(beta.to_f64() - scale * mean.to_f64()))
        };
        Some(Affine { map: Some(scale.zip(shift).map(each).unzip()), relu: self.relu })
    }
    // ANCHOR_END: affine

    fn take_over_relu(&mut self) -> bool {
        self.relu = true;
        true
    }

    // ANCHOR: visit
    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        each(&at.join("weight"), Slot::Param(&mut self.weight));
        each(&at.join("bias"), Slot::Param(&mut self.bias));
        each(&at.join("running_mean"), Slot::Buffer(&mut self.running_mean));
        each(&at.join("running_var"), Slot::Buffer(&mut self.running_var));
        each(&at.join("num_batches_tracked"), Slot::Count(&mut self.num_batches_tracked));
    }
    // ANCHOR_END: visit

    fn outline(&self, x: Shape) -> Outline {
        let channels = self.bias.value.len();
        assert_eq!(x.last(), channels, "BatchNorm2d of {channels} channels does not fit an input {x}");
        let kind = format!(
            "BatchNorm2d({channels}, eps={}, momentum={MOMENTUM}, affine=True, track_running_stats=True)",
            as_in_python(self.eps)
        );
        // The input, and three statistics of every channel: mean, variance, 1 / spread.
        let outline = Outline::leaf(kind, x).costing(2 * channels, 0).keeping_input(x).keeping(3 * channels);
        Outline { statistics: Some(x.len() / channels), ..outline.in_place([false, true, true]) }
    }
}

/// Small numbers as Python writes them: `0.001`, `1e-05`.
fn as_in_python(x: f64) -> String {
    let scientific = format!("{x:e}");
    match scientific.split_once("e-") {
        Some((digits, exponent)) if x < 1e-4 => format!("{digits}e-{exponent:0>2}"),
        _ => x.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_statistics_move_a_tenth_of_the_way() {
        let mut norm = BatchNorm2d::<f64>::new(1);
        let batch = || Tensor::from_vec([2, 1, 2, 1], vec![1.0, 3.0, 5.0, 7.0]);
        norm.forward(batch(), Mode::Train);
        approx::assert_relative_eq!(norm.running_mean.as_slice()[0], 0.4, max_relative = 1e-15);
        approx::assert_relative_eq!(norm.running_var.as_slice()[0], 0.9 + 2.0 / 3.0, max_relative = 1e-15);
        assert_eq!(norm.num_batches_tracked, 1);

        let y = norm.forward(batch(), Mode::Eval);
        let expected = (7.0 - 0.4) / (0.9 + 2.0 / 3.0 + 1e-5f64).sqrt();
        approx::assert_relative_eq!(y.as_slice()[3], expected, max_relative = 1e-15);
        assert_eq!(norm.num_batches_tracked, 1);
    }

    #[test]
    fn a_spread_of_zero_is_told_from_eps() {
        let mut norm = BatchNorm2d::<f64>::new(1).eps(0.25);
        norm.running_var = Tensor::zeros([1]);
        let y = norm.forward(Tensor::full([1, 1, 1, 1], 3.0), Mode::Eval);
        approx::assert_relative_eq!(y.as_slice()[0], 6.0, max_relative = 1e-15);
    }

    #[test]
    fn an_outline_tells_the_fewest_values_of_a_channel() {
        use crate::nn::{MaxPool2d, Relu, Sequential};
        let net = Sequential::<f32>::new()
            .push(BatchNorm2d::new(3))
            .push(MaxPool2d::new(4))
            .push(BatchNorm2d::new(3))
            .push(Relu::new());
        assert_eq!([1, 5].map(|n| net.outline([n, 4, 4, 3].into()).statistics), [Some(1), Some(5)]);
        assert_eq!(Relu::<f32>::new().outline([1, 4, 4, 3].into()).statistics, None);
    }

    #[test]
    fn prints_as_in_pytorch() {
        assert_eq!(
            BatchNorm2d::<f32>::new(64).outline([2, 3, 3, 64].into()).kind,
            "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
        );
        assert_eq!([1e-3, 1e-4, 2.5e-5, 1e-12].map(as_in_python), ["0.001", "0.0001", "2.5e-05", "1e-12"]);
    }
}
