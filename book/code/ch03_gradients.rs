//! Chapter 3, "Trust, but check gradients": how exact a difference quotient is, what a corner does
//! to it, and which test finds which fault.

pub mod common;
#[path = "ch03/difference.rs"]
mod difference;
#[path = "ch03/faults.rs"]
mod faults;
#[path = "ch03/network.rs"]
mod network;
#[path = "ch03/parts.rs"]
mod parts;
#[path = "ch03/steps.rs"]
mod steps;

use common::{Budget, Report};
use network::Batch;
use residual::{
    Real, Tensor,
    data::{self, Dataset},
};

fn main() -> std::process::ExitCode {
    common::main("ch03", run)
}

/// All three experiments; they take seconds, whatever the budget.
pub fn run(_: Budget) -> Report {
    let mut report = Report::default();
    let source = data::open("fashion-mnist").expect("the data set comes with the repository").test;
    steps::run(&mut report, &source);
    faults::run(&mut report, &source);
    report
}

/// `count` pictures from `first` on, shrunk to 7×7 by taking means, in -1 to 1.
fn pictures<T: Real>(source: &Dataset, first: usize, count: usize) -> Batch<T> {
    const SIDE: usize = 28;
    const SMALL: usize = 7;
    let images = Tensor::from_fn([count, SMALL, SMALL, 1], |at| {
        let image = source.image(first + at / (SMALL * SMALL));
        let (row, col) = (at / SMALL % SMALL * 4, at % SMALL * 4);
        let tile = (0..16).map(|i| f64::from(image[(row + i / 4) * SIDE + col + i % 4]));
        // Through f32, so that both precisions see the same pictures.
        T::of(f64::from((tile.sum::<f64>() / 16.0 / 127.5 - 1.0) as f32))
    });
    Batch { images, labels: (first..first + count).map(|i| source.label(i)).collect() }
}
