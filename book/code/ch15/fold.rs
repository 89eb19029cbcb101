//! A batch norm that judges is an affine map, and a convolution can take it in.

use super::{
    common::{Budget, Report},
    network::{CHANNELS, EPS, Trained, accuracy, numbers},
};
use residual::{
    Shape, Tensor,
    models::{Model, Options, ResNet, resnet},
    nn::{Conv2d, Flatten, Linear, MaxPool2d, Outline, Relu, Sequential, Slot},
};
use std::time::Instant;

// ANCHOR: fold
/// What batch norm does behind a convolution of weights `w`: other weights, and a bias.
fn folded(w: &Tensor<f32>, [gamma, beta, mean, var]: [&[f32]; 4]) -> (Tensor<f32>, Tensor<f32>) {
    let scale: Vec<f64> =
        gamma.iter().zip(var).map(|(&g, &v)| f64::from(g) / (f64::from(v) + EPS).sqrt()).collect();
    let each = w.len() / scale.len();
    let weight = Tensor::from_fn(w.shape(), |i| (scale[i / each] * f64::from(w.as_slice()[i])) as f32);
    let bias =
        Tensor::from_fn([scale.len()], |o| (f64::from(beta[o]) - scale[o] * f64::from(mean[o])) as f32);
    (weight, bias)
}
// ANCHOR_END: fold

/// The chapter's network without its batch norms.
fn without_norms() -> Sequential<f32> {
    let conv = |from| Conv2d::new(from, CHANNELS, 3).padding(1);
    Sequential::new()
        .add("conv1", conv(1))
        .add("relu1", Relu::new())
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", conv(CHANNELS))
        .add("relu2", Relu::new())
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten::new())
        .add("fc", Linear::new(49 * CHANNELS, 10))
}

/// The same function with two layers less.
fn fold(net: &mut Sequential<f32>) -> Sequential<f32> {
    let mut given = numbers(net);
    let of = |name: String| -> Tensor<f32> {
        given.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no {name}")).1.clone()
    };
    let mut new = Vec::new();
    for i in 1..=2 {
        let norm = ["weight", "bias", "running_mean", "running_var"].map(|part| of(format!("bn{i}.{part}")));
        let (weight, bias) = folded(&of(format!("conv{i}.weight")), norm.each_ref().map(Tensor::as_slice));
        new.push((format!("conv{i}.weight"), weight));
        new.push((format!("conv{i}.bias"), bias));
    }
    given.retain(|(name, _)| name.starts_with("fc"));
    new.extend(given);
    let mut folded = without_norms();
    Model::visit(&mut folded, &mut |path, slot| {
        let Slot::Param(param) = slot else { return };
        let (_, tensor) = new.iter().find(|(name, _)| *name == path.to_string()).expect("every name");
        param.value = tensor.clone();
    });
    folded
}

/// The largest difference of two tensors, as a part of the largest number.
fn off(a: &Tensor<f32>, b: &Tensor<f32>) -> f64 {
    let largest = b.as_slice().iter().fold(0f32, |most, x| most.max(x.abs()));
    let pairs = a.as_slice().iter().zip(b.as_slice());
    f64::from(pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max) / largest)
}

pub fn run(budget: Budget, trained: &mut Trained, report: &mut Report) {
    let mut net = trained.copy(EPS);
    let mut by_hand = fold(&mut net);
    let expected = trained.scores_of(&mut net, 200);
    let hand = off(&trained.scores_of(&mut by_hand, 200), &expected);
    report.claim("folded by hand, scores are those of the network to 1e-5 of the largest", hand < 1e-5);
    report.value("fold-off", if hand < 1e-6 { "10^{-6}" } else { "10^{-5}" });
    let kept = accuracy(&mut by_hand, &trained.unseen);
    report.claim("and as many pictures are named rightly", (kept - trained.accuracy).abs() < 0.25);

    let mut fused = trained.copy(EPS);
    Model::fuse(&mut fused);
    let library = off(&trained.scores_of(&mut fused, 200), &expected);
    report.claim("folded by the crate, scores are the same to 1e-5 of the largest", library < 1e-5);
    let (ours, theirs) = (numbers(&mut by_hand), numbers(&mut fused));
    report.claim("hand and crate have the same names and, but for rounding, the same weights", {
        ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|((a, x), (b, y))| a == b && off(x, y) < 1e-6)
    });
    report.part("folded", |report| {
        let of = |net: &[(String, Tensor<f32>)]| net.iter().map(|(_, t)| t.len()).sum::<usize>().to_string();
        let before = numbers(&mut net);
        let rows = [("as trained", &before), ("folded", &theirs)];
        let rows = rows.map(|(name, net)| vec![name.into(), net.len().to_string(), of(net)]);
        report.table(&["", "tensors", "numbers"], &rows);
    });
    report_passes(report);
    report_time(budget, report);
}

/// The numbers that leave all layers of a kind.
fn outputs(outline: &Outline, kind: &str) -> usize {
    let own = if outline.kind.starts_with(kind) { outline.output.len() } else { 0 };
    own + outline.children.iter().map(|child| outputs(child, kind)).sum::<usize>()
}

/// What the batch norms of ResNet-50 read and write for one picture.
fn report_passes(report: &mut Report) {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    let net: Sequential<f32> = ResNet::RESNET50.build(&options);
    let outline = Model::outline(&net, Shape::from([1, 224, 224, 3]));
    let norms = outputs(&outline, "BatchNorm2d");
    report.value("norm-megabytes", format!("{:.0}", (2 * 4 * norms) as f64 / 1e6));
    report
        .claim("behind every convolution of ResNet-50 is a batch norm", norms == outputs(&outline, "Conv2d"));
}

// ANCHOR: time
/// How many times longer a ResNet-20 takes as it was trained than folded: the fastest of several runs each.
fn gain() -> f64 {
    let mut nets = [resnet::<f32>(20, &Options::default()), resnet(20, &Options::default())];
    Model::fuse(&mut nets[1]);
    let images = Tensor::full([32, 32, 32, 3], 0.5);
    let mut fastest = [f64::INFINITY; 2];
    for _ in 0..12 {
        for (net, fastest) in nets.iter_mut().zip(&mut fastest) {
            let start = Instant::now();
            net.scores(images.clone());
            *fastest = fastest.min(start.elapsed().as_secs_f64());
        }
    }
    fastest[0] / fastest[1]
}
// ANCHOR_END: time

fn report_time(budget: Budget, report: &mut Report) {
    if budget == Budget::Quick {
        // Beside other tests, a time says nothing.
        return report.value("fold-gain", "–");
    }
    let gain = gain();
    report.value("fold-gain", format!("≈{gain:.1}"));
    report.claim("folded, the network is not much slower", gain > 0.7);
}
