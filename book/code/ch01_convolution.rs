//! Chapter 1, "What a convolution is": kernels on one picture, a kernel found from its pictures alone,
//! the matrix behind both passes, what it costs, and where the answer stops moving with the picture.
//!
//! `cargo run --release --example ch01_convolution` takes seconds.

pub mod common;
#[path = "ch01/figures.rs"]
mod figures;
#[path = "ch01/learning.rs"]
mod learning;
#[path = "ch01/matrix.rs"]
mod matrix;
#[path = "ch01/moves.rs"]
mod moves;
#[path = "ch01/svg.rs"]
mod svg;

use common::{Budget, Report, thousands};
use residual::{
    Shape, Tensor,
    data::idx,
    nn::{Conv2d, Layer, Linear},
    ops::conv2d::{self, Geometry},
};
use std::path::Path;

/// Height and width of the picture.
const SIDE: usize = 28;
/// A plaid shirt among the test images of Fashion-MNIST.
const SHIRT: usize = 7;

/// The output is as high and as wide as the input.
const SAME: Geometry = Geometry { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

/// A name, what the sums are divided by, and nine numbers.
const KERNELS: [(&str, f32, [f32; 9]); 6] = [
    ("nothing changes", 1.0, [0., 0., 0., 0., 1., 0., 0., 0., 0.]),
    ("blur", 9.0, [1., 1., 1., 1., 1., 1., 1., 1., 1.]),
    ("sharpen", 1.0, [0., -1., 0., -1., 5., -1., 0., -1., 0.]),
    ("outline", 1.0, [-1., -1., -1., -1., 8., -1., -1., -1., -1.]),
    ("upright edges", 1.0, [-1., 0., 1., -2., 0., 2., -1., 0., 1.]),
    ("level edges", 1.0, [-1., -2., -1., 0., 0., 0., 1., 2., 1.]),
];

/// The whole chapter. Every experiment is small, so all budgets do the same.
pub fn run(_: Budget) -> Report {
    let mut report = Report::default();
    let shirt = shirt();
    filters(&shirt, &mut report);
    learning::run(&shirt, &mut report);
    sizes(&mut report);
    matrix::run(&mut report);
    costs(&mut report);
    moves::run(&shirt, &mut report);
    report
}

fn main() -> std::process::ExitCode {
    common::main("ch01", run)
}

/// The picture, (1, 28, 28, 1): whole numbers from 0, black, to 255, white.
fn shirt() -> Tensor<f32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/fashion-mnist");
    let sets = idx::read(&folder).unwrap_or_else(|error| panic!("the repository's data: {error}"));
    assert_eq!(sets.test.size(), [SIDE, SIDE, 1]);
    let pixels = sets.test.image(SHIRT);
    Tensor::from_fn([1, SIDE, SIDE, 1], |i| pixels[i].into())
}

/// Runs all six kernels over the picture, in one convolution with six output channels.
fn filters(shirt: &Tensor<f32>, report: &mut Report) {
    // ANCHOR: filters
    let numbers = KERNELS.iter().flat_map(|(_, _, kernel)| kernel).copied().collect();
    let w = Tensor::from_vec([6, 1, 3, 3], numbers);
    let y = conv2d::forward(shirt, &w, Geometry::default().padding([1, 1]));
    assert_eq!(y.dims(), [1, 28, 28, 6]);
    // ANCHOR_END: filters
    let outputs = (KERNELS.iter().enumerate())
        .map(|(k, &(_, divisor, _))| y.as_slice().iter().skip(k).step_by(6).map(|v| v / divisor).collect())
        .collect::<Vec<Vec<f32>>>();
    report.claim("the kernel with a single 1 in its middle changes nothing", outputs[0] == shirt.as_slice());
    let of_total = |k: usize| outputs[k].iter().map(|v| v.abs()).sum::<f32>();
    report.line("Six kernels, one convolution: input (1, 28, 28, 1), output (1, 28, 28, 6)");
    report.line(format!("mean |answer|, upright edges  {:.1}", of_total(4) / 784.0));
    report.line(format!("mean |answer|, level edges    {:.1}", of_total(5) / 784.0));
    report.value("upright", format!("{:.0}", of_total(4) / 784.0));
    report.value("level", format!("{:.0}", of_total(5) / 784.0));
    report.claim("the shirt has more upright edges than level ones", of_total(4) > of_total(5));
    report.figure("ch01-filters", figures::filters(&outputs));
}

