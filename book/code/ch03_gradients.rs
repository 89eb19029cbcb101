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
use residual::{Real, Tensor, data::idx};
use std::path::Path;

fn main() -> std::process::ExitCode {
    common::main("ch03", run)
}

/// All three experiments; they take seconds, whatever the budget.
pub fn run(_: Budget) -> Report {
    let mut report = Report::default();
    steps::run(&mut report);
    faults::run(&mut report);
    report
}

/// `count` pictures of Fashion-MNIST's test set from `first` on, shrunk to 7×7 by taking means, in -1 to 1.
fn pictures<T: Real>(first: usize, count: usize) -> Batch<T> {
    const SIDE: usize = 28;
    const SMALL: usize = 7;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/fashion-mnist");
    let read = "the data set comes with the repository";
    let (_, pixels) = idx::read_array::<3>(&folder.join("t10k-images-idx3-ubyte.gz")).expect(read);
    let (_, labels) = idx::read_array::<1>(&folder.join("t10k-labels-idx1-ubyte.gz")).expect(read);
    let images = Tensor::from_fn([count, SMALL, SMALL, 1], |at| {
        let (image, row, col) = (first + at / (SMALL * SMALL), at / SMALL % SMALL * 4, at % SMALL * 4);
        let tile = (0..16).map(|i| pixels[image * SIDE * SIDE + (row + i / 4) * SIDE + col + i % 4]);
        T::of((tile.map(f64::from).sum::<f64>() / 16.0 / 127.5 - 1.0) as f32 as f64)
    });
    Batch { images, labels: labels[first..first + count].iter().copied().map(usize::from).collect() }
}
