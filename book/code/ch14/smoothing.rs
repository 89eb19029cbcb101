//! Label smoothing: how far apart scores are driven.

use super::common::Report;
use residual::{Tensor, ops::cross_entropy::CrossEntropy};

const CLASSES: usize = 10;
pub const SMOOTHING: f64 = 0.1;

// ANCHOR: gap
/// How far the label's score is above the others after so many steps of gradient descent on the scores themselves.
fn gap(label_smoothing: f64, steps: usize) -> f64 {
    let loss = CrossEntropy { label_smoothing };
    let mut z = Tensor::<f64>::zeros([1, CLASSES]);
    for _ in 0..steps {
        let (_, p) = loss.forward(&z, &[3]);
        let dz = loss.backward(p, &[3]);
        z.as_mut_slice().iter_mut().zip(dz.as_slice()).for_each(|(z, dz)| *z -= dz);
    }
    z.as_slice()[3] - z.as_slice()[0]
}
// ANCHOR_END: gap

pub fn run(report: &mut Report) {
    let counts = [10, 100, 1_000, 10_000, 100_000];
    let found = counts.map(|steps| [gap(0.0, steps), gap(SMOOTHING, steps)]);
    report.part("gap", |report| {
        let rows = counts.iter().zip(&found).map(|(steps, gaps)| {
            [vec![steps.to_string()], gaps.map(|gap| format!("{gap:.2}")).to_vec()].concat()
        });
        report.table(&["steps", "bare label", "smoothed by 0.1"], &rows.collect::<Vec<_>>());
    });
    let classes = CLASSES as f64;
    let (on_label, elsewhere) = (1.0 - SMOOTHING + SMOOTHING / classes, SMOOTHING / classes);
    let best = (on_label / elsewhere).ln();
    let lowest = -on_label * on_label.ln() - (classes - 1.0) * elsewhere * elsewhere.ln();
    report.value("best-gap", format!("{best:.2}"));
    report.value("lowest", format!("{lowest:.2}"));
    report.value("bare-gap", format!("{:.1}", found[4][0]));
    report.claim("smoothed labels have a best gap, and descent finds it", (found[4][1] - best).abs() < 1e-6);
    report.claim("each tenfold number of steps adds ln 10 to the gap of bare labels", {
        found.windows(2).skip(2).all(|pair| (pair[1][0] - pair[0][0] - 10f64.ln()).abs() < 0.05)
    });
}
