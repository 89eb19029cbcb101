//! Chapter 9, "Batch normalisation": which learning rates it allows and why, what its backward must do, what
//! evaluation sees, and what is left of it in tiny batches.
//!
//! `cargo run --release --example ch09_batch_norm` takes about twenty seconds; `--full`, about four minutes on two idle
//! cores.

#[path = "ch09/algebra.rs"]
mod algebra;
pub mod common;
#[path = "ch09/modes.rs"]
mod modes;
#[path = "ch09/network.rs"]
mod network;
#[path = "ch09/sweep.rs"]
mod sweep;
#[path = "ch09/tiny.rs"]
mod tiny;

use common::{
    Budget, Report,
    record::{Record, Run},
    training::{Data, Recipe},
};
use std::time::Instant;

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    let data = Data::of(budget, 200);
    if budget == Budget::Full {
        let recipe = Recipe { batch: 32, ..data.recipe };
        let data = Data { recipe, unseen: data.unseen.select(0..2_000), ..data };
        report.record = Some(full(&data));
        return report;
    }
    algebra::run(&mut report);
    modes::report_averages(&mut report);
    sweep::report_now(&mut report, &data, budget);
    let (most, pictures) = if budget == Budget::Quick { (4, 640) } else { (256, 3_200) };
    now(&mut report, "modes-now", modes::runs(&data, 1, most), modes::table);
    now(&mut report, "tiny-now", tiny::runs(&data, pictures, 1), tiny::table);
    let record = Record::read("ch09");
    sweep::report_recorded(&mut report, &record);
    modes::report_recorded(&mut report, &record);
    tiny::report_recorded(&mut report, &record);
    report
}

/// What `runs` found here and now, as `table` shows it.
fn now(report: &mut Report, part: &str, runs: Vec<Run>, table: fn(&mut Report, &Record, &str)) {
    report.part(part, |report| table(report, &Record { runs, ..Record::default() }, "≈"));
}

/// The long run.
fn full(data: &Data) -> Record {
    eprintln!("several hundred trainings: seven minutes of processor time");
    let start = Instant::now();
    let sweep = sweep::runs(data, Budget::Full, 5).into_iter().map(|(run, _)| run).collect();
    let runs = [sweep, modes::runs(data, 5, 256), tiny::runs(data, 6_400, 5)].concat();
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    Record::new("cargo run --release --example ch09_batch_norm -- --full --write", minutes, runs)
}

fn main() -> std::process::ExitCode {
    common::main("ch09", run)
}
