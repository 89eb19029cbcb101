//! [`Run`]: one training, its folder, and how it stops and goes on.

use super::{
    Config, EpochReport, Event, StepReport, Summary, curves,
    folder::Folder,
    log::{Line, Log},
    metrics::{Evaluation, evaluate},
    optim::{self, Optimizer},
    schedule::Schedule,
    speed::Speed,
    state::{self, Progress},
};
use crate::{
    checkpoint::{self, Metadata},
    data::{Batch, Loader, Split, Splits},
    error::Error,
    models::Model,
    ops::cross_entropy::CrossEntropy,
};
use std::{
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// How long a crash may throw a run back.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Hears of everything that happens.
type Observer<'a> = &'a mut dyn FnMut(&Event);

/// One training, from its configuration to its tested weights.
///
/// Its folder holds `config.json`, `log.jsonl`, `curves.svg`, the weights after the last epoch and after
/// the best (`last.safetensors`, `best.safetensors`), and `state.safetensors`, from which it goes on.
pub struct Run {
    config: Config,
    folder: Folder,
    model: Box<dyn Model<f32>>,
    splits: Splits,
    loader: Loader,
    optimizer: Optimizer<f32>,
    schedule: Schedule,
    metadata: Metadata,
    log: Log,
    reports: Vec<EpochReport>,
    finished: Option<Summary>,
    progress: Progress,
    speed: Speed,
    /// When `progress.seconds` was last brought up to date.
    clock: Instant,
    saved: Instant,
}

/// How [`Run::train`] ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All steps were taken and the test set was read.
    Finished(Summary),
    /// The stop flag was raised: everything is saved, and [`Run::resume`] goes on from here.
    Stopped {
        /// Steps taken.
        step: u64,
        /// Steps of the whole training.
        steps: u64,
    },
}

impl Run {
    /// A new run of your own network on your own images. Makes the folder and writes `config.json`.
    ///
    /// # Errors
    /// If a value of the configuration cannot be used, there are too few images, or the folder
    /// already holds a run.
    pub fn with(config: Config, model: Box<dyn Model<f32>>, splits: Splits) -> Result<Self, Error> {
        config.check()?;
        check_images(&splits)?;
        let folder = Folder::create(&config, splits.train.name())?;
        Self::assemble(config, folder, model, splits)
    }

    /// Goes on with the run in `folder`, whose network and images these were when it began.
    ///
    /// # Errors
    /// If there is no run, its files are damaged, or they belong to another network.
    pub fn resume_with(folder: &Path, model: Box<dyn Model<f32>>, splits: Splits) -> Result<Self, Error> {
        let (folder, config) = Folder::open(folder)?;
        config.check()?;
        check_images(&splits)?;
        Self::assemble(config, folder, model, splits)
    }

    /// From the state in the folder, or from the beginning where there is none yet.
    fn assemble(
        config: Config,
        folder: Folder,
        mut model: Box<dyn Model<f32>>,
        splits: Splits,
    ) -> Result<Self, Error> {
        let loader = loader(&config, &splits)?;
        let schedule = config.schedule(loader.batches() as u64);
        let mut optimizer = Optimizer::new(config.rule());
        let progress = match folder.state() {
            path if path.exists() => state::load(&path, &mut *model, &mut optimizer)?,
            _ => Progress::default(),
        };
        let done = |line: &Line| match line {
            Line::Step { step, .. } => *step <= progress.step,
            Line::Epoch(report) => report.epoch <= progress.epochs,
            Line::End(summary) => summary.step == progress.step,
        };
        let (log, lines) = Log::open(&folder.log(), done)?;
        let mut reports = Vec::new();
        let mut finished = None;
        for line in lines {
            match line {
                Line::Step { .. } => {}
                Line::Epoch(report) => reports.push(report),
                Line::End(summary) => finished = Some(summary),
            }
        }
        Ok(Self {
            metadata: metadata(&config, &splits),
            config,
            folder,
            model,
            splits,
            loader,
            optimizer,
            schedule,
            log,
            reports,
            finished,
            progress,
            speed: Speed::new(),
            clock: Instant::now(),
            saved: Instant::now(),
        })
    }

