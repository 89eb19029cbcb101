//! What to check, and what came of it.

use crate::tensor::Shape;

/// How much is checked, and how strictly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The most entries of each tensor to check; those of larger tensors are drawn.
    pub entries: usize,
    /// What the draw depends on.
    pub seed: u64,
    /// The largest relative error that passes.
    pub tolerance: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { entries: 20, seed: 0, tolerance: 1e-6 }
    }
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each parameter's comparison, in visiting order.
    pub tensors: Vec<Comparison>,
    /// The largest relative error that passes.
    pub tolerance: f64,
}

impl Report {
    /// Whether no entry is beyond the tolerance. That says little where most were skipped: see
    /// [`checked`](Self::checked) and [`skipped`](Self::skipped).
    pub fn passed(&self) -> bool {
        self.worst_error() <= self.tolerance
    }

    /// The largest relative error of all.
    pub fn worst_error(&self) -> f64 {
        self.tensors.iter().filter_map(|tensor| tensor.worst.as_ref()).fold(0.0, |most, w| w.error.max(most))
    }

    /// How many entries were compared.
    pub fn checked(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.checked).sum()
    }

    /// How many entries lie so near a kink that differences say nothing.
    pub fn skipped(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.skipped).sum()
    }
}

/// One tensor's gradients beside the differences.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The tensor's name; `input` for a layer's input.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// How many entries were compared.
    pub checked: usize,
    /// How many lie too near a kink.
    pub skipped: usize,
    /// The entry with the largest error, if any was compared.
    pub worst: Option<Worst>,
}

/// The entry of a tensor where backward and differences differ most.
#[derive(Clone, Debug)]
pub struct Worst {
    /// Its position, one number for each axis.
    pub index: Vec<usize>,
    /// Its gradient by backward.
    pub backward: f64,
    /// Its gradient by differences.
    pub difference: f64,
    /// Their relative error; infinite if one is not a number.
    pub error: f64,
}

impl Comparison {
    // ANCHOR: add
    /// Counts one comparison, at position `at`, row by row.
    pub(super) fn add(&mut self, at: usize, backward: f64, difference: f64, scale: f64) {
        self.checked += 1;
        let error = (backward - difference).abs() / difference.abs().max(backward.abs()).max(scale);
        let error = if error.is_finite() { error } else { f64::INFINITY };
        if self.worst.as_ref().is_none_or(|worst| error > worst.error) {
            let index = coordinates(at, self.shape);
            self.worst = Some(Worst { index, backward, difference, error });
        }
    }
    // ANCHOR_END: add
}

fn coordinates(mut at: usize, shape: Shape) -> Vec<usize> {
    let mut index = Vec::new();
    for &extent in shape.dims().iter().rev() {
        index.push(at % extent);
        at /= extent;
    }
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_have_coordinates() {
        assert_eq!(coordinates(23, [2, 3, 4].into()), [1, 2, 3]);
    }

    #[test]
    fn what_is_no_number_is_the_worst() {
        let mut comparison =
            Comparison { name: String::new(), shape: [2].into(), checked: 0, skipped: 0, worst: None };
        comparison.add(0, f64::NAN, 1.0, 1.0);
        comparison.add(1, 2.0, 1.0, 2.0);
        let worst = comparison.worst.expect("two comparisons");
        assert_eq!((worst.index, worst.error), (vec![0], f64::INFINITY));
    }
}
