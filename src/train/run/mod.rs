//! [`Run`]: one training, its folder, and how it stops and goes on.

mod epoch;
mod folder;
mod setup;
mod speed;
mod state;
mod steps;

use self::{folder::Folder, speed::Speed, state::Progress};
use super::{
    Config, EpochReport, Event, Summary,
    log::{Line, Log},
    optim::Optimizer,
    schedule::Schedule,
};
use crate::{
    checkpoint::{self, Metadata},
    data::{self, Loader, Splits},
    error::Error,
    models::Model,
};
use std::{path::Path, sync::atomic::AtomicBool, time::Instant};

/// Hears of everything that happens.
type Observer<'a> = &'a mut dyn FnMut(&Event);

/// One training, from its configuration to its tested weights.
///
/// Its folder holds `config.json`, `log.jsonl`, `curves.svg`, the weights after the last epoch and after
/// the best (`last.safetensors`, `best.safetensors`), and `state.safetensors`, from which it goes on.
///
/// ```
/// use residual::{
///     data::synthetic,
///     models::{self, Options},
///     train::{Config, Event, Outcome, Run, config::OptimizerName},
/// };
/// # let folder = std::env::temp_dir().join(format!("residual-example-{}", std::process::id()));
/// let splits = synthetic::bars([16, 16, 1], 4, 40, 0).split(0);
/// let options = Options { classes: 4, in_channels: 1, input_size: 16, ..Options::default() };
/// let net = models::build("lenet5", &options)?;
/// let usual = Config::usual("lenet5", OptimizerName::Sgd);
/// let config = Config { epochs: 1, output: Some(folder.clone()), ..usual };
/// let mut run = Run::with(config, net, splits)?;
/// let outcome = run.train(&false.into(), &mut |event| {
///     if let Event::Step(report) = event {
///         println!("step {}: loss {:.3}", report.step, report.loss);
///     }
/// })?;
/// assert!(matches!(outcome, Outcome::Finished(_)));
/// assert!(folder.join("best.safetensors").exists());
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), residual::Error>(())
/// ```
pub struct Run {
    config: Config,
    folder: Folder,
    model: Box<dyn Model<f32>>,
    /// What the weights to start from lacked, or had too much.
    skipped: Vec<String>,
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
    /// A new run: opens the data, builds the network, makes the folder and writes `config.json`.
    ///
    /// # Errors
    /// If a name is unknown, a value cannot be used, the data or the weights cannot be read, or the
    /// folder already holds a run.
    pub fn new(config: Config) -> Result<Self, Error> {
        let config = setup::from_anywhere(config);
        config.check()?;
        let splits = data::open(&config.data)?.split(config.seed);
        let mut model = setup::build(&config, &splits)?;
        let skipped = setup::start_from(config.weights.as_ref(), &mut *model)?;
        Ok(Self { skipped, ..Self::with(config, model, splits)? })
    }

    /// Goes on with the run in `folder`, from the last step that was saved; from the beginning if none
    /// was.
    ///
    /// # Errors
    /// If there is no run, or its files are damaged.
    pub fn resume(folder: &Path) -> Result<Self, Error> {
        let (found, config) = Folder::open(folder)?;
        let splits = setup::reopen(&config, &found)?;
        let mut model = setup::build(&config, &splits)?;
        let weights = config.weights.as_ref().filter(|_| !found.state().exists());
        let skipped = setup::start_from(weights, &mut *model)?;
        Ok(Self { skipped, ..Self::resume_with(folder, model, splits)? })
    }

    /// A new run of your own network on your own images. Makes the folder and writes `config.json`.
    ///
    /// # Errors
    /// If a value of the configuration cannot be used, there are too few images, or the folder
    /// already holds a run; if the batch size is 1 and some batch norm of the network would see a
    /// single value of each channel.
    pub fn with(config: Config, model: Box<dyn Model<f32>>, splits: Splits) -> Result<Self, Error> {
        let loader = setup::loader(&config, &*model, &splits)?;
        let folder = Folder::create(&config, splits.train.name())?;
        Self::assemble(config, folder, model, splits, loader)
    }

    /// Goes on with the run in `folder`, whose network and images these were when it began. Where no
    /// step was saved, the network must have the weights that it began with.
    ///
    /// # Errors
    /// If there is no run, its files are damaged, or they belong to another network.
    pub fn resume_with(folder: &Path, model: Box<dyn Model<f32>>, splits: Splits) -> Result<Self, Error> {
        let (folder, config) = Folder::open(folder)?;
        let loader = setup::loader(&config, &*model, &splits)?;
        Self::assemble(config, folder, model, splits, loader)
    }

    /// From the state in the folder, or from the beginning where there is none yet.
    fn assemble(
        config: Config,
        folder: Folder,
        mut model: Box<dyn Model<f32>>,
        splits: Splits,
        loader: Loader,
    ) -> Result<Self, Error> {
        let schedule = config.schedule(loader.batches() as u64);
        let mut optimizer = Optimizer::new(config.rule());
        let progress = match folder.state() {
            path if path.exists() => state::load(&path, &mut *model, &mut optimizer)?,
            _ => Progress::default(),
        };
        if !progress.fits(schedule.steps, loader.batches() as u64) {
            let found = format!("step {} after {} epochs", progress.step, progress.epochs);
            return Err(state::damaged(&folder.state(), found));
        }
        let done = |line: &Line| match line {
            Line::Step { step, .. } => *step <= progress.step,
            Line::Epoch(report) => report.epoch <= progress.epochs,
            Line::End(summary) => summary.step == progress.step && summary.step == schedule.steps,
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
        if let Some(summary) = &mut finished {
            checkpoint::load(&folder.best(), |each| model.visit(each))?;
            // The folder may have been moved since.
            (summary.folder, summary.weights) = (folder.path().into(), folder.best());
        }
        Ok(Self {
            metadata: setup::metadata(&config, &splits),
            config,
            folder,
            model,
            skipped: Vec::new(),
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

    /// How many epochs it takes, the last one cut short where [`Config::steps`] says so.
    pub fn epochs(&self) -> usize {
        self.schedule.steps.div_ceil(self.loader.batches() as u64) as usize
    }

    /// What came of it, if it has finished.
    pub fn summary(&self) -> Option<&Summary> {
        self.finished.as_ref()
    }

    /// What was skipped in the weights to start from: a sentence for each part.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The images that are learned from, decided on and tested on.
    pub fn splits(&self) -> &Splits {
        &self.splits
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
        while self.progress.epochs < self.epochs() {
            let ended =
                self.steps(stop, observe)?.is_continue() && self.validate(stop, observe)?.is_continue();
            if !ended {
                self.save_state()?;
                return Ok(self.stopped());
            }
        }
        self.test(stop, observe)
    }

    fn stopped(&self) -> Outcome {
        Outcome::Stopped { step: self.progress.step, steps: self.schedule.steps }
    }
}
