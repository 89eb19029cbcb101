//! Chapter 11, "Bottlenecks": what an hourglass saves and what it leaves out, how four numbers become fifty
//! layers, and blocks that start as nothing.
//!
//! `cargo run --release --example ch11_bottlenecks` takes about twenty seconds; `--full`, about three minutes on two idle cores.

#[path = "ch11/blocks.rs"]
mod blocks;
pub mod common;
#[path = "ch11/costs.rs"]
mod costs;
#[path = "ch11/start.rs"]
mod start;
#[path = "ch11/thin.rs"]
mod thin;

use common::{Budget, Report, thousands};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    costs::run(&mut report);
    thin::run(budget, &mut report);
    start::run(&mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch11", run)
}
