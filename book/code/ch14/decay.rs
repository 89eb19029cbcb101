//! Weight decay: a shrinkage, and what becomes of it inside Adam.

use super::{
    common::Report,
    momentum::{MOMENTUM, walk},
    recipe::Recipe,
};
use residual::{
    Tensor,
    nn::{Param, Path, Slot},
    train::optim::{Adam, AdamW, Optimizer, Rule, Sgd},
};

pub fn run(report: &mut Report) {
    report_shrinkage(report);
    report_adam(report);
}

/// What decay alone leaves of a weight of 1.
fn shrunk(weight_decay: f64, steps: u64, rate: impl Fn(u64) -> f64) -> f64 {
    let rule = Sgd { momentum: MOMENTUM, nesterov: true, weight_decay };
    walk(rule, 1.0, steps, rate, |_| 0.0)[steps as usize]
}

fn report_shrinkage(report: &mut Report) {
    let decay = Recipe::default().weight_decay;
    let at_one_rate = shrunk(decay, 2_000, |_| 0.1);
    let left = |steps: usize, decay: f64| {
        let schedule = Recipe::default().schedule(steps);
        100.0 * shrunk(decay, steps as u64, |step| schedule.rate(step))
    };
    let rows: Vec<_> = [320, 1_920, 64_000]
        .map(|steps| {
            let cells = [decay, 10.0 * decay].map(|decay| format!("{:.1}", left(steps, decay)));
            [vec![steps.to_string()], cells.to_vec()].concat()
        })
        .into();
    report.part("shrinkage", |report| {
        report.line("What decay alone leaves of a weight, in %, by the recipe's schedule");
        report.table(&["steps", "decay 0.0005", "decay 0.005"], &rows);
    });
    report.value("left-flat", format!("{at_one_rate:.3}"));
    report.value("left-short", &rows[0][1]);
    report.value("left-long", &rows[1][1]);
    report.value("left-paper", &rows[2][1]);
    report
        .claim("after (1 - momentum) / (rate · decay) steps a weight is divided by e, within a hundredth", {
            (at_one_rate * std::f64::consts::E - 1.0).abs() < 0.01
        });
    report
        .claim("over a short training the decay of long ones takes a few per cent", left(320, decay) > 90.0);
}

// ANCHOR: noise
/// What is left of a weight of 1 after so many steps on gradients of one size that push to and fro.
fn under_noise(rule: impl Into<Rule>, size: f64, steps: u64) -> f64 {
    let mut w = Param::new(Tensor::full([1], 1.0));
    let mut optimizer = Optimizer::new(rule);
    for step in 0..steps {
        w.grad = Tensor::full([1], if step % 2 == 0 { size } else { -size });
        optimizer.step(1e-3, |each| each(&Path::root(), Slot::Param(&mut w)));
    }
    w.value.as_slice()[0]
}
// ANCHOR_END: noise

fn report_adam(report: &mut Report) {
    let weight_decay = 0.1;
    let adam = Adam { weight_decay, ..Adam::default() };
    let decoupled = AdamW { weight_decay, ..AdamW::default() };
    let sizes = [100.0, 10.0, 1.0, 0.1];
    let found = sizes.map(|size| [under_noise(adam, size, 1000), under_noise(decoupled, size, 1000)]);
    report.part("adam", |report| {
        let rows = sizes.iter().zip(&found).map(|(size, both)| {
            [vec![size.to_string()], both.map(|left| format!("{left:.3}")).to_vec()].concat()
        });
        report.table(
            &["size of the gradients", "Adam, decay in the gradient", "AdamW"],
            &rows.collect::<Vec<_>>(),
        );
    });
    report.value("adam-large", format!("{:.3}", found[0][0]));
    report.value("adam-small", format!("{:.3}", found[3][0]));
    report.value("adamw", format!("{:.3}", found[0][1]));
    report.claim("AdamW shrinks all weights alike", {
        found.iter().all(|both| (both[1] - (1.0f64 - 1e-4).powi(1000)).abs() < 0.005)
    });
    report.claim("in Adam's gradient, decay all but spares the weight with large gradients", {
        found[0][0] > 0.99 && found[3][0] < 0.5
    });
}
