//! Chapter 6, "AlexNet": what its new parts do, one by one, and where 60 million parameters sit.
//!
//! `cargo run --release --example ch06_alexnet` takes some seconds; `--full`, a few minutes on two idle cores.

pub mod common;
#[path = "ch06/damping.rs"]
mod damping;
#[path = "ch06/drawings.rs"]
mod drawings;
#[path = "ch06/halves.rs"]
mod halves;
#[path = "ch06/overfit.rs"]
mod overfit;
#[path = "ch06/parts.rs"]
mod parts;
#[path = "ch06/racers.rs"]
mod racers;
#[path = "ch06/speed.rs"]
mod speed;
#[path = "ch06/towers.rs"]
mod towers;

use common::{Budget, Report, record::Record, small::smaller};
use overfit::Pictures;
use residual::data;
use std::time::Instant;

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
    // Half as large on both sides: 14x14.
    let seen = smaller(&sets.train, 8_000, 2);
    let unseen = smaller(&sets.test, if budget == Budget::Full { 2_000 } else { 500 }, 2);
    let unseen = unseen.normalized_by(seen.normalization().clone());
    let steps = [60, 300, 600][budget as usize];
    let raced = seen.select(0..racers::PICTURES);
    let few = Pictures { seen, unseen, steps };
    if budget == Budget::Full {
        eprintln!("67 trainings: three minutes of processor time");
        let start = Instant::now();
        let command = "cargo run --release --example ch06_alexnet -- --full --write";
        let mut record = Record::new(command, 0.0, Vec::new());
        speed::full(&raced, &mut record);
        overfit::full(&few, &mut record);
        record.minutes = (start.elapsed().as_secs_f64() / 6.0).round() / 10.0;
        report.record = Some(record);
        return report;
    }
    speed::run(budget, &mut report, &raced);
    halves::run(&mut report);
    overfit::run(budget, &mut report, &few);
    damping::run(&mut report);
    towers::run(&mut report);
    parts::run(&mut report);
    let record = Record::read("ch06");
    speed::recorded(&mut report, &record);
    overfit::recorded(&mut report, &record);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch06", run)
}
