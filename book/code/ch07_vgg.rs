//! Chapter 7, "VGG": what a stack of small kernels sees, what it costs, and where 138 million parameters sit.
//!
//! `cargo run --release --example ch07_vgg` takes about half a minute; `--full`, some minutes on two idle cores.

pub mod common;
#[path = "ch07/compose.rs"]
mod compose;
#[path = "ch07/drawings.rs"]
mod drawings;
#[path = "ch07/effective.rs"]
mod effective;
#[path = "ch07/field.rs"]
mod field;
#[path = "ch07/parts.rs"]
mod parts;
#[path = "ch07/signal.rs"]
mod signal;
#[path = "ch07/stacks.rs"]
mod stacks;

use common::{Budget, Report, thousands};

/// VGG-16's stages: how many convolutions, of how many channels.
pub const STAGES: [(usize, usize); 5] = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    report.figure("ch07-cones", drawings::cones());
    field::run(&mut report);
    effective::run(&mut report);
    compose::run(&mut report);
    stacks::run(budget, &mut report);
    parts::run(&mut report);
    signal::run(&mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch07", run)
}
