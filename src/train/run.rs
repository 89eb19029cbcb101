//! [`Run`]: one training, its folder, and how it stops and goes on.

use super::{Config, Event, Summary};
use crate::error::Error;
use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// One training, from its configuration to its tested weights.
pub struct Run {
    config: Config,
    folder: PathBuf,
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
    /// Opens the data, builds the network, makes the folder and writes `config.json` into it.
    ///
    /// # Errors
    /// If a name is unknown, the data or the weights cannot be read, or the folder already holds a run.
    pub fn new(config: Config) -> Result<Self, Error> {
        todo!("{config:?}")
    }

    /// Goes on with the run in `folder`, from the last step that was saved.
    ///
    /// # Errors
    /// If there is no run, or its files are damaged.
    pub fn resume(folder: &Path) -> Result<Self, Error> {
        todo!("{}", folder.display())
    }

    /// What the run follows from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Trains to the end, or until `stop` is true: the step under way is finished, everything is
    /// saved. `observe` hears of every step and epoch.
    ///
    /// # Errors
    /// If a file cannot be written, or the loss is no longer a number.
    pub fn train(&mut self, stop: &AtomicBool, observe: &mut dyn FnMut(&Event)) -> Result<Outcome, Error> {
        let _ = (stop, observe);
        todo!()
    }
}
