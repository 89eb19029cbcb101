//! Chapter 10, "Degradation and residual learning": deeper plain networks that fit their own training
//! pictures worse, and what a shortcut changes.

pub mod common;
#[path = "ch10/depths.rs"]
mod depths;
#[path = "ch10/factor.rs"]
mod factor;
#[path = "ch10/identity.rs"]
mod identity;
#[path = "ch10/record.rs"]
mod record;
#[path = "ch10/surface.rs"]
mod surface;
#[path = "ch10/training.rs"]
mod training;

use common::{Budget, Report};
use residual::data;

fn main() -> std::process::ExitCode {
    common::main("ch10", run)
}

/// All experiments; in full, the long one alone, which takes many minutes and prints a record.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    let source = data::open("fashion-mnist").expect("the data set comes with the repository").train;
    let plan = depths::Plan::new(budget, &source);
    if budget == Budget::Full {
        record::make(&mut report, &plan);
        return report;
    }
    let (runs, mut trained) = depths::run(&mut report, &plan);
    identity::run(&mut report, &plan);
    depths::report_sizes(&mut report, &plan.images);
    depths::report_projection(&mut report, &plan, &runs);
    factor::run(&mut report, &plan);
    surface::run(&mut report, &plan, &mut trained);
    report
}
