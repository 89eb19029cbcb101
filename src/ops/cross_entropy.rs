//! Softmax and cross-entropy in one: the loss of classification.
//!
//! For one row of scores z with label `l`, and p = softmax(z), the loss is
//!
//! ```text
//! -log p[l] = log Σ over k of exp(z[k]) - z[l]
//! ```
//!
//! and the batch's loss is the mean over its rows. The right side never takes the logarithm of a
//! probability that has rounded to zero, which is why the two operations are one.
//!
//! Label smoothing ε (Szegedy et al. 2016, section 7) asks for `1 - ε` on the label and spreads ε
//! evenly over all K classes, the label's own included:
//!
//! ```text
//! t[k] = (1 - ε) · [k = l] + ε / K        loss = Σ over k of -t[k] · log p[k]
//! ```
//!
//! Backward is as short as gradients get. Since `-log p[k] = log Σ exp - z[k]`, and the derivative
//! of `log Σ exp` by `z[j]` is `p[j]`, and the targets sum to 1, `dz[j] = p[j] - t[j]`: probability
//! found minus probability wanted, over N for the mean.

use super::softmax;
use crate::{real::Real, tensor::Tensor};

/// The loss of classification: mean over the batch of -log p(label).
///
/// ```
/// use residual::{Tensor, ops::cross_entropy::CrossEntropy};
/// let loss = CrossEntropy::default();
/// let (value, p) = loss.forward(&Tensor::<f32>::zeros([1, 10]), &[3]);
/// assert!((value - 10f64.ln()).abs() < 1e-12);
/// let dlogits = loss.backward(p, &[3]);
/// assert_eq!(dlogits.as_slice()[2..4], [0.1, 0.1 - 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// How much of the target is spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
}

impl CrossEntropy {
    /// The mean loss of `logits` (N, classes), and their probabilities for [`backward`](Self::backward).
    ///
    /// # Panics
    /// If there are not as many labels as rows, or a label is not below the number of classes.
    #[track_caller]
    pub fn forward<T: Real>(&self, logits: &Tensor<T>, labels: &[usize]) -> (f64, Tensor<T>) {
        let classes = check(logits, labels);
        let mut probabilities = logits.clone();
        let rows = probabilities.as_mut_slice().chunks_exact_mut(classes);
        let scores = logits.as_slice().chunks_exact(classes);
        let mut total = 0.0;
        for ((row, scores), &label) in rows.zip(scores).zip(labels) {
            // ANCHOR: terms
            let log_sum = softmax::normalise(row);
            let mean = scores.iter().map(|z| z.to_f64()).sum::<f64>() / classes as f64;
            total += (1.0 - self.label_smoothing) * (log_sum - scores[label].to_f64());
            // Without smoothing a score of minus infinity is no matter: 0 · ∞ must not spoil the loss.
            if self.label_smoothing > 0.0 {
                total += self.label_smoothing * (log_sum - mean);
            }
            // ANCHOR_END: terms
        }
        (total / labels.len() as f64, probabilities)
    }

    /// `dlogits` (N, classes) of the mean loss, in the memory of the probabilities.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    #[track_caller]
    // ANCHOR: backward
    pub fn backward<T: Real>(&self, mut probabilities: Tensor<T>, labels: &[usize]) -> Tensor<T> {
        let classes = check(&probabilities, labels);
        let everywhere = T::of(self.label_smoothing / classes as f64);
        let on_label = T::of(1.0 - self.label_smoothing);
        let scale = T::of(1.0 / labels.len() as f64);
        for (row, &label) in probabilities.as_mut_slice().chunks_exact_mut(classes).zip(labels) {
            row[label] -= on_label;
            row.iter_mut().for_each(|p| *p = (*p - everywhere) * scale);
        }
        probabilities
    }
    // ANCHOR_END: backward
}

/// The number of classes.
#[track_caller]
fn check<T: Real>(logits: &Tensor<T>, labels: &[usize]) -> usize {
    let [n, classes] = logits.dims();
    assert_eq!(n, labels.len(), "logits {} need one label for each row", logits.shape());
    if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        panic!("label {label} of row {row} is not one of {classes} classes, 0 to {}", classes as isize - 1);
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thirds() -> Tensor<f64> {
        // Probabilities 1/8, 2/8, 5/8 and 1/3 each.
        Tensor::from_vec([2, 3], vec![0.0, 2f64.ln(), 5f64.ln(), 7.0, 7.0, 7.0])
    }

    #[test]
    fn is_the_mean_surprise() {
        let loss = CrossEntropy::default();
        let (value, p) = loss.forward(&thirds(), &[1, 0]);
        approx::assert_relative_eq!(value, (4f64.ln() + 3f64.ln()) / 2.0, max_relative = 1e-15);
        let expected = [0.125, -0.75, 0.625, -2.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0].map(|d| d / 2.0);
        approx::assert_relative_eq!(
            loss.backward(p, &[1, 0]).as_slice(),
            expected.as_slice(),
            max_relative = 1e-15
        );
    }

    #[test]
    fn smoothing_spreads_the_target_over_all_classes() {
        let loss = CrossEntropy { label_smoothing: 0.3 };
        let (value, p) = loss.forward(&thirds(), &[1, 0]);
        let first = 0.1 * 8f64.ln() + 0.8 * 4f64.ln() + 0.1 * (8.0f64 / 5.0).ln();
        approx::assert_relative_eq!(value, (first + 3f64.ln()) / 2.0, max_relative = 1e-14);
        let dlogits = loss.backward(p, &[1, 0]);
        approx::assert_relative_eq!(dlogits.as_slice()[1], (0.25 - 0.8) / 2.0, max_relative = 1e-14);
        approx::assert_relative_eq!(dlogits.as_slice()[2], (0.625 - 0.1) / 2.0, max_relative = 1e-14);
    }

    #[test]
    fn a_hopeless_score_costs_what_it_should() {
        let (value, p) = CrossEntropy::default().forward(&Tensor::from_vec([1, 2], vec![1e4f32, 0.0]), &[1]);
        assert_eq!((value, p.as_slice()), (1e4, [1.0, 0.0].as_slice()));
    }

    #[test]
    #[should_panic(expected = "label 3 of row 1 is not one of 3 classes, 0 to 2")]
    fn a_label_out_of_range_is_named() {
        CrossEntropy::default().forward(&thirds(), &[0, 3]);
    }

    #[test]
    #[should_panic(expected = "logits (2, 3) need one label for each row")]
    fn labels_are_counted() {
        CrossEntropy::default().forward(&thirds(), &[0]);
    }
}
