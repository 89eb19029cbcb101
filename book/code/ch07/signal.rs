//! How large signals are in VGG's layers before any training, by how the weights were drawn.

use super::{
    STAGES,
    common::{
        Report,
        chart::{Axis, Chart, Line},
        training::side_by_side,
    },
};
use residual::{
    Tensor,
    nn::{Conv2d, Init, Layer, MaxPool2d, Mode},
    ops::relu,
    rng::Generator,
};

const LABELS: [&str; 3] = ["deviation 0.1", "He", "deviation 0.01"];
const INITS: [Init; 3] = [
    Init::Normal { deviation: 0.1, bias: 0.0 },
    Init::KaimingNormal,
    Init::Normal { deviation: 0.01, bias: 0.0 },
];
/// Half of ImageNet's: a quarter of the work.
const SIDE: usize = 112;

// ANCHOR: sizes
/// The root mean square behind each convolution of VGG-16, at its full width, for noise of size 1.
fn sizes(init: Init) -> Vec<f64> {
    let rng = &mut Generator::new(7, 1);
    let mut x = Tensor::from_fn([1, SIDE, SIDE, 3], |_| rng.normal() as f32);
    let (mut from, mut sizes) = (3, Vec::new());
    for (convolutions, to) in STAGES {
        for _ in 0..convolutions {
            let z = Conv2d::new(from, to, 3).padding(1).init(init, rng).forward(x, Mode::Eval);
            sizes.push(root_mean_square(&z));
            x = relu::forward(z);
            from = to;
        }
        x = MaxPool2d::new(2).forward(x, Mode::Eval);
    }
    sizes
}
// ANCHOR_END: sizes

fn root_mean_square(x: &Tensor<f32>) -> f64 {
    let squares = x.as_slice().iter().map(|&x| f64::from(x).powi(2));
    (squares.sum::<f64>() / x.len() as f64).sqrt()
}

/// The size behind each convolution as the theory has it, without borders and pools.
fn predicted(init: Init) -> Vec<f64> {
    let (mut from, mut size, mut sizes) = (3, 1.0, Vec::new());
    for to in STAGES.iter().flat_map(|&(count, to)| vec![to; count]) {
        let variance = match init {
            Init::Normal { deviation, .. } => deviation * deviation,
            _ => 2.0 / (9 * to) as f64,
        };
        // What enters the first layer has not been through a ReLU.
        let passed = if sizes.is_empty() { 1.0 } else { 0.5 };
        size *= ((9 * from) as f64 * variance * passed).sqrt();
        sizes.push(size);
        from = to;
    }
    sizes
}

pub fn run(report: &mut Report) {
    let measured = side_by_side(&INITS, |&init| sizes(init));
    let theory = INITS.map(predicted);
    report.part("sizes", |report| {
        report.line("Root mean square behind the convolutions of VGG-16, before training");
        let shown = [0, 1, 3, 6, 9, 12];
        let row = |name: &str, mark: &str, sizes: &[f64]| {
            let cells = shown.iter().map(|&i| format!("{mark}{}", short(sizes[i])));
            [vec![name.to_string()], cells.collect()].concat()
        };
        let rows = (0..3).flat_map(|i| [row(LABELS[i], "~", &measured[i]), row("  theory", "", &theory[i])]);
        report.table(
            &["weights", "conv1_1", "conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"],
            &rows.collect::<Vec<_>>(),
        );
    });
    for (name, i) in [("large", 0), ("small", 2)] {
        report.value(&format!("size-{name}"), power(measured[i][12]));
    }
    report.value("size-he", format!("~{:.2}", measured[1][12]));
    // He and others (2015) give these four ratios for deviation 0.01, and their product.
    let short_by = [64, 128, 256, 512].map(|to| (2.0 / (9 * to) as f64).sqrt() / 0.01);
    report.value("short-by", short_by.map(|times| format!("{times:.1}")).join(", "));
    report.claim("a deviation of 0.1 explodes, one of 0.01 vanishes", {
        measured[0][12] > 1e3 && measured[2][12] < 1e-2
    });
    report.claim(
        "He's stays within a factor of ten",
        measured[1].iter().all(|size| (0.1..10.0).contains(size)),
    );
    report.figure("ch07-signal", figure(&measured, &theory));
}

fn short(x: f64) -> String {
    match x {
        100.0.. => format!("{x:.0}"),
        0.1.. => format!("{x:.2}"),
        _ => format!("{x:.1e}"),
    }
}

/// For the prose: `1.8\times10^{6}`.
fn power(x: f64) -> String {
    let text = format!("{x:.1e}");
    let (mantissa, exponent) = text.split_once('e').expect("it has an exponent");
    format!("~{mantissa}\\times10^{{{exponent}}}")
}

fn figure(measured: &[Vec<f64>], theory: &[Vec<f64>]) -> String {
    let points = |sizes: &[f64]| sizes.iter().enumerate().map(|(i, &size)| ((i + 1) as f64, size)).collect();
    let colors = [2, 1, 3];
    let dashed = theory.iter().map(|sizes| Line {
        label: String::new(),
        color: 6,
        dashed: true,
        points: points(sizes),
    });
    let solid = (0..3).map(|i| Line {
        label: LABELS[i].into(),
        color: colors[i],
        dashed: false,
        points: points(&measured[i]),
    });
    Chart {
        title: "Size of the signal behind each convolution of VGG-16 before training, for three ways to draw weights"
            .into(),
        x: Axis { label: "convolution", range: [1.0, 13.0], log: false },
        y: Axis { label: "root mean square", range: [1e-5, 1e7], log: true },
        lines: dashed.chain(solid).collect(),
        label_width: 112.0,
    }
    .svg()
}
