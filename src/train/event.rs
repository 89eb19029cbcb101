//! What a run tells while it trains.

use crate::data::Split;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::PathBuf;

/// Something that happened in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The data is read and the network built; the first step comes next.
    Start {
        /// The folder of the run.
        folder: PathBuf,
        /// Steps already taken: zero unless resumed.
        step: u64,
        /// Steps of the whole training.
        steps: u64,
    },
    /// A step was taken.
    Step(StepReport),
    /// The validation images, or at the end the test images, are being scored.
    Scoring {
        /// Which of the two.
        split: Split,
        /// Images scored so far.
        done: usize,
        /// Images to score.
        of: usize,
    },
    /// An epoch ended, and its weights are saved.
    Epoch(EpochReport),
    /// The training ended, and the test set was read.
    End(Summary),
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Steps taken, this one included.
    pub step: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// The epoch that it belongs to, counted from one.
    pub epoch: usize,
    /// The mean loss of the batch.
    pub loss: f64,
    /// The learning rate that it was taken at.
    pub lr: f64,
    /// Images of the epoch classified rightly so far, as they were trained on, as a fraction.
    pub accuracy: f64,
    /// Training speed of late.
    pub images_per_second: f64,
    /// An estimate of the time to the end, without the final test.
    pub seconds_left: f64,
}

/// One epoch; a line of `log.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Counted from one.
    pub epoch: usize,
    /// Steps taken so far.
    pub step: u64,
    /// Mean loss over the training images, as they were trained on.
    #[serde(deserialize_with = "number")]
    pub train_loss: f64,
    /// Training images classified rightly, as they were trained on, as a fraction.
    pub train_accuracy: f64,
    /// Mean loss over the validation images, without label smoothing.
    #[serde(deserialize_with = "number")]
    pub val_loss: f64,
    /// Validation images classified rightly, as a fraction.
    pub val_accuracy: f64,
    /// Whether no epoch before had a better `val_accuracy`.
    pub best: bool,
    /// How long training and validation took, stops left out.
    pub seconds: f64,
}

/// A finished run; the last line of `log.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Steps taken.
    pub step: u64,
    /// The epoch with the best validation accuracy, whose weights were tested.
    pub best_epoch: usize,
    /// Its validation accuracy, as a fraction.
    pub val_accuracy: f64,
    /// Mean loss over the test images, without label smoothing.
    #[serde(deserialize_with = "number")]
    pub test_loss: f64,
    /// Test images classified rightly, as a fraction.
    pub test_accuracy: f64,
    /// How many test images there are.
    pub test_images: usize,
    /// How long training, validation and test took, stops left out.
    pub seconds: f64,
    /// The folder of the run.
    pub folder: PathBuf,
    /// The tested weights: `best.safetensors` in that folder.
    pub weights: PathBuf,
}

/// JSON has no NaN: it is written as `null`.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}
