//! Dropout in a network so small that every mask can be tried: what halving at the end is a mean of, what noise
//! dropout adds, and how its two forms learn.

use super::common::Report;
use residual::{
    Tensor,
    ops::{dropout, linear, relu, softmax},
    rng::Generator,
};

const CLASSES: usize = 4;

fn normal(rows: usize, cols: usize, rng: &mut Generator) -> Tensor<f64> {
    Tensor::from_fn([rows, cols], |_| rng.normal())
}

/// `h` with the units left out whose bit in `mask` is 0.
fn masked(h: &Tensor<f64>, mask: usize) -> Tensor<f64> {
    Tensor::from_fn(h.shape(), |i| if mask >> i & 1 == 1 { h.as_slice()[i] } else { 0.0 })
}

fn farthest(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

// ANCHOR: means
/// The arithmetic and the geometric mean of the probabilities that `network` answers with, over all masks of `units`
/// bits; the second one is brought back to sum 1.
fn means(units: usize, network: impl Fn(usize) -> Tensor<f64>) -> [Tensor<f64>; 2] {
    let masks = 1 << units;
    let (mut sum, mut logs) = (Tensor::zeros([1, CLASSES]), Tensor::zeros([1, CLASSES]));
    for mask in 0..masks {
        let p = softmax::forward(network(mask));
        for ((sum, logs), &p) in sum.as_mut_slice().iter_mut().zip(logs.as_mut_slice()).zip(p.as_slice()) {
            *sum += p / masks as f64;
            *logs += p.ln() / masks as f64;
        }
    }
    // A softmax takes the exponentials and divides by their sum.
    [sum, softmax::forward(logs)]
}
// ANCHOR_END: means

pub fn run(report: &mut Report) {
    let rng = &mut Generator::new(6, 2);
    let one = one_layer(rng);
    let two = two_layers(rng);
    report.part("means", |report| {
        let row = |name: &str, [arithmetic, geometric]: [f64; 2]| {
            let shown = |d: f64| if d < 1e-12 { "0".into() } else { format!("{d:.4}") };
            vec![name.to_string(), shown(arithmetic), shown(geometric)]
        };
        let rows =
            [row("dropout in the last layer, 1,024 masks", one), row("in the last two, 4,096 masks", two)];
        report.table(&["halving, from", "arithmetic mean", "geometric mean"], &rows);
    });
    report.value("arithmetic-one", format!("{:.4}", one[0]));
    report.value("geometric-two", format!("{:.4}", two[1]));
    report.claim(
        "halving is the geometric mean of all masks, exactly, where a softmax follows",
        one[1] < 1e-12,
    );
    report.claim("halving is not the arithmetic mean", one[0] > 1e-3);
    report.claim("behind another layer it is neither", two.iter().all(|&d| d > 1e-3));
    let [measured, theory] = noise(rng);
    report.value("noise", format!("{measured:.3}"));
    report.claim("dropout's noise has the variance that the formula says", (measured - theory).abs() < 1e-9);
    let [quarter, same] = two_forms(rng);
    report.value("forms-apart", format!("{same:.2}"));
    report.claim("inverted dropout at a quarter of the rate learns what the paper's learns", quarter < 1e-12);
    report.claim("at the same rate it learns something else", same > 0.01);
}

/// How far the halved network's probabilities are from the two means: ten units, one layer.
fn one_layer(rng: &mut Generator) -> [f64; 2] {
    let (h, w) = (normal(1, 10, rng), normal(CLASSES, 10, rng));
    let halved = softmax::forward(linear::forward(&h.map(|h| h / 2.0), &w));
    means(10, |mask| linear::forward(&masked(&h, mask), &w)).map(|mean| farthest(&mean, &halved))
}

/// The same with two hidden layers of six units, both with dropout, and a ReLU between.
fn two_layers(rng: &mut Generator) -> [f64; 2] {
    let (h, v, w) = (normal(1, 6, rng), normal(6, 6, rng), normal(CLASSES, 6, rng));
    let between = |h: &Tensor<f64>| relu::forward(linear::forward(h, &v));
    let halved = between(&h.map(|h| h / 2.0)).map(|h| h / 2.0);
    let halved = softmax::forward(linear::forward(&halved, &w));
    let network = |mask: usize| linear::forward(&masked(&between(&masked(&h, mask % 64)), mask / 64), &w);
    means(12, network).map(|mean| farthest(&mean, &halved))
}

/// The variance of one output over all masks of inverted dropout, and what the formula says.
fn noise(rng: &mut Generator) -> [f64; 2] {
    let (x, w) = (normal(1, 10, rng), normal(1, 10, rng));
    let ys: Vec<_> =
        (0..1024).map(|mask| 2.0 * linear::forward(&masked(&x, mask), &w).as_slice()[0]).collect();
    let mean = ys.iter().sum::<f64>() / 1024.0;
    let variance = ys.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 1024.0;
    let theory = x.as_slice().iter().zip(w.as_slice()).map(|(x, w)| (w * x).powi(2)).sum();
    [variance, theory]
}

// ANCHOR: forms
/// Ten steps towards a target, by the paper's dropout, and by inverted dropout with half the weights at `factor` of the
/// rate; how far apart what they answer is, when they judge.
fn apart(h: &Tensor<f64>, w: &Tensor<f64>, target: &Tensor<f64>, factor: f64) -> f64 {
    let rate = 0.02;
    let (mut paper, mut inverted) = (w.clone(), w.map(|w| w / 2.0));
    let draws = &mut Generator::new(6, 3);
    for _ in 0..10 {
        // Inverted: 0 or 2h. The paper's: 0 or h.
        let (twice, _) = dropout::forward(h.clone(), 0.5, draws);
        let once = twice.map(|h| h / 2.0);
        learn(&mut paper, &once, target, rate);
        learn(&mut inverted, &twice, target, factor * rate);
    }
    farthest(&linear::forward(&h.map(|h| h / 2.0), &paper), &linear::forward(h, &inverted))
}
// ANCHOR_END: forms

/// A step down the slope of half the squared distance from the target.
fn learn(w: &mut Tensor<f64>, h: &Tensor<f64>, target: &Tensor<f64>, rate: f64) {
    let y = linear::forward(h, w);
    let dy = Tensor::from_fn(y.shape(), |i| y.as_slice()[i] - target.as_slice()[i]);
    let dw = linear::grad_weights(&dy, h, w.shape());
    w.as_mut_slice().iter_mut().zip(dw.as_slice()).for_each(|(w, dw)| *w -= rate * dw);
}

fn two_forms(rng: &mut Generator) -> [f64; 2] {
    let (h, w, target) = (normal(1, 10, rng), normal(CLASSES, 10, rng), normal(1, CLASSES, rng));
    [0.25, 1.0].map(|factor| apart(&h, &w, &target, factor))
}
