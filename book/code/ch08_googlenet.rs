//! Chapter 8, "GoogLeNet": branches side by side, what a 1x1 convolution in front of them saves, what auxiliary heads add.
//!
//! `cargo run --release --example ch08_googlenet` takes less than a minute; `--full`, some minutes.

pub mod common;
#[path = "ch08/costs.rs"]
mod costs;
#[path = "ch08/drawings.rs"]
mod drawings;
#[path = "ch08/heads.rs"]
mod heads;
#[path = "ch08/lengths.rs"]
mod lengths;
#[path = "ch08/module.rs"]
mod module;
#[path = "ch08/one_kernel.rs"]
mod one_kernel;
#[path = "ch08/starts.rs"]
mod starts;
#[path = "ch08/thimble.rs"]
mod thimble;
#[path = "ch08/variants.rs"]
mod variants;

use common::{Budget, Report, thousands};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    costs::run(&mut report);
    one_kernel::run(&mut report);
    variants::run(&mut report);
    lengths::run(budget, &mut report);
    thimble::run(budget, &mut report);
    heads::run(budget, &mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch08", run)
}
