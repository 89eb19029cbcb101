//! A deep stack of bottlenecks before and at its first step: how large signals get, who receives a gradient,
//! and into how many directions a block can write.

use super::{
    blocks::Bodies,
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
};
use residual::{
    Tensor,
    models::{Model, Options, ResNet},
    nn::{Layer, Mode, Residual, Sequential, Slot},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

/// Bottlenecks in the stack.
const DEPTH: usize = 16;
const CHANNELS: usize = 64;
const WIDTH: usize = 16;

pub fn run(report: &mut Report) {
    report.part("growth", report_growth);
    report.part("gradients", report_gradients);
    report.part("directions", report_directions);
}

// ANCHOR: growth
/// The mean square of what enters a stack of bottlenecks, and of what leaves each.
fn growth(zero_init: bool) -> Vec<f64> {
    let mean_square = |x: &Tensor<f64>| x.as_slice().iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let rng = &mut Generator::new(11, 0);
    let mut x = Tensor::from_fn([8, 7, 7, CHANNELS], |_| rng.normal().max(0.0));
    let mut squares = vec![mean_square(&x)];
    let mut bodies = Bodies { zero_init, rng: Generator::new(11, 1) };
    for _ in 0..DEPTH {
        x = Residual::new(bodies.bottleneck(CHANNELS, WIDTH)).forward(x, Mode::Train);
        squares.push(mean_square(&x));
    }
    squares
}
// ANCHOR_END: growth

fn report_growth(report: &mut Report) {
    let [plain, zeroed] = [growth(false), growth(true)];
    let shown = [0, 1, 2, 4, 8, 16];
    let row = |name: &str, squares: &[f64]| {
        [vec![name.to_string()], shown.iter().map(|&i| format!("{:.2}", squares[i])).collect()].concat()
    };
    report.line("Mean square behind so many bottlenecks");
    report.table(&["last γ", "0", "1", "2", "4", "8", "16"], &[row("one", &plain), row("zero", &zeroed)]);
    report.value("square-first", format!("{:.2}", plain[0]));
    report.value("square-last", format!("{:.2}", plain[DEPTH]));
    let bound = |i: usize| plain[0] + i as f64;
    report.claim("without zeros the mean square grows by at most one a block", {
        (0..=DEPTH).all(|i| plain[i] <= bound(i) + 1e-9)
    });
    report.claim("and by more than half of that", plain[DEPTH] > plain[0] + DEPTH as f64 / 2.0);
    report.claim("with zeros nothing changes, to the bit", zeroed.iter().all(|&square| square == zeroed[0]));
    let line = |label: &str, color, dashed, squares: Vec<f64>| Line {
        label: label.into(),
        color,
        dashed,
        points: squares.into_iter().enumerate().map(|(i, square)| (i as f64, square)).collect(),
    };
    let chart = Chart {
        title: "Mean square of the signal behind 0 to 16 bottlenecks: with γ = 1 it grows with every block, \
                with γ = 0 it stays"
            .into(),
        x: Axis { label: "blocks passed", range: [0.0, DEPTH as f64], log: false },
        y: Axis { label: "mean square of the signal", range: [0.0, 18.0], log: false },
        lines: vec![
            line("bound", 6, true, (0..=DEPTH).map(bound).collect()),
            line("γ = 1", 2, false, plain),
            line("γ = 0", 1, false, zeroed),
        ],
        label_width: 76.0,
    };
    report.figure("ch11-growth", chart.svg());
}

// ANCHOR: gradients
/// The parameters of all bodies, and whether the first step gives each a gradient.
fn gradients(zero_init_residual: bool) -> Vec<(String, bool)> {
    let options = Options { in_channels: 1, zero_init_residual, ..Options::default() };
    let mut net: Sequential<f64> = ResNet::RESNET50.width(8).build(&options);
    let rng = &mut Generator::new(11, 4);
    let images = Tensor::from_fn([4, 32, 32, 1], |_| rng.normal());
    net.train_step(images, &[0, 1, 2, 3], &CrossEntropy::default());
    let mut found = Vec::new();
    Model::visit(&mut net, &mut |path, slot| {
        let path = path.to_string();
        if let Slot::Param(param) = slot
            && path.starts_with("layer")
            && !path.contains("downsample")
        {
            found.push((path, param.grad.as_slice().iter().any(|&g| g != 0.0)));
        }
    });
    found
}
// ANCHOR_END: gradients

fn report_gradients(report: &mut Report) {
    let [ones, zeros] = [false, true].map(gradients);
    let learning = |all: &[(String, bool)]| all.iter().filter(|(_, found)| *found).count();
    let is_last = |path: &str| path.contains("bn3.");
    report.line("Tensors of parameters in the 16 bodies, at the first step");
    let row = |name: &str, all: &[(String, bool)]| {
        let last = all.iter().filter(|(path, found)| *found && is_last(path)).count();
        vec![name.into(), all.len().to_string(), learning(all).to_string(), last.to_string()]
    };
    report.table(
        &["last γ", "tensors", "with a gradient", "of them in bn3"],
        &[row("one", &ones), row("zero", &zeros)],
    );
    report.value("tensors", ones.len());
    report.value("tensors-ones", learning(&ones));
    report.value("tensors-zeros", learning(&zeros));
    report.claim("with ones, every tensor gets a gradient", learning(&ones) == ones.len());
    report.claim("with zeros, the last norms do and nothing else", {
        zeros.iter().all(|(path, found)| *found == is_last(path))
    });
}

/// What a body adds, a row for each pixel.
fn added(mut body: Sequential<f64>) -> Tensor<f64> {
    let rng = &mut Generator::new(11, 2);
    let x = Tensor::from_fn([4, 8, 8, CHANNELS], |_| rng.normal());
    let y = body.forward(x, Mode::Train);
    let pixels = y.len() / CHANNELS;
    y.reshape([pixels, CHANNELS])
}

// ANCHOR: rank
/// How many rows of `m` are left when each is freed of the ones before: its rank.
fn rank(m: &Tensor<f64>) -> usize {
    let mut directions: Vec<Vec<f64>> = Vec::new();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for row in m.as_slice().chunks(CHANNELS) {
        let mut rest = row.to_vec();
        // Twice: what rounding leaves of the first time is gone after the second.
        for direction in directions.iter().chain(&directions) {
            let along = dot(&rest, direction);
            rest.iter_mut().zip(direction).for_each(|(r, d)| *r -= along * d);
        }
        let length = dot(&rest, &rest).sqrt();
        if length > 1e-9 * dot(row, row).sqrt() {
            directions.push(rest.iter().map(|r| r / length).collect());
        }
    }
    directions.len()
}
// ANCHOR_END: rank

fn report_directions(report: &mut Report) {
    let mut bodies = Bodies { zero_init: false, rng: Generator::new(11, 3) };
    let basic = rank(&added(bodies.basic(CHANNELS)));
    let bottleneck = rank(&added(bodies.bottleneck(CHANNELS, WIDTH)));
    report.line(format!("Of {CHANNELS} directions among the channels, a body writes in so many:"));
    report.line(format!("basic: {basic}"));
    report.line(format!("bottleneck, {WIDTH} inside: {bottleneck}"));
    report.value("directions-basic", basic);
    report.value("directions-bottleneck", bottleneck);
    report.claim(
        "a bottleneck writes in as many directions as it is wide",
        (basic, bottleneck) == (CHANNELS, WIDTH),
    );
}
