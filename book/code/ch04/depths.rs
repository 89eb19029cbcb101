//! Gradients in networks that have not learned yet: layer by layer, and over the depth.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    network::{Kind, Network, PIXELS, WIDTH, flat},
    theory,
};
use residual::{
    Real, Tensor,
    data::{Batch, Dataset, Loader},
    nn::Slot,
};

/// The kinds of the tables, with their names and colours.
pub const KINDS: [(Kind, &str, usize); 7] = [
    (Kind::Sigmoid, "sigmoid", 2),
    (Kind::Relu, "ReLU", 4),
    (Kind::Tanh, "tanh", 6),
    (Kind::He, "ReLU, He", 1),
    (Kind::Norm, "+ batch norm", 5),
    (Kind::Shortcut, "+ shortcut", 4),
    (Kind::NormShortcut, "+ both", 3),
];
const DEPTHS: [usize; 5] = [4, 10, 20, 40, 60];
const DEEPEST: usize = 60;
const SEEDS: u64 = 3;
const PICTURES: usize = 64;

/// How many times longer the gradient is at the first layer's output than at the last's, the
/// geometric mean over seeds.
fn growth(kind: Kind, depth: usize, batch: &Batch<f64>) -> f64 {
    let log = |seed| {
        let (_, norms) = Network::<f64>::new(kind, depth, seed).gradients(batch);
        (norms[0] / norms[norms.len() - 1]).ln()
    };
    ((0..SEEDS).map(log).sum::<f64>() / SEEDS as f64).exp()
}

/// What one layer does, on average, to the length of the gradient that passes it.
fn factor(kind: Kind, batch: &Batch<f64>) -> f64 {
    growth(kind, DEEPEST, batch).powf(1.0 / (DEEPEST - 2) as f64)
}

/// All experiments of this file.
pub fn run(report: &mut Report, pictures: &Dataset) {
    let batch = first_batch::<f64>(pictures);
    report_depths(report, &batch);
    report_factors(report, &batch);
    report_scales(report, &batch);
    report_zeros(report, &first_batch(pictures));
    report.figure("ch04-layers", figure_of_layers(&batch, 0..4, [1e-52, 1e2]));
    report.figure("ch04-layers-norm", figure_of_layers(&batch, 2..7, [1e-2, 1e8]));
}

fn first_batch<T: Real>(pictures: &Dataset) -> Batch<T> {
    Loader::new(pictures, PICTURES).epoch(0).next().expect("pictures")
}

fn report_depths(report: &mut Report, batch: &Batch<f64>) {
    let growths: Vec<Vec<f64>> =
        KINDS.iter().map(|k| DEPTHS.map(|depth| growth(k.0, depth, batch)).to_vec()).collect();
    report.part("depths", |report| {
        report.line("Length of the gradient at the first layer, if it is 1 at the last");
        let rows: Vec<Vec<String>> = KINDS
            .iter()
            .zip(&growths)
            .map(|((_, name, _), growths)| {
                [name.to_string()].into_iter().chain(growths.iter().map(|g| format!("~{g:.1e}"))).collect()
            })
            .collect();
        let depths = DEPTHS.map(|depth| format!("depth {depth}"));
        let header: Vec<_> = ["network"].into_iter().chain(depths.iter().map(String::as_str)).collect();
        report.table(&header, &rows);
    });
    let of = |kind: Kind, depth: usize| {
        let row = KINDS.iter().position(|k| k.0 == kind).expect("a kind of the table");
        growths[row][DEPTHS.iter().position(|&d| d == depth).expect("a depth of the table")]
    };
    report.value("sigmoid_10", power(of(Kind::Sigmoid, 10)));
    report.value("sigmoid_20", power(of(Kind::Sigmoid, 20)));
    report.value("norm_60", power(of(Kind::Norm, 60)));
    report.value("both_60", format!("~{:.0}", of(Kind::NormShortcut, 60)));
    let blocks = |depth: usize| (depth / 2 - 1) as f64;
    let steepness =
        (of(Kind::NormShortcut, 60) / of(Kind::NormShortcut, 20)).ln() / (blocks(60) / blocks(20)).ln();
    report.value("both_power", format!("~{steepness:.1}"));
    report.claim(
        "sigmoids take more than 0.25 a layer",
        DEPTHS.iter().all(|&d| of(Kind::Sigmoid, d) < 0.25f64.powi(d as i32 - 2)),
    );
    report.claim(
        "with both, growth is a power of the depth: 3 times the depth, less than 5 times the growth",
        of(Kind::NormShortcut, 60) < 5.0 * of(Kind::NormShortcut, 20),
    );
    report.claim("batch norm alone grows exponentially", of(Kind::Norm, 60) > 30.0 * of(Kind::Norm, 40));
}

