//! Softmax and cross-entropy in one.

/// The loss of classification: mean over the batch of -log p(label).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// How much of the target is spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
}
