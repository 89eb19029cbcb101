//! Chapter 5, "LeNet-5": the network that is taught, the network of the paper, and what lies between them.
//!
//! `cargo run --release --example ch05_lenet` takes about half a minute; `--full`, several minutes on two idle cores.

pub mod common;
#[path = "ch05/costs.rs"]
mod costs;
#[path = "ch05/experiment.rs"]
mod experiment;
#[path = "ch05/figures.rs"]
mod figures;
#[path = "ch05/network.rs"]
mod network;
#[path = "ch05/paper.rs"]
mod paper;
#[path = "ch05/parts.rs"]
mod parts;
#[path = "ch05/results.rs"]
mod results;
#[path = "ch05/training.rs"]
mod training;

use common::{Budget, Report, thousands};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    costs::run(&mut report);
    parts::run(&mut report);
    experiment::run(budget, &mut report);
    if budget != Budget::Full {
        results::run(&mut report);
    }
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch05", run)
}
