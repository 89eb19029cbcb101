//! Chapter 4, "Vanishing and exploding gradients": how long gradients are in deep networks, what one
//! layer does to them, and which of the networks learn.

pub mod common;
#[path = "ch04/depths.rs"]
mod depths;
#[path = "ch04/learning.rs"]
mod learning;
#[path = "ch04/network.rs"]
mod network;
#[path = "ch04/theory.rs"]
mod theory;

use common::{Budget, Report, small::smaller};
use residual::data;

fn main() -> std::process::ExitCode {
    common::main("ch04", run)
}

/// The measurements on networks at their start, then the training.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    let source = data::open("fashion-mnist").expect("the data set comes with the repository").train;
    let pictures = smaller(&source, 4096, 2);
    depths::run(&mut report, &pictures);
    learning::run(&mut report, budget, &pictures);
    report
}
