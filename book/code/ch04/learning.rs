//! Whether the networks learn: each at three rates, and the best of them counts.

use super::{
    common::{Budget, Report, training::side_by_side},
    depths::KINDS,
    network::{Kind, Network},
    theory,
};
use residual::{
    data::{Dataset, Loader},
    train::optim::{self, Optimizer, Sgd},
};

const DEPTHS: [usize; 3] = [2, 10, 30];
const RATES: [f64; 3] = [0.1, 0.01, 0.001];
const BATCH: usize = 32;

// ANCHOR: train
/// The mean training loss of the last quarter of `steps`.
fn train(kind: Kind, depth: usize, lr: f64, steps: usize, pictures: &Dataset) -> f64 {
    let mut network = Network::<f32>::new(kind, depth, 0);
    let mut sgd = Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() });
    let loader = Loader::new(pictures, BATCH).shuffle(true);
    let batches = (0..).flat_map(|epoch| loader.epoch::<f32>(epoch)).take(steps);
    let losses: Vec<_> = batches
        .map(|batch| {
            optim::zero_grad(|each| network.visit(each));
            let (loss, _) = network.gradients(&batch);
            sgd.step(lr, |each| network.visit(each));
            loss
        })
        .collect();
    losses[steps - steps / 4..].iter().sum::<f64>() / (steps / 4) as f64
}
// ANCHOR_END: train

fn shown(loss: f64) -> String {
    if loss.is_finite() { format!("≈{loss:.2}") } else { "overflow".into() }
}

/// The table, and what the chapter says about it.
pub fn run(report: &mut Report, budget: Budget, pictures: &Dataset) {
    let (steps, depths) =
        if budget == Budget::Quick { (64, [2, 30].as_slice()) } else { (160, DEPTHS.as_slice()) };
    let critical = (Kind::ScaledSigmoid(theory::critical()), "sigmoid, large", 2);
    let kinds: Vec<_> = KINDS[..1].iter().chain([&critical]).chain(&KINDS[1..]).copied().collect();
    let cells: Vec<_> = kinds.iter().flat_map(|k| depths.iter().map(|&depth| (k.0, depth))).collect();
    let jobs: Vec<_> = cells.iter().flat_map(|&cell| RATES.map(|lr| (cell, lr))).collect();
    let all = side_by_side(&jobs, |&((kind, depth), lr)| train(kind, depth, lr, steps, pictures));
    // A loss that is not a number is not the best.
    let best =
        |losses: &[f64]| losses.iter().copied().filter(|loss| loss.is_finite()).fold(f64::INFINITY, f64::min);
    let best: Vec<_> = all.chunks(RATES.len()).map(best).collect();
    let losses: Vec<_> = best.chunks(depths.len()).collect();
    report.part("learning", |report| {
        report.line(format!("Training loss after {steps} steps, at the best of three rates"));
        let rows: Vec<Vec<String>> = kinds
            .iter()
            .zip(&losses)
            .map(|((_, name, _), losses)| {
                [name.to_string()].into_iter().chain(losses.iter().map(|loss| shown(*loss))).collect()
            })
            .collect();
        let depths: Vec<_> = depths.iter().map(|depth| format!("depth {depth}")).collect();
        let header: Vec<_> = ["network"].into_iter().chain(depths.iter().map(String::as_str)).collect();
        report.table(&header, &rows);
    });
    let of = |kind: Kind| {
        let row = kinds.iter().position(|k| k.0 == kind).expect("a kind of the table");
        (losses[row][0], *losses[row].last().expect("depths"))
    };
    let names = [
        (Kind::Sigmoid, "sigmoid"),
        (critical.0, "large"),
        (Kind::He, "he"),
        (Kind::Norm, "norm"),
        (Kind::NormShortcut, "both"),
    ];
    for (kind, name) in names {
        report.value(&format!("{name}_loss"), format!("≈{:.2}", of(kind).1));
    }
    report.value("shallow_loss", format!("≈{:.2}", of(Kind::Sigmoid).0));
    let guess = 10f64.ln();
    let (shallow, deep) = of(Kind::Sigmoid);
    report.claim("two layers of sigmoids learn, many guess", shallow < 0.75 * guess && deep > 0.98 * guess);
    let (norm, both) = (of(Kind::Norm).1, of(Kind::NormShortcut).1);
    report.claim("with both, the deep network learns", both < 0.85 * guess && both < norm);
    report.claim("with shortcuts alone, the deep network overflows", of(Kind::Shortcut).1.is_infinite());
    report.claim("a factor of 1 does not make sigmoids learn", of(critical.0).1 > 0.8 * guess);
}
