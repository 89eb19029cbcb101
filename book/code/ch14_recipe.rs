//! Chapter 14, "A training recipe": what each ingredient does by theory, and what is missing without it.
//!
//! `cargo run --release --example ch14_recipe` takes about a quarter of a minute; `--full`, some minutes.

pub mod common;
#[path = "ch14/decay.rs"]
mod decay;
#[path = "ch14/exam.rs"]
mod exam;
#[path = "ch14/figures.rs"]
mod figures;
#[path = "ch14/leave_out.rs"]
mod leave_out;
#[path = "ch14/momentum.rs"]
mod momentum;
#[path = "ch14/rates.rs"]
mod rates;
#[path = "ch14/recipe.rs"]
mod recipe;
#[path = "ch14/results.rs"]
mod results;
#[path = "ch14/smoothing.rs"]
mod smoothing;

use common::{Budget, Report};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    momentum::run(&mut report);
    decay::run(&mut report);
    rates::run(&mut report);
    smoothing::run(&mut report);
    leave_out::run(budget, &mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch14", run)
}