    /// What the run follows from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The network, as it is now. When the run has finished, it has the best weights.
    pub fn model(&mut self) -> &mut dyn Model<f32> {
        &mut *self.model
    }

    /// Trains to the end, or until `stop` is true: the step under way is finished, everything is
    /// saved. `observe` hears of every step and epoch.
    ///
    /// At the end the test images are scored, once, with the weights of the best epoch.
    ///
    /// # Errors
    /// If a file cannot be written, or the loss is no longer a number.
    pub fn train(&mut self, stop: &AtomicBool, observe: Observer<'_>) -> Result<Outcome, Error> {
        if let Some(summary) = &self.finished {
            return Ok(Outcome::Finished(summary.clone()));
        }
        let (step, steps) = (self.progress.step, self.schedule.steps);
        observe(&Event::Start { folder: self.folder().into(), step, steps });
        (self.clock, self.saved) = (Instant::now(), Instant::now());
        let epochs = steps.div_ceil(self.loader.batches() as u64) as usize;
        while self.progress.epochs < epochs {
            let ended =
                self.steps(stop, observe)?.is_continue() && self.validate(stop, observe)?.is_continue();
            if !ended {
                self.save_state()?;
                return Ok(self.stopped());
            }
        }
        self.test(stop, observe)
    }

    /// The steps that are left of this epoch; breaks off when told to stop.
    fn steps(&mut self, stop: &AtomicBool, observe: Observer<'_>) -> Result<ControlFlow<()>, Error> {
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

    /// Ends the epoch: validation, log, weights, state, curves.
    fn validate(&mut self, stop: &AtomicBool, observe: Observer<'_>) -> Result<ControlFlow<()>, Error> {
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
    fn test(&mut self, stop: &AtomicBool, observe: Observer<'_>) -> Result<Outcome, Error> {
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

    fn stopped(&self) -> Outcome {
        Outcome::Stopped { step: self.progress.step, steps: self.schedule.steps }
    }

    fn save_state(&mut self) -> Result<(), Error> {
        self.check_weights()?;
        self.tick();
        self.saved = Instant::now();
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
        let arrays = checkpoint::arrays(|each| self.model.visit(each));
        match arrays.iter().find(|(_, array)| !array.is_finite()) {
            None => Ok(()),
            Some((name, _)) => {
                let found = format!("infinity or NaN in `{name}` at step {}", self.progress.step);
                Err(diverged(found, self.schedule.rate(self.progress.step)))
            }
        }
    }
}

fn diverged(found: String, lr: f64) -> Error {
    Error::Argument {
        name: "--lr".into(),
        expected: "a training that converges".into(),
        found,
        hint: format!("start again with a lower learning rate than {lr}, or with --warmup-epochs 1"),
    }
}

/// At least ten training images, of which one is for validation, and a test image.
fn check_images(splits: &Splits) -> Result<(), Error> {
    let [train, validation, test] = [&splits.train, &splits.validation, &splits.test].map(|part| part.len());
    if train > 0 && validation > 0 && test > 0 {
        return Ok(());
    }
    Err(Error::Argument {
        name: "--data".into(),
        expected: "at least ten training images and one test image".into(),
        found: format!("{} and {test}", train + validation),
        hint: "a tenth of the training images is held out for validation".into(),
    })
}

/// Batches as the configuration asks for.
fn loader(config: &Config, splits: &Splits) -> Result<Loader, Error> {
    let images = splits.train.len();
    // Batch norm has no variance of a single value: such a last batch is left out.
    let drop_last = images > config.batch_size && images % config.batch_size == 1;
    Ok(Loader::new(&splits.train, config.batch_size)
        .shuffle(config.shuffle)
        .augment(config.augment.parse()?)
        .seed(config.seed)
        .drop_last(drop_last))
}

/// What the weights are for.
fn metadata(config: &Config, splits: &Splits) -> Metadata {
    let train = &splits.train;
    let [height, width, in_channels] = train.size();
    let normalization = train.normalization().clone();
    Metadata {
        model: config.model.clone(),
        in_channels,
        input_size: [height, width],
        data: train.name().into(),
        classes: train.classes().to_vec(),
        mean: normalization.mean,
        std: normalization.std,
        options: serde_json::Value::Null,
    }
}
