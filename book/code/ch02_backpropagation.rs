//! Chapter 2, "Backpropagation by hand": a network learns three spirals, what one gradient costs in three ways,
//! and the backward passes of a convolution as convolutions.
//!
//! `cargo run --release --example ch02_backpropagation` takes about ten seconds.

#[path = "ch02/by_hand.rs"]
mod by_hand;
pub mod common;
#[path = "ch02/convolution.rs"]
mod convolution;
#[path = "ch02/figures.rs"]
mod figures;
#[path = "ch02/learning.rs"]
mod learning;
#[path = "ch02/modes.rs"]
mod modes;
#[path = "ch02/pencil.rs"]
mod pencil;
#[path = "ch02/spirals.rs"]
mod spirals;

use common::{Budget, Report};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    learning::run(budget, &mut report);
    pencil::run(&mut report);
    modes::run(&mut report);
    convolution::run(&mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch02", run)
}
