//! Chapter 16, "Beyond one machine": the gradient of many workers, how they add it up, and what that costs.
//!
//! `cargo run --release --example ch16_beyond` takes some seconds; `--full`, some minutes.

#[path = "ch16/all_reduce.rs"]
mod all_reduce;
pub mod common;
#[path = "ch16/cost.rs"]
mod cost;
#[path = "ch16/drawings.rs"]
mod drawings;
#[path = "ch16/equal.rs"]
mod equal;
#[path = "ch16/group.rs"]
mod group;
#[path = "ch16/large.rs"]
mod large;
#[path = "ch16/overlap.rs"]
mod overlap;
#[path = "ch16/parallel.rs"]
mod parallel;
#[path = "ch16/speed.rs"]
mod speed;
#[path = "ch16/sync_norm.rs"]
mod sync_norm;
#[path = "ch16/why.rs"]
mod why;

use common::{Budget, Report, record::Record};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    why::run(&mut report);
    equal::run(&mut report);
    all_reduce::run(&mut report);
    report.figure("ch16-ring", drawings::ring());
    cost::run(&mut report);
    overlap::run(&mut report);
    if budget == Budget::Full {
        report.record = Some(record());
    } else {
        let record = Record::read("ch16");
        speed::run(&mut report, &record);
        large::run(&mut report, budget, &record);
    }
    report
}

/// The long experiments.
fn record() -> Record {
    let start = std::time::Instant::now();
    let rows = speed::measure();
    let runs = large::trainings();
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let record = Record::new("cargo run --release --example ch16_beyond -- --full --write", minutes, runs);
    Record { rows, ..record }
}

/// For the prose: `≈1.8\times10^{-6}`.
fn scientific(x: f64) -> String {
    let text = format!("{x:.1e}");
    let (digits, exponent) = text.split_once('e').expect("scientific notation has an exponent");
    format!("≈{digits}\\times10^{{{exponent}}}")
}

fn main() -> std::process::ExitCode {
    common::main("ch16", run)
}
