//! Schedules: what they look like, and why a rate has to fall.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    momentum::{MOMENTUM, walk},
};
use residual::{
    rng::Generator,
    train::{
        optim::Sgd,
        schedule::{Schedule, Shape},
    },
};
use std::cell::RefCell;

pub fn run(report: &mut Report) {
    report.figure("ch14-schedules", figure());
    report_noise(report);
}

/// Four shapes over two hundred steps; before the cosine, ten of warm-up.
fn figure() -> String {
    let shapes = [
        (Shape::Constant, "constant", 6, 0),
        (Shape::step(), "step", 3, 0),
        (Shape::Cosine, "warm-up, cosine", 1, 10),
        (Shape::OneCycle, "one-cycle", 2, 0),
    ];
    let line = |(shape, label, color, warmup): (Shape, &str, usize, u64)| {
        let schedule = Schedule { shape, lr: 0.1, steps: 200, warmup };
        let points = (0..200).map(|step| (step as f64 / 2.0, schedule.rate(step))).collect();
        Line { label: label.into(), color, dashed: false, points }
    };
    Chart {
        title: "Four schedules over the course of a training: constant, in two steps down, up and down half a cosine, \
                and one cycle"
            .into(),
        x: Axis { label: "% of the training", range: [0.0, 100.0], log: false },
        y: Axis { label: "learning rate", range: [0.0, 0.105], log: false },
        lines: shapes.map(line).into(),
        label_width: 122.0,
    }
    .svg()
}

// ANCHOR: floor
/// The mean loss w²/2 of a descent in the valley w²/2, once it has arrived, where each slope that it is told is wrong by
/// a random number of variance 1.
fn floor(momentum: f64, rate: f64) -> f64 {
    let noise = RefCell::new(Generator::new(14, 0));
    let rule = Sgd { momentum, nesterov: false, weight_decay: 0.0 };
    let places = walk(rule, 0.0, 200_000, |_| rate, |w| w + noise.borrow_mut().normal());
    let arrived = &places[10_000..];
    arrived.iter().map(|w| w * w / 2.0).sum::<f64>() / arrived.len() as f64
}
// ANCHOR_END: floor

fn report_noise(report: &mut Report) {
    let cases = [(0.0, 0.4), (0.0, 0.1), (0.0, 0.025), (MOMENTUM, 0.01)];
    let found = cases.map(|(momentum, rate)| floor(momentum, rate));
    // What the chapter derives without momentum; with it, a low rate over what momentum leaves of 1.
    let expected = cases.map(|(momentum, rate)| {
        if momentum == 0.0 { rate / (2.0 * (2.0 - rate)) } else { rate / (4.0 * (1.0 - momentum)) }
    });
    report.part("floor", |report| {
        let rows =
            cases.iter().zip(found.iter().zip(&expected)).map(|((momentum, rate), (found, expected))| {
                vec![rate.to_string(), momentum.to_string(), format!("~{found:.4}"), format!("{expected:.4}")]
            });
        report.table(&["rate", "momentum", "loss", "theory"], &rows.collect::<Vec<_>>());
    });
    report.value("floor-tenth", format!("~{:.4}", found[1]));
    report.value("floor-momentum", format!("~{:.4}", found[3]));
    report.claim("noise keeps a descent at the height that its rate allows, within 6 %", {
        found.iter().zip(&expected).all(|(found, expected)| (found / expected - 1.0).abs() < 0.06)
    });
}