fn report_factors(report: &mut Report, batch: &Batch<f64>) {
    let third = (1f64 / 3.0).sqrt();
    let predicted = |kind| match kind {
        Kind::Sigmoid => Some(theory::sigmoid(third)),
        Kind::Relu => Some(theory::relu(third)),
        Kind::Tanh | Kind::He => Some(1.0),
        Kind::Norm => Some(theory::norm()),
        _ => None,
    };
    let measured = KINDS.map(|(kind, ..)| factor(kind, batch));
    let alike = KINDS.map(|(kind, ..)| likeness(kind, batch));
    report.part("factors", |report| {
        report.line("Factor of a layer at depth 60, and how alike two pictures are at its end");
        let row = |i: usize| {
            let (kind, name, _) = KINDS[i];
            let theory = predicted(kind).map_or("".into(), |factor| format!("{factor:.3}"));
            vec![name.into(), format!("~{:.3}", measured[i]), theory, format!("~{:.2}", alike[i])]
        };
        report.table(&["network", "measured", "theory", "alike"], &(0..7).map(row).collect::<Vec<_>>());
    });
    for (i, name) in ["sigmoid", "relu", "tanh", "he", "norm", "shortcut"].into_iter().enumerate() {
        report.value(&format!("{name}_factor"), format!("~{:.3}", measured[i]));
    }
    report.value("sigmoid_theory", format!("{:.3}", theory::sigmoid(third)));
    report.value("relu_theory", format!("{:.3}", theory::relu(third)));
    report.value("norm_theory", format!("{:.3}", theory::norm()));
    report.value("he_alike", format!("~{:.2}", alike[3]));
    report.value("norm_alike", format!("~{:.2}", alike[4]));
    for i in [0, 1, 3, 4] {
        let theory = predicted(KINDS[i].0).expect("these four have one");
        let close = (measured[i] / theory - 1.0).abs() < 0.02;
        report.claim(format!("theory meets the factor of {} within 2 %", KINDS[i].1), close);
    }
    report.claim("shortcuts alone explode", measured[5] > 1.1);
    report.claim(
        "He's pictures are all alike at the end, batch norm's are not",
        alike[3] > 0.95 && alike[4] < 0.5,
    );
}

