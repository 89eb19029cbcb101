//! The steps of an epoch.

use super::{Observer, Run};
use crate::{
    data::Batch,
    error::Error,
    ops::cross_entropy::CrossEntropy,
    train::{Event, StepReport, log::Line, optim},
};
use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How long a crash may throw a run back.
const SAVE_EVERY: Duration = Duration::from_secs(60);

impl Run {
    /// The steps that are left of this epoch; breaks off when told to stop.
    pub(super) fn steps(
        &mut self,
        stop: &AtomicBool,
        observe: Observer<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let epoch = self.progress.epochs;
        let before = epoch as u64 * self.loader.batches() as u64;
        let end = (before + self.loader.batches() as u64).min(self.schedule.steps);
        let batches = self.loader.epoch_from(epoch, (self.progress.step - before) as usize);
        self.speed.restart();
        for batch in batches.take((end - self.progress.step) as usize) {
            if stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            let report = self.step(batch)?;
            observe(&Event::Step(report));
            if self.saved.elapsed() > SAVE_EVERY {
                self.save_state()?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Forward, backward, update.
    fn step(&mut self, batch: Batch) -> Result<StepReport, Error> {
        let Self { model, optimizer, progress, .. } = self;
        let loss = CrossEntropy { label_smoothing: self.config.label_smoothing };
        let lr = self.schedule.rate(progress.step);
        optim::zero_grad(|each| model.visit(each));
        let seen = model.train_step(batch.images, &batch.labels, &loss);
        if !seen.loss.is_finite() {
            return Err(diverged(format!("a loss of {} at step {}", seen.loss, progress.step + 1), lr));
        }
        optimizer.step(lr, |each| model.visit(each));
        progress.step += 1;
        progress.tally.add(seen.loss, &seen.logits, &batch.labels);

        let (step, epoch) = (progress.step, progress.epochs + 1);
        self.log.write(&Line::Step { step, epoch, loss: seen.loss, lr })?;
        self.speed.step(batch.labels.len());
        let steps = self.schedule.steps;
        let epochs_left = steps.div_ceil(self.loader.batches() as u64) as f64 - progress.epochs as f64;
        Ok(StepReport {
            step,
            steps,
            epoch,
            loss: seen.loss,
            lr,
            accuracy: progress.tally.accuracy(),
            images_per_second: self.speed.images_per_second(),
            seconds_left: (steps - step) as f64 / self.speed.steps_per_second()
                + epochs_left * self.speed.validation_seconds,
        })
    }
}

pub(super) fn diverged(found: String, lr: f64) -> Error {
    Error::Argument {
        name: "--lr".into(),
        expected: "a training that converges".into(),
        found,
        hint: format!("start again with a lower learning rate than {lr}, or with --warmup-epochs 1"),
    }
}