/// The layer of the chapter's tables.
fn layer() -> Conv2d<f32> {
    Conv2d::new(16, 32, 3).no_bias()
}

/// What each of the four knobs does to the output's size and to the cost.
fn sizes(report: &mut Report) {
    let input = Shape::from([1, SIDE, SIDE, 16]);
    let rows = [
        ("plain", layer()),
        ("stride 1, padding 1", layer().padding(1)),
        ("stride 2, padding 1", layer().padding(1).stride(2)),
        ("stride 3, padding 1", layer().padding(1).stride(3)),
        ("padding 2", layer().padding(2)),
        ("dilation 2", layer().dilation(2)),
        ("dilation 3", layer().dilation(3)),
        ("groups 2, padding 1", layer().padding(1).groups(2)),
        ("groups 4, padding 1", layer().padding(1).groups(4)),
        ("groups 16, padding 1", layer().padding(1).groups(16)),
    ];
    report.line("\n16 channels of 28 x 28 to 32 channels, 3x3 kernel, no bias");
    let mut cells = Vec::new();
    for (name, layer) in &rows {
        let outline = layer.outline(input);
        let side = outline.output.dims()[1].to_string();
        let costs = [thousands(outline.parameters as u64), thousands(outline.macs)];
        let key: String = name.split(", padding").next().unwrap_or(name).replace(' ', "-");
        report.value(&format!("{key}-side"), &side);
        report.value(&format!("{key}-parameters"), &costs[0]);
        report.value(&format!("{key}-macs"), &costs[1]);
        cells.push([vec![name.to_string(), side], costs.to_vec()].concat());
    }
    report.table(&["knobs", "output side", "parameters", "multiply-adds"], &cells);
    report.figure("ch01-stride", figures::stride());
    report.figure("ch01-padding", figures::padding());
    report.figure("ch01-dilation", figures::dilation());
    report.figure("ch01-groups", figures::groups());
}

fn grid(height: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height).flat_map(move |row| (0..width).map(move |col| (row, col)))
}

/// One 3x3 layer on the shirt, against a fully connected layer between the same numbers.
fn costs(report: &mut Report) {
    const CHANNELS: usize = 8;
    // ANCHOR: costs
    let conv = Conv2d::<f32>::new(1, CHANNELS, 3).padding(1).outline(Shape::from([1, SIDE, SIDE, 1]));
    let dense =
        Linear::<f32>::new(SIDE * SIDE, SIDE * SIDE * CHANNELS).outline(Shape::from([1, SIDE * SIDE]));
    assert_eq!(conv.output.len(), dense.output.len());
    // ANCHOR_END: costs
    report.line("\nFrom 784 numbers to 6,272");
    let row = |name: &str, parameters: usize, macs: u64| {
        vec![name.into(), thousands(parameters as u64), thousands(macs)]
    };
    let rows = [
        row("convolution, 8 kernels of 3x3", conv.parameters, conv.macs),
        row("fully connected", dense.parameters, dense.macs),
    ];
    report.table(&["layer", "parameters", "multiply-adds"], &rows);
    report.value("outputs", thousands(conv.output.len() as u64));
    for (name, row) in ["conv", "dense"].iter().zip(&rows) {
        report.value(&format!("{name}-parameters"), &row[1]);
        report.value(&format!("{name}-macs"), &row[2]);
    }
    let times = (dense.parameters / conv.parameters, dense.macs / conv.macs);
    report.value("times-parameters", thousands(times.0 as u64));
    report.value("times-macs", times.1);
    report.line(format!(
        "fully connected: {} x the parameters, {} x the multiply-adds",
        thousands(times.0 as u64),
        times.1
    ));
}
