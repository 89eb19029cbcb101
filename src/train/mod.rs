//! Optimisers, schedules, and the loop that uses them.
//!
//! A [`Run`] is one training with a folder of its own. It may be stopped after any step and resumed:
//! the weights come out bit for bit as if it had never stopped, on any number of threads.

pub mod config;
pub mod curves;
pub mod event;
pub mod log;
pub mod metrics;
mod network;
pub mod optim;
pub mod run;
pub mod schedule;

pub use config::Config;
pub use event::{EpochReport, Event, StepReport, Summary};
pub use metrics::{Evaluation, evaluate};
pub use network::load_network;
pub use run::{Outcome, Run};
