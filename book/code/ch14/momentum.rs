//! Momentum: a running sum of gradients, in two ways of writing it, and what it does to a valley.

use super::common::{
    Report,
    chart::{Axis, Chart, Line},
};
use residual::{
    Tensor,
    nn::{Param, Path, Slot},
    train::optim::{Optimizer, Sgd},
};

pub const MOMENTUM: f64 = 0.9;
const HEAVY_BALL: Sgd = Sgd { momentum: MOMENTUM, nesterov: false, weight_decay: 0.0 };
const NESTEROV: Sgd = Sgd { nesterov: true, ..HEAVY_BALL };
const PLAIN: Sgd = Sgd { momentum: 0.0, ..HEAVY_BALL };

// ANCHOR: walk
/// One number that starts at `w` and is moved by the crate's optimiser: where it is before each step, and at the
/// end. `slope` is the gradient at a place, `rate` that of a step.
pub fn walk(
    rule: Sgd,
    w: f64,
    steps: u64,
    rate: impl Fn(u64) -> f64,
    slope: impl Fn(f64) -> f64,
) -> Vec<f64> {
    let mut w = Param::new(Tensor::full([1], w));
    let mut sgd = Optimizer::new(rule);
    let mut places = vec![w.value.as_slice()[0]];
    for step in 0..steps {
        w.grad = Tensor::full([1], slope(places[places.len() - 1]));
        sgd.step(rate(step), |each| each(&Path::root(), Slot::Param(&mut w)));
        places.push(w.value.as_slice()[0]);
    }
    places
}
// ANCHOR_END: walk

// ANCHOR: textbook
/// The textbook's form: the rate goes into the velocity, and stays in it.
fn textbook(w: f64, steps: u64, rate: impl Fn(u64) -> f64, slope: impl Fn(f64) -> f64) -> Vec<f64> {
    let (mut w, mut v) = (w, 0.0);
    let mut places = vec![w];
    for step in 0..steps {
        v = MOMENTUM * v - rate(step) * slope(w);
        w += v;
        places.push(w);
    }
    places
}
// ANCHOR_END: textbook

pub fn run(report: &mut Report) {
    report_sum(report);
    report_forms(report);
    report_valley(report);
}

/// How long steps become where the slope is 1 everywhere.
fn report_sum(report: &mut Report) {
    let places = walk(HEAVY_BALL, 0.0, 100, |_| 0.1, |_| 1.0);
    let length = |step: usize| (places[step - 1] - places[step]) / 0.1;
    report.part("sum", |report| {
        let rows =
            [1, 2, 3, 10, 22, 44, 100].map(|step| vec![step.to_string(), format!("{:.2}", length(step))]);
        report.table(&["step", "its length, in rates"], &rows);
    });
    report.value("length-10", format!("{:.2}", length(10)));
    report.value("length-44", format!("{:.2}", length(44)));
    report.claim("with momentum 0.9 and a slope that stays, steps become ten times as long", {
        (length(100) - 10.0).abs() < 1e-3 && (length(1) - 1.0).abs() < 1e-9
    });
}

/// The crate's form, which is PyTorch's, beside the textbook's, at a rate that stays and at one that falls.
fn report_forms(report: &mut Report) {
    let furthest =
        |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
    let valley = |w: f64| w;
    let same = furthest(&walk(HEAVY_BALL, 1.0, 200, |_| 0.1, valley), &textbook(1.0, 200, |_| 0.1, valley));
    // ANCHOR: falls
    let falls = |step| if step < 200 { 0.1 } else { 0.01 };
    let ours = walk(HEAVY_BALL, 0.0, 400, falls, |_| 1.0);
    let theirs = textbook(0.0, 400, falls, |_| 1.0);
    let further = ours[400] - theirs[400];
    // ANCHOR_END: falls
    let step = ours[399] - ours[400];
    report.part("forms", |report| {
        let below = if same < 1e-12 { "below 1e-12".to_string() } else { format!("{same:.1e}") };
        report.table(
            &["textbook's form against PyTorch's", ""],
            &[
                vec!["largest difference at one rate".into(), below],
                vec!["further on after the rate has fallen tenfold".into(), format!("{further:.2}")],
                vec!["that is, in steps at the lower rate".into(), format!("{:.0}", further / step)],
            ],
        );
    });
    report.value("further", format!("{further:.2}"));
    report.value("further-steps", format!("{:.0}", further / step));
    report.claim("at one rate the two forms of momentum are one", same < 1e-12);
    report.claim("after a tenfold fall of the rate they differ by what the sum of powers says", {
        (further - 0.9 * (0.1 - 0.01) / 0.01).abs() < 1e-6
    });
}

