//! Chapter 12, "Cardinality": one block written three ways, what a path more costs, and whether it pays.
//!
//! `cargo run --release --example ch12_cardinality` takes about half a minute; `--full`, about eight.

pub mod common;
#[path = "ch12/costs.rs"]
mod costs;
#[path = "ch12/figures.rs"]
mod figures;
#[path = "ch12/forms.rs"]
mod forms;
#[path = "ch12/thimble.rs"]
mod thimble;

use common::{Budget, Report, thousands};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    forms::run(&mut report);
    costs::run(&mut report);
    thimble::run(budget, &mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch12", run)
}
