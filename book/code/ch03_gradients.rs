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
use network::{Activation, Batch, CHANNELS, CLASSES, Fault, Network};
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
    report.part("network", report_network);
    steps::run(&mut report, &source);
    faults::run(&mut report, &source);
    report
}

/// The network's layers, with what they hold and cost for one picture.
fn report_network(report: &mut Report) {
    let network = Network::<f64>::new(0, Activation::Relu, Fault::None);
    let size = |t: usize| network.parameters[t].len();
    let (c, pixels) = (CHANNELS, 49);
    let image = format!("{c} x 7 x 7");
    let layer = |name: &str, output: &str, parameters: usize, macs: usize| {
        vec![name.into(), output.into(), parameters.to_string(), macs.to_string()]
    };
    let rows = [
        layer("conv1 3x3, padding 1", &image, size(0), size(0) * pixels),
        layer("bn1, activation", &image, size(1) + size(2), 0),
        layer("conv2 3x3, padding 1", &image, size(3), size(3) * pixels),
        layer("+ shortcut", &image, 0, 0),
        layer("mean over pixels", &c.to_string(), 0, 0),
        layer("fc1, activation", &c.to_string(), size(4), size(4)),
        layer("fc2", &CLASSES.to_string(), size(5) + size(6), size(5)),
    ];
    report.table(&["layer", "C x H x W", "parameters", "MACs"], &rows);
    let all: usize = network.parameters.iter().map(Tensor::len).sum();
    report.value("parameters", all);
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
