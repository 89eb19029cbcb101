//! Local response normalisation: its curve, its slopes, and what it does to a new network's activations.

use super::common::{
    Report,
    chart::{Axis, Chart, Line},
};
use residual::{
    Tensor, data,
    gradcheck::{self, Settings},
    nn::{Conv2d, Init, Layer, LocalResponseNorm, Mode},
    ops::{
        local_response_norm::{self, Damping},
        relu,
    },
    rng::Generator,
};

/// The paper's constants, in the crate's names.
fn paper() -> Damping {
    Damping { alpha: 5.0 * 1e-4, beta: 0.75, k: 2.0, ..Damping::new(5) }
}

/// What a channel of `x` becomes between four neighbours of `others`.
fn damped(x: f64, others: f64) -> f64 {
    let row = Tensor::from_vec([1, 5], vec![others, others, x, others, others]);
    local_response_norm::forward(row, paper()).0.as_slice()[2]
}

pub fn run(report: &mut Report) {
    report_curve(report);
    report_network(report);
    let rng = &mut Generator::new(6, 4);
    let x = Tensor::from_fn([2, 3, 3, 12], |_| rng.normal());
    // Constants that damp numbers of size 1.
    let mut norm = LocalResponseNorm::<f64>::new(4).alpha(2.0).beta(0.75).k(1.0);
    let checked = gradcheck::check_layer(&mut norm, &x, &Settings::default());
    report.claim(
        "the slopes are those of central differences, for a window that is not symmetric",
        checked.passed(),
    );
}

fn report_curve(report: &mut Report) {
    // Alone in its window, a channel of 200 comes out largest: x² = k / (α (2β - 1)).
    let peak = (2.0 / (1e-4 * (2.0 * 0.75 - 1.0f64))).sqrt();
    report.value("peak", format!("{peak:.0}"));
    report.value("peak-out", format!("{:.1}", damped(peak, 0.0)));
    report.value("at-600", format!("{:.1}", damped(600.0, 0.0)));
    report.claim("alone, a channel comes out largest at the place that the formula says", {
        damped(peak, 0.0) > damped(peak - 1.0, 0.0) && damped(peak, 0.0) > damped(peak + 1.0, 0.0)
    });
    let line = |others: f64, color: usize| Line {
        label: if others == 0.0 { "alone".into() } else { format!("among {others}s") },
        color,
        dashed: false,
        points: (0..=120).map(|i| (5.0 * f64::from(i), damped(5.0 * f64::from(i), others))).collect(),
    };
    let straight = Line {
        label: String::new(),
        color: 6,
        dashed: true,
        points: (0..=20).map(|i| (5.0 * f64::from(i), 5.0 * f64::from(i) / 2f64.powf(0.75))).collect(),
    };
    let chart = Chart {
        title: "What local response normalisation makes of a channel, against what enters: a hump for a channel alone, \
                flatter the stronger its neighbours are"
            .into(),
        x: Axis { label: "what enters, x", range: [0.0, 600.0], log: false },
        y: Axis { label: "what leaves, y", range: [0.0, 60.0], log: false },
        lines: vec![straight, line(0.0, 1), line(100.0, 3), line(200.0, 2), line(400.0, 4)],
        label_width: 104.0,
    };
    report.figure("ch06-damping", chart.svg());
}

// ANCHOR: factors
/// What the paper's first norm multiplies activations by, at least and at most, in a new network that sees a picture
/// whose numbers have the deviation `size`; and the largest activation.
fn factors(size: f64) -> [f64; 3] {
    let rng = &mut Generator::new(6, 5);
    let picture = enlarged(size);
    let init = Init::Normal { deviation: 0.01, bias: 0.0 };
    let x =
        relu::forward(Conv2d::<f64>::new(3, 96, 11).stride(4).init(init, rng).forward(picture, Mode::Eval));
    let (y, _) = local_response_norm::forward(x.clone(), paper());
    let open = || x.as_slice().iter().zip(y.as_slice()).filter(|(x, _)| **x > 0.0);
    let factors = || open().map(|(x, y)| y / x);
    [
        factors().fold(f64::INFINITY, f64::min),
        factors().fold(0.0, f64::max),
        open().map(|(x, _)| *x).fold(0.0, f64::max),
    ]
}
// ANCHOR_END: factors

/// The first test picture of Fashion-MNIST, eight times as large and grey in three channels.
fn enlarged(size: f64) -> Tensor<f64> {
    let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
    let pixels: Vec<_> = sets.test.image(0).iter().map(|&p| f64::from(p)).collect();
    let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
    let deviation = (pixels.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / pixels.len() as f64).sqrt();
    Tensor::from_fn([1, 227, 227, 3], |i| {
        let (row, col) = ((i / 3 / 227 / 8).min(27), (i / 3 % 227 / 8).min(27));
        size * (pixels[row * 28 + col] - mean) / deviation
    })
}

fn report_network(report: &mut Report) {
    let sizes = [("1, as today", 1.0), ("64, as in 2012", 64.0)];
    let found = sizes.map(|(_, size)| factors(size));
    report.part("factors", |report| {
        let row = |i: usize| {
            let [low, high, most] = found[i];
            vec![sizes[i].0.to_string(), format!("{most:.1}"), format!("{low:.4}"), format!("{high:.4}")]
        };
        report.table(
            &["pixels' deviation", "largest activation", "least factor", "greatest"],
            &[row(0), row(1)],
        );
    });
    let alone = 2f64.powf(-0.75);
    report.value("constant", format!("{alone:.4}"));
    report.value("least-today", format!("{:.4}", found[0][0]));
    report.value("least-then", format!("{:.4}", found[1][0]));
    report.claim("on pictures of size 1 the norm is a factor of 0.595, to one part in a thousand", {
        found[0][0] > 0.999 * alone && found[0][1] <= alone + 1e-12
    });
    report.claim("on the paper's pictures it damps", found[1][0] < 0.99 * alone);
}
