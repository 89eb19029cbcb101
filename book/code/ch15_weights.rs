//! Chapter 15, "Real weights": what is in a file of weights, what goes wrong between a file and a network, how near two
//! right programs come to each other, and batch norms that vanish.
//!
//! `cargo run --release --example ch15_weights` takes about eight seconds.

#[path = "ch15/bytes.rs"]
mod bytes;
pub mod common;
#[path = "ch15/contents.rs"]
mod contents;
#[path = "ch15/fold.rs"]
mod fold;
#[path = "ch15/halves.rs"]
mod halves;
#[path = "ch15/layouts.rs"]
mod layouts;
#[path = "ch15/network.rs"]
mod network;
#[path = "ch15/pickle.rs"]
mod pickle;
#[path = "ch15/sums.rs"]
mod sums;
#[path = "ch15/torch.rs"]
mod torch;

use common::{Budget, Report, thousands};

/// The whole chapter.
pub fn run(budget: Budget) -> Report {
    let mut report = Report::default();
    contents::run(&mut report);
    bytes::run(&mut report);
    pickle::run(&mut report);
    let mut trained = network::Trained::new(budget);
    network::run(&mut trained, &mut report);
    layouts::run(budget, &mut trained, &mut report);
    halves::run(&mut trained, &mut report);
    torch::run(&mut report);
    sums::run(&mut report);
    fold::run(budget, &mut trained, &mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch15", run)
}
