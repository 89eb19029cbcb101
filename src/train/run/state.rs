//! `state.safetensors`: all that a run needs to go on as if it had never stopped.
//!
//! One file, so that it can never be half of one step and half of another: weights, what the
//! optimiser remembers, how far each generator was read, and the [`Progress`]. Order and
//! augmentation of images follow from the seed, the epoch and the step, and need nothing.

use crate::{
    checkpoint::{self, Array, TensorFile, Weights},
    error::{Error, clip},
    models::Model,
    nn::Slot,
    tensor::Tensor,
    train::{
        metrics::Tally,
        optim::{Memory, Optimizer},
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// The header's entry that holds the progress.
const KEY: &str = "progress";
// What the names of weights, and of the optimiser's two memories of each, start with.
const MODEL: &str = "model.";
const FIRST: &str = "optimizer.first.";
const SECOND: &str = "optimizer.second.";

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Epochs ended, validation included.
    pub epochs: usize,
    /// The epoch under way.
    pub tally: Tally,
    /// Seconds spent on the epoch under way.
    pub epoch_seconds: f64,
    /// Seconds spent in all.
    pub seconds: f64,
    /// The epoch, counted from one, with the best validation accuracy, and that accuracy.
    pub best: Option<(usize, f64)>,
    /// How far each generator inside the network was read.
    pub generators: BTreeMap<String, u64>,
}

impl Progress {
    /// Whether a run of so many `steps`, so many of them `per_epoch`, can have come just so far.
    pub fn fits(&self, steps: u64, per_epoch: u64) -> bool {
        let before = (self.epochs as u64).saturating_mul(per_epoch).min(steps);
        let end = before.saturating_add(per_epoch).min(steps);
        let epochs = steps.div_ceil(per_epoch);
        (self.epochs as u64) <= epochs
            && (before..=end).contains(&self.step)
            && (self.epochs > 0) == self.best.is_some()
            && self.tally.images() >> 48 == 0
    }
}

/// Writes the state, whole or not at all.
pub(super) fn save(
    path: &Path,
    progress: &mut Progress,
    model: &mut dyn Model<f32>,
    optimizer: &Optimizer<f32>,
) -> Result<(), Error> {
    let mut file = TensorFile::default();
    for (name, array) in checkpoint::arrays(|each| model.visit(each)) {
        file.arrays.insert(format!("{MODEL}{name}"), array);
    }
    for memory in optimizer.memories() {
        for (prefix, tensor) in [(FIRST, &memory.first), (SECOND, &memory.second)] {
            file.arrays.insert(format!("{prefix}{}", memory.name), Array::of(tensor));
        }
    }
    model.visit(&mut |name, slot| {
        if let Slot::Generator(generator) = slot {
            progress.generators.insert(name.to_string(), generator.position());
        }
    });
    let text = serde_json::to_string(progress).expect("plain data can be written as JSON");
    file.metadata.insert(KEY.into(), text);
    file.write(path)
}

/// Reads the state into the model and the optimiser.
pub(super) fn load(
    path: &Path,
    model: &mut dyn Model<f32>,
    optimizer: &mut Optimizer<f32>,
) -> Result<Progress, Error> {
    let mut file = TensorFile::read(path)?;
    let damaged = |found| damaged(path, found);
    let text = file.metadata.get(KEY).ok_or_else(|| damaged("no progress in the header".into()))?;
    let progress: Progress = serde_json::from_str(text).map_err(|error| damaged(clip(&error.to_string())))?;

    let mut weights = BTreeMap::new();
    let mut others = BTreeMap::new();
    for (name, array) in std::mem::take(&mut file.arrays) {
        match name.strip_prefix(MODEL) {
            Some(name) => weights.insert(name.to_owned(), array),
            None => others.insert(name, array),
        };
    }
    Weights::of(path, weights).load(|each| model.visit(each))?;
    if progress.step > 0 {
        let memories = memories(&others, model, optimizer).map_err(damaged)?;
        optimizer.restore(progress.step, memories);
    }

    let mut absent = None;
    model.visit(&mut |name, slot| {
        if let Slot::Generator(generator) = slot {
            match progress.generators.get(&name.to_string()) {
                Some(&position) => generator.seek(position),
                None => absent = Some(name.to_string()),
            }
        }
    });
    absent.map_or(Ok(progress), |name| Err(damaged(format!("no position of the generator `{name}`"))))
}

pub(super) fn damaged(path: &Path, found: String) -> Error {
    Error::Format {
        path: path.into(),
        expected: "the state of the run in config.json".into(),
        found,
        hint: "start a new run; --weights takes last.safetensors or best.safetensors".into(),
    }
}

/// The optimiser's memories in the order in which the network shows its parameters.
fn memories(
    arrays: &BTreeMap<String, Array>,
    model: &mut dyn Model<f32>,
    optimizer: &Optimizer<f32>,
) -> Result<Vec<Memory<f32>>, String> {
    let mut memories = Vec::new();
    let mut found = Ok(());
    model.visit(&mut |name, slot| {
        let Slot::Param(param) = slot else { return };
        let blank = optimizer.remember(name.to_string(), param);
        let read = |prefix: &str, blank: &Tensor<f32>| {
            let tensor: Tensor<f32> = arrays.get(&format!("{prefix}{name}"))?.to_tensor()?;
            (tensor.shape() == blank.shape()).then_some(tensor)
        };
        match (read(FIRST, &blank.first), read(SECOND, &blank.second)) {
            (Some(first), Some(second)) => memories.push(Memory { first, second, ..blank }),
            _ => found = Err(format!("no memory of the optimiser that fits `{name}`")),
        }
    });
    found.map(|()| memories)
}