// ANCHOR: left
/// What is left of the distance to the bottom after each step, on average over many, where the rate times the
/// curvature is `x`.
fn left(rule: Sgd, x: f64) -> f64 {
    let places = walk(rule, 1.0, 400, |_| x, |w| w);
    let most = |from: usize| places[from..from + 100].iter().fold(0.0f64, |most, w| most.max(w.abs()));
    (most(300) / most(200)).powf(0.01)
}
// ANCHOR_END: left

/// The larger of the two solutions of z² - p z + q = 0, as a size.
fn root(p: f64, q: f64) -> f64 {
    let inside = p * p / 4.0 - q;
    if inside < 0.0 { q.sqrt() } else { p.abs() / 2.0 + inside.sqrt() }
}

/// What theory says that [`left`] is.
fn theory(rule: Sgd, x: f64) -> f64 {
    let m = rule.momentum;
    if rule.nesterov { root((1.0 + m) * (1.0 - x), m * (1.0 - x)) } else { root(1.0 + m - x, m) }
}

fn report_valley(report: &mut Report) {
    let rules = [("plain", PLAIN, 6), ("momentum", HEAVY_BALL, 1), ("Nesterov", NESTEROV, 2)];
    let curvatures = [0.001, 0.005, 0.01, 0.03, 0.1, 0.3, 0.7, 1.5, 3.0];
    let row = |&x: &f64| {
        let cell =
            |rule: Sgd| if theory(rule, x) < 1.0 { format!("{:.3}", left(rule, x)) } else { "-".into() };
        [vec![x.to_string()], rules.map(|(_, rule, _)| cell(rule)).to_vec()].concat()
    };
    report.part("valley", |report| {
        let rows: Vec<_> = curvatures.iter().map(row).collect();
        report.table(&["rate times curvature", "plain", "momentum", "Nesterov"], &rows);
    });
    let close = |rule: Sgd, x: f64| theory(rule, x) >= 1.0 || (left(rule, x) - theory(rule, x)).abs() < 0.02;
    report.claim("what is left after a step is what the quadratic equation says", {
        rules.iter().all(|(_, rule, _)| curvatures.iter().all(|&x| close(*rule, x)))
    });
    let (low, high) = ((1.0 - MOMENTUM.sqrt()).powi(2), (1.0 + MOMENTUM.sqrt()).powi(2));
    report.value("flattest", format!("{low:.4}"));
    report.value("steepest", format!("{high:.2}"));
    report.value("ratio", format!("{:.0}", high / low));
    report.value("kept", format!("{:.3}", MOMENTUM.sqrt()));
    let slow = 1.0 - 2.0 / (high / low + 1.0);
    report.value("kept-plain", format!("{slow:.4}"));
    report.value("times-plain", format!("{:.0}", MOMENTUM.sqrt().ln() / slow.ln()));
    report.value("nesterov-steep", format!("{:.3}", left(NESTEROV, 0.7)));
    report.figure("ch14-valley", figure(&rules));
}

fn figure(rules: &[(&str, Sgd, usize)]) -> String {
    let line = |&(name, rule, color): &(&str, Sgd, usize)| {
        let points = (0..=240).map(|i| 10f64.powf(-3.0 + 3.7 * f64::from(i) / 240.0));
        let points = points.map(|x| (x, theory(rule, x))).filter(|point| point.1 <= 1.0);
        Line { label: name.into(), color, dashed: false, points: points.collect() }
    };
    Chart {
        title: "What is left of the distance to the bottom of a valley after each step, against its curvature: plain \
                descent is fast at one curvature only, momentum equally fast over a factor of a thousand"
            .into(),
        x: Axis { label: "rate times curvature", range: [1e-3, 5.0], log: true },
        y: Axis { label: "left after a step", range: [0.0, 1.0], log: false },
        lines: rules.iter().map(line).collect(),
        label_width: 96.0,
    }
    .svg()
}
