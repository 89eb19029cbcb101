//! Chapter 13, "Making convolution fast": one convolution in eleven forms, what each idea is worth, and what it costs in
//! accuracy.
//!
//! `cargo run --release --example ch13_fast` takes some seconds and times the forms on your machine; `--full` makes the
//! record that the page and its figures show, in about a minute, and wants the machine for itself.

pub mod common;
#[path = "ch13/counts.rs"]
mod counts;
#[path = "ch13/figures.rs"]
mod figures;
#[path = "ch13/forms.rs"]
mod forms;
#[path = "ch13/machine.rs"]
mod machine;
#[path = "ch13/points.rs"]
mod points;
#[path = "ch13/results.rs"]
mod results;
#[path = "ch13/rounding.rs"]
mod rounding;
#[path = "ch13/sums.rs"]
mod sums;
#[path = "ch13/timing.rs"]
mod timing;

use common::{Budget, Report, record::Record};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    if budget == Budget::Full {
        report.record = Some(timing::record(&mut report));
        return report;
    }
    counts::run(&mut report);
    forms::run(&mut report);
    results::run(&mut report, &Record::read("ch13"));
    timing::here(budget, &mut report);
    sums::run(&mut report);
    points::run(&mut report);
    rounding::run(budget, &mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch13", run)
}
