//! How good the answers are.

use crate::{
    data::{Dataset, Loader},
    models::Model,
    ops::cross_entropy::CrossEntropy,
    real::Real,
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Loss and right answers, summed over images.
///
/// ```
/// use residual::{Tensor, train::metrics::Tally};
/// let mut tally = Tally::default();
/// tally.add(0.7, &Tensor::from_vec([2, 3], vec![1.0f32, 5.0, 2.0, 3.0, 0.0, 1.0]), &[1, 2]);
/// assert_eq!((tally.loss(), tally.accuracy()), (0.7, 0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    images: u64,
    correct: u64,
    loss: f64,
}

impl Tally {
    /// Adds a batch: its mean loss, its logits (N, classes), its labels.
    ///
    /// # Panics
    /// If there are not as many labels as rows.
    #[track_caller]
    pub fn add<T: Real>(&mut self, loss: f64, logits: &Tensor<T>, labels: &[usize]) {
        let [n, classes] = logits.dims();
        assert_eq!(n, labels.len(), "one label for each row");
        let rows = logits.as_slice().chunks_exact(classes);
        self.correct += rows.zip(labels).filter(|&(row, &label)| rank(row, label) == 0).count() as u64;
        self.images += n as u64;
        self.loss += loss * n as f64;
    }

    /// Images seen.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// The mean loss; NaN before the first image.
    pub fn loss(&self) -> f64 {
        self.loss / self.images as f64
    }

    /// Right answers, as a fraction; NaN before the first image.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }
}

/// How good a network's answers are on a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many images there are.
    pub images: usize,
    /// The mean cross-entropy, without label smoothing.
    pub loss: f64,
    /// Images whose class has the highest score, as a fraction.
    pub accuracy: f64,
    /// Images whose class is among the five highest scores, as a fraction.
    pub top5: f64,
    /// How often class `i` was taken for class `j`: row `i`, column `j`.
    pub confusion: Vec<Vec<u64>>,
}

/// Scores every image of `dataset`, `batch_size` at a time. `each` hears how many are done, and may
/// break off: then there is no answer.
///
/// # Panics
/// If the batch size is zero, or the network does not fit the images.
pub fn evaluate<T: Real>(
    model: &mut dyn Model<T>,
    dataset: &Dataset,
    batch_size: usize,
    each: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Option<Evaluation> {
    let classes = dataset.classes().len();
    let mut confusion = vec![vec![0; classes]; classes];
    let (mut images, mut loss, mut top5) = (0, 0.0, 0);
    for batch in Loader::new(dataset, batch_size).epoch::<T>(0) {
        let scores = model.scores(batch.images);
        assert_eq!(scores.shape().last(), classes, "as many scores as classes");
        for (row, &label) in scores.as_slice().chunks_exact(classes).zip(&batch.labels) {
            confusion[label][winner(row)] += 1;
            top5 += u64::from(rank(row, label) < 5);
        }
        loss += CrossEntropy::default().forward(&scores, &batch.labels).0 * batch.labels.len() as f64;
        images += batch.labels.len();
        if each(images).is_break() {
            return None;
        }
    }
    let correct: u64 = confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
    let [loss, accuracy, top5] = [loss, correct as f64, top5 as f64].map(|sum| sum / images as f64);
    Some(Evaluation { images, loss, accuracy, top5, confusion })
}

/// How many classes have a higher score, the first of equals winning. A score that is not a number
/// loses to all.
fn rank<T: Real>(row: &[T], label: usize) -> usize {
    let mine = row[label];
    let wins = |class: usize, score: T| score > mine || (class < label && score == mine);
    if mine.to_f64().is_nan() {
        return row.len();
    }
    row.iter().enumerate().filter(|&(class, &score)| wins(class, score)).count()
}

/// The class with the highest score, the first of equals.
fn winner<T: Real>(row: &[T]) -> usize {
    (0..row.len()).reduce(|best, class| if row[class] > row[best] { class } else { best }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_wins_and_nan_never() {
        assert_eq!([0, 1, 2].map(|label| rank(&[2.0f32, 2.0, 1.0], label)), [0, 1, 2]);
        assert_eq!(winner(&[2.0f32, 2.0, 1.0]), 0);
        assert_eq!(rank(&[f32::NAN, 0.0], 0), 2);
    }
}