/// The mean cosine between two pictures' activations behind the last layer but one.
fn likeness(kind: Kind, batch: &Batch<f64>) -> f64 {
    let activations = Network::new(kind, DEEPEST, 0).activations(flat(batch));
    let last = activations.last().expect("layers");
    let rows: Vec<_> = last.as_slice().chunks(WIDTH).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let pairs = (0..rows.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let cosines: Vec<_> = pairs.map(|(i, j)| cosine(rows[i], rows[j])).collect();
    cosines.iter().sum::<f64>() / cosines.len() as f64
}

/// A sigmoid's factor over the size of its weights.
fn report_scales(report: &mut Report, batch: &Batch<f64>) {
    let critical = theory::critical();
    let scales: Vec<f64> = (-2..=10).map(|half| 2f64.powf(f64::from(half) / 2.0)).collect();
    let curve: Vec<_> = scales.iter().map(|&s| (s, factor(Kind::ScaledSigmoid(s), batch))).collect();
    let predicted = scales.iter().map(|&s| (s, theory::sigmoid(s))).collect();
    let there = factor(Kind::ScaledSigmoid(critical), batch);
    report.part("scales", |report| {
        report.line("Factor of a sigmoid's layer, over the size s of its weights");
        let row = |&(s, factor): &(f64, f64)| {
            vec![format!("{s:.2}"), format!("~{factor:.3}"), format!("{:.3}", theory::sigmoid(s))]
        };
        report.table(&["s", "measured", "theory"], &curve.iter().step_by(2).map(row).collect::<Vec<_>>());
        report.line(format!("it is 1 at s = {critical:.1}, measured there: ~{there:.3}"));
    });
    report.value("critical", format!("{critical:.1}"));
    report.value("critical_factor", format!("~{there:.2}"));
    report.claim("a sigmoid's factor is 1 where theory says", (there - 1.0).abs() < 0.05);
    report
        .claim("large weights make sigmoids explode", curve.last().is_some_and(|&(_, factor)| factor > 1.5));
    let line = |label: &str, color, dashed, points| Line { label: label.into(), color, dashed, points };
    let chart = Chart {
        title: "Factor of a layer of sigmoids over the size of the weights: it crosses 1 near ten".into(),
        x: Axis { label: "size s of the weights", range: [0.45, 35.0], log: true },
        y: Axis { label: "factor of a layer", range: [0.0, 2.0], log: false },
        lines: vec![
            line("1", 6, true, vec![(0.45, 1.0), (35.0, 1.0)]),
            line("measured", 2, false, curve),
            line("theory", 6, true, predicted),
        ],
        label_width: 80.0,
    };
    report.figure("ch04-scales", chart.svg());
}

/// From which depth on the first layer's gradient is zero in f32.
fn report_zeros(report: &mut Report, batch: &Batch<f32>) {
    let all_zero = |&depth: &usize| {
        let mut network = Network::<f32>::new(Kind::Sigmoid, depth, 0);
        network.gradients(batch);
        first_gradient(&mut network).as_slice().iter().all(|&g| g == 0.0)
    };
    let depth = (40..=DEEPEST).find(all_zero).unwrap_or(usize::MAX);
    report.part("zeros", |report| {
        report.line(format!("In f32, every gradient of the first layer is zero from depth {depth} on"));
    });
    report.value("zero_depth", depth);
    report.value("first_weights", PIXELS * WIDTH);
    report.claim("in f32 a deep network of sigmoids has no gradient at all", depth <= DEEPEST);
}

fn first_gradient(network: &mut Network<f32>) -> Tensor<f32> {
    let mut found = None;
    network.visit(&mut |_, slot| {
        if let (Slot::Param(param), None) = (slot, &found) {
            found = Some(param.grad.clone());
        }
    });
    found.expect("a network has weights")
}

fn figure_of_layers(batch: &Batch<f64>, kinds: std::ops::Range<usize>, range: [f64; 2]) -> String {
    let line = |&(kind, name, color): &(Kind, &str, usize)| {
        let mut network = Network::<f64>::new(kind, DEEPEST, 0);
        network.gradients(batch);
        let norms = network.weight_gradients();
        let points = norms.iter().enumerate().map(|(i, &norm)| ((i + 2) as f64, norm)).collect();
        Line { label: name.into(), color, dashed: false, points }
    };
    Chart {
        title: "Length of the gradient of each layer's weights, in networks of 60 layers".into(),
        x: Axis { label: "layer", range: [0.0, 60.0], log: false },
        y: Axis { label: "length of its gradient", range, log: true },
        lines: KINDS[kinds].iter().map(line).collect(),
        label_width: 112.0,
    }
    .svg()
}

/// For the prose: `2.8\times10^{-8}`.
fn power(x: f64) -> String {
    let text = format!("{x:.1e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("~{mantissa}\\times10^{{{exponent}}}")
}
