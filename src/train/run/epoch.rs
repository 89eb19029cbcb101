//! The end of an epoch, and of the training.

use super::{Observer, Outcome, Run, state, steps::diverged};
use crate::{
    checkpoint,
    data::Split,
    error::Error,
    nn::Slot,
    train::{EpochReport, Evaluation, Event, Summary, curves, evaluate, log::Line},
};
use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

impl Run {
    /// Ends the epoch: validation, log, weights, state, curves.
    pub(super) fn validate(
        &mut self,
        stop: &AtomicBool,
        observe: Observer<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let start = Instant::now();
        let Some(validation) = self.score(Split::Validation, stop, observe) else {
            return Ok(ControlFlow::Break(()));
        };
        self.speed.validation_seconds = start.elapsed().as_secs_f64();
        self.tick();
        let (accuracy, epoch) = (validation.accuracy, self.progress.epochs + 1);
        let best = self.progress.best.is_none_or(|(_, best)| accuracy > best);
        let report = EpochReport {
            epoch,
            step: self.progress.step,
            train_loss: self.progress.tally.loss(),
            train_accuracy: self.progress.tally.accuracy(),
            val_loss: validation.loss,
            val_accuracy: accuracy,
            best,
            seconds: self.progress.epoch_seconds,
        };
        self.check_weights()?;
        self.log.write(&Line::Epoch(report.clone()))?;
        let Self { model, metadata, .. } = self;
        checkpoint::save(&self.folder.last(), |each| model.visit(each), metadata)?;
        if best {
            checkpoint::save(&self.folder.best(), |each| model.visit(each), metadata)?;
            self.progress.best = Some((epoch, accuracy));
        }
        self.progress.epochs = epoch;
        (self.progress.tally, self.progress.epoch_seconds) = Default::default();
        // The state comes after the weights: a crash between them repeats the epoch and writes the same.
        self.save_state()?;
        self.reports.push(report.clone());
        let title = format!("{} on {}", self.metadata.model, self.metadata.data);
        let curves = curves::svg(&title, &self.reports);
        checkpoint::write_atomically(&self.folder.curves(), curves.as_bytes())?;
        observe(&Event::Epoch(report));
        Ok(ControlFlow::Continue(()))
    }

    /// Scores the test images with the best weights.
    pub(super) fn test(&mut self, stop: &AtomicBool, observe: Observer<'_>) -> Result<Outcome, Error> {
        let best = self.folder.best();
        let model = &mut self.model;
        checkpoint::load(&best, |each| model.visit(each))?;
        let Some(test) = self.score(Split::Test, stop, observe) else {
            return Ok(self.stopped());
        };
        self.tick();
        let (best_epoch, val_accuracy) = self.progress.best.unwrap_or_default();
        let summary = Summary {
            step: self.progress.step,
            best_epoch,
            val_accuracy,
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            test_images: test.images,
            seconds: self.progress.seconds,
            folder: self.folder().into(),
            weights: best,
        };
        self.log.write(&Line::End(summary.clone()))?;
        self.log.sync()?;
        self.finished = Some(summary.clone());
        observe(&Event::End(summary.clone()));
        Ok(Outcome::Finished(summary))
    }

    fn score(&mut self, split: Split, stop: &AtomicBool, observe: Observer<'_>) -> Option<Evaluation> {
        let images = self.splits.part(split);
        evaluate(&mut *self.model, images, self.config.batch_size, &mut |done| {
            observe(&Event::Scoring { split, done, of: images.len() });
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    pub(super) fn save_state(&mut self) -> Result<(), Error> {
        self.check_weights()?;
        self.tick();
        self.saved = Instant::now();
        // The state may be behind the log, never ahead of it.
        self.log.sync()?;
        state::save(&self.folder.state(), &mut self.progress, &mut *self.model, &self.optimizer)
    }

    /// Brings the seconds up to date.
    fn tick(&mut self) {
        let passed = std::mem::replace(&mut self.clock, Instant::now()).elapsed().as_secs_f64();
        self.progress.seconds += passed;
        self.progress.epoch_seconds += passed;
    }

    /// Weights that are no numbers must not replace the good ones on disk.
    fn check_weights(&mut self) -> Result<(), Error> {
        let mut spoilt = None;
        self.model.visit(&mut |name, slot| {
            let numbers = match slot {
                Slot::Param(param) => param.value.as_slice(),
                Slot::Buffer(buffer) => buffer.as_slice(),
                Slot::Count(_) | Slot::Generator(_) => return,
            };
            if spoilt.is_none() && !numbers.iter().all(|x| x.is_finite()) {
                spoilt = Some(name.to_string());
            }
        });
        let Some(name) = spoilt else { return Ok(()) };
        let step = self.progress.step;
        Err(diverged(format!("infinity or NaN in `{name}` at step {step}"), self.schedule.rate(step)))
    }
}
