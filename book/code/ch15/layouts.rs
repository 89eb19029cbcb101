//! Weights in the wrong order: nothing crashes.

use super::{
    common::{Budget, Report},
    network::{CHANNELS, EPS, Trained, accuracy, change},
};
use residual::{Tensor, data::Normalization, nn::Sequential};

/// What a mistake makes of the weights.
type Mistake = fn(&Tensor<f32>) -> Tensor<f32>;

/// Rows and columns of what the fully connected layer sees.
const SIDE: usize = 7;

// ANCHOR: flatten
/// Fully connected weights (out, C·H·W) as another framework has them: (out, H·W·C), a pixel's channels together.
fn channels_last(w: &Tensor<f32>) -> Tensor<f32> {
    let [_, features] = w.dims();
    Tensor::from_fn(w.shape(), |i| {
        let (row, at) = (i / features, i % features);
        let (pixel, channel) = (at / CHANNELS, at % CHANNELS);
        w.as_slice()[row * features + channel * SIDE * SIDE + pixel]
    })
}
// ANCHOR_END: flatten

/// A convolution's weights (O, I, H, W), each from where `from` says.
fn moved(w: &Tensor<f32>, from: impl Fn([usize; 4], [usize; 4]) -> usize) -> Tensor<f32> {
    let dims @ [_, i, h, k] = w.dims();
    Tensor::from_fn(dims, |at| {
        let index = [at / (i * h * k), at / (h * k) % i, at / k % h, at % k];
        w.as_slice()[from(index, dims)]
    })
}

/// Numbers (H, W, I, O), as TensorFlow has them, taken for (O, I, H, W).
fn relabelled(w: &Tensor<f32>) -> Tensor<f32> {
    let [o, i, h, k] = w.dims();
    let theirs = Tensor::from_fn([h, k, i, o], |at| {
        let [row, col, from, to] = [at / (k * i * o), at / (i * o) % k, at / o % i, at % o];
        w.as_slice()[((to * i + from) * h + row) * k + col]
    });
    theirs.reshape([o, i, h, k])
}

fn swapped(w: &Tensor<f32>) -> Tensor<f32> {
    moved(w, |[o, i, r, c], [_, n, h, k]| ((i * n + o) * h + r) * k + c)
}

fn mirrored(w: &Tensor<f32>) -> Tensor<f32> {
    moved(w, |[o, i, r, c], [_, n, h, k]| ((o * n + i) * h + c) * k + r)
}

fn turned(w: &Tensor<f32>) -> Tensor<f32> {
    moved(w, |[o, i, r, c], [_, n, h, k]| ((o * n + i) * h + h - 1 - r) * k + k - 1 - c)
}

/// What a mistake did to accuracy and scores.
struct Outcome {
    name: &'static str,
    accuracy: f64,
    /// The largest change of a score, as a part of the largest score.
    off: f64,
}

pub fn run(budget: Budget, trained: &mut Trained, report: &mut Report) {
    let mut right = trained.copy(EPS);
    let expected = trained.scores_of(&mut right, 100);
    let largest = expected.as_slice().iter().fold(0f32, |most, x| most.max(x.abs()));
    let examine = |name, trained: &Trained, mut net: Sequential<f32>| {
        let scores = trained.scores_of(&mut net, 100);
        let pairs = scores.as_slice().iter().zip(expected.as_slice());
        let off = pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max) / largest;
        Outcome { name, accuracy: accuracy(&mut net, &trained.unseen), off: f64::from(off) }
    };
    let same = trained.copy(EPS);
    let mut outcomes = vec![examine("none", trained, same)];
    let mistakes: [(&str, &str, Mistake); 5] = [
        ("fc.weight in the order H, W, C", "fc.weight", channels_last),
        ("conv2: (H, W, I, O) taken for (O, I, H, W)", "conv2.weight", relabelled),
        ("conv2: O and I swapped", "conv2.weight", swapped),
        ("conv2: rows and columns swapped", "conv2.weight", mirrored),
        ("conv2: kernels turned by half a turn", "conv2.weight", turned),
    ];
    for (name, tensor, by) in mistakes {
        let mut net = trained.copy(EPS);
        change(&mut net, tensor, by);
        outcomes.push(examine(name, trained, net));
    }
    outcomes.push(unnormalised(trained, &expected, largest));
    let other_eps = trained.copy(1e-3);
    outcomes.push(examine("an epsilon of 1e-3 for 1e-5", trained, other_eps));
    show(budget, &outcomes, report);
}

/// Pixels from 0 to 1, of which nobody subtracted the mean.
fn unnormalised(trained: &mut Trained, expected: &Tensor<f32>, largest: f32) -> Outcome {
    let plain = Normalization { mean: vec![0.0], std: vec![1.0] };
    let raw = trained.unseen.select(0..trained.unseen.len()).normalized_by(plain);
    let mut net = trained.copy(EPS);
    let accuracy = accuracy(&mut net, &raw);
    let other = Trained { net, unseen: raw, accuracy };
    let mut net = trained.copy(EPS);
    let scores = other.scores_of(&mut net, 100);
    let pairs = scores.as_slice().iter().zip(expected.as_slice());
    let off = pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max) / largest;
    Outcome { name: "pixels from 0 to 1, not normalised", accuracy, off: f64::from(off) }
}

fn show(budget: Budget, outcomes: &[Outcome], report: &mut Report) {
    // After a few steps, how much a wrong network still knows is a matter of luck.
    let shown = |text: String| if budget == Budget::Quick { "–".into() } else { text };
    let rows = outcomes.iter().map(|Outcome { name, accuracy, off }| {
        let off = if *off == 0.0 { "0".into() } else { shown(format!("≈{off:.0e}")) };
        vec![name.to_string(), shown(format!("≈{accuracy:.1}")), off]
    });
    report.part("mistakes", |report| {
        report.table(&["mistake", "% right", "scores off by"], &rows.collect::<Vec<_>>());
    });
    let [none, flatten, relabelled, swapped, mirrored, turned, raw, eps] = outcomes else {
        unreachable!("eight outcomes")
    };
    for (name, outcome) in [
        ("flatten", flatten),
        ("relabelled", relabelled),
        ("swapped", swapped),
        ("mirrored", mirrored),
        ("turned", turned),
        ("raw", raw),
        ("other-eps", eps),
    ] {
        report.value(name, shown(format!("≈{:.1}", outcome.accuracy)));
    }
    report.value("right", shown(format!("≈{:.1}", none.accuracy)));
    report.claim("a wrong order behind flatten leaves what guessing would", flatten.accuracy < 25.0);
    report.claim("so do relabelled axes", relabelled.accuracy < 30.0 && swapped.accuracy < 40.0);
    report.claim("another epsilon costs no two points", (eps.accuracy - none.accuracy).abs() < 2.0);
    report.claim("but it changes the scores by more than rounding could", eps.off > 1e-4 && none.off == 0.0);
}
