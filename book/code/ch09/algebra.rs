//! What the backward pass must do, asserted in `f64`.

use super::common::Report;
use residual::{
    Tensor,
    nn::{BatchNorm2d, Conv2d, Init, Layer, Mode, Path, Slot},
    ops::batch_norm,
    rng::Generator,
};

// ANCHOR: by_paths
/// dx for the numbers `x` of one channel, by the chain rule alone.
fn by_paths(x: &[f64], dy: &[f64], gamma: f64, eps: f64) -> Vec<f64> {
    let m = x.len() as f64;
    let mean = x.iter().sum::<f64>() / m;
    let var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / m;
    let inv_std = 1.0 / (var + eps).sqrt();
    let dx_hat: Vec<f64> = dy.iter().map(|dy| gamma * dy).collect();

    let dvar = -0.5 * inv_std.powi(3) * dx_hat.iter().zip(x).map(|(d, x)| d * (x - mean)).sum::<f64>();
    let dmean = -inv_std * dx_hat.iter().sum::<f64>();
    let paths = |(d, x): (&f64, &f64)| d * inv_std + dvar * 2.0 * (x - mean) / m + dmean / m;
    dx_hat.iter().zip(x).map(paths).collect()
}
// ANCHOR_END: by_paths

pub fn run(report: &mut Report) {
    report_backward(report);
    report_two(report);
    report_scale(report);
}

fn normal(shape: [usize; 2], stream: u64) -> Tensor<f64> {
    let rng = &mut Generator::new(90, stream);
    Tensor::from_fn(shape, |_| rng.normal())
}

fn column(t: &Tensor<f64>, c: usize) -> Vec<f64> {
    t.as_slice().iter().skip(c).step_by(t.shape().last()).copied().collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// The crate's `dx` against the three paths, and the two directions that it must not have.
fn report_backward(report: &mut Report) {
    const C: usize = 3;
    let (x, dy) = (normal([40, C], 0), normal([40, C], 1));
    let gamma = Tensor::from_vec([C], vec![1.0, -0.5, 2.0]);
    let (ones, zeros) = (Tensor::full([C], 1.0), Tensor::zeros([C]));
    let mut worst = [0f64; 3];
    for eps in [0.0, 1e-5] {
        let (x_hat, _) = batch_norm::forward(x.clone(), &ones, &zeros, eps);
        let (_, saved) = batch_norm::forward(x.clone(), &gamma, &zeros, eps);
        let (dx, ..) = batch_norm::backward(dy.clone(), &saved, &gamma);
        for c in 0..C {
            let (dx, x_hat) = (column(&dx, c), column(&x_hat, c));
            let paths = by_paths(&column(&x, c), &column(&dy, c), gamma.as_slice()[c], eps);
            let apart: Vec<_> = dx.iter().zip(&paths).map(|(a, b)| a - b).collect();
            worst[0] = worst[0].max(length(&apart) / length(&dx));
            worst[1] = worst[1].max(dx.iter().sum::<f64>().abs() / length(&dx));
            if eps == 0.0 {
                worst[2] = worst[2].max(dot(&dx, &x_hat).abs() / length(&dx) / length(&x_hat));
            }
        }
    }
    report.part("backward", |report| {
        report.line("As parts of the length of dx, the largest of three channels");
        let names = ["the crate's dx less that of the three paths", "the sum of dx", "dx along x-hat"];
        let rows = names.iter().zip(worst).map(|(name, part)| vec![name.to_string(), rounding(part)]);
        report.table(&["", "found"], &rows.collect::<Vec<_>>());
    });
    report.claim("dx is what the three paths say, sums to zero and is at a right angle to x̂", {
        worst.iter().all(|&part| part < ROUNDING)
    });
}

/// Two numbers: ±1 forward, nothing backward.
fn report_two(report: &mut Report) {
    const C: usize = 100;
    let (ones, zeros) = (Tensor::full([C], 1.0), Tensor::zeros([C]));
    let (y, saved) = batch_norm::forward(normal([2, C], 2), &ones, &zeros, 0.0);
    let dy = normal([2, C], 3);
    let (dx, ..) = batch_norm::backward(dy.clone(), &saved, &ones);
    report.claim("of two numbers, one becomes 1 and the other -1", {
        y.as_slice().iter().all(|y| (y.abs() - 1.0).abs() < 1e-12)
    });
    report.claim("and no gradient comes through", length(dx.as_slice()) < 1e-10 * length(dy.as_slice()));
}

// ANCHOR: through
/// What a convolution with batch norm behind computes, and its gradients, when its weights are `scale` times
/// what they start with, and its biases `shift` more.
fn through(scale: f64, shift: f64) -> Passed {
    let rng = &mut Generator::new(91, 0);
    let mut conv = Conv2d::<f64>::new(3, 4, 3).init(Init::KaimingNormal, rng);
    let mut norm = BatchNorm2d::new(4).eps(0.0);
    let x = Tensor::from_fn([8, 6, 6, 3], |_| rng.normal());
    let dy = Tensor::from_fn([8, 4, 4, 4], |_| rng.normal());
    let mut passed = Passed::default();
    conv.visit(&Path::root(), &mut |path, slot| {
        if let Slot::Param(param) = slot {
            let moved = |v: f64| if path.to_string() == "weight" { scale * v } else { v + shift };
            param.value = param.value.map(moved);
        }
    });
    passed.y = norm.forward(conv.forward(x, Mode::Train), Mode::Train).as_slice().to_vec();
    let dz = norm.backward(dy);
    passed.dz = dz.as_slice().to_vec();
    conv.backward(dz);
    conv.visit(&Path::root(), &mut |path, slot| {
        if let Slot::Param(param) = slot {
            let [value, grad] = [&param.value, &param.grad].map(|t| t.as_slice().to_vec());
            if path.to_string() == "weight" {
                (passed.w, passed.dw) = (value, grad);
            } else {
                passed.dbias = grad;
            }
        }
    });
    passed
}
// ANCHOR_END: through

/// Numbers of a convolution and of the batch norm behind it.
#[derive(Default)]
struct Passed {
    /// Behind both.
    y: Vec<f64>,
    /// The gradient between the two.
    dz: Vec<f64>,
    w: Vec<f64>,
    dw: Vec<f64>,
    dbias: Vec<f64>,
}

/// The length of `a - factor · b`, as a part of the length of `a`.
fn apart(a: &[f64], b: &[f64], factor: f64) -> f64 {
    let rest: Vec<_> = a.iter().zip(b).map(|(a, b)| a - factor * b).collect();
    length(&rest) / length(a)
}

fn report_scale(report: &mut Report) {
    let [one, ten] = [1.0, 10.0].map(|scale| through(scale, 0.0));
    let shifted = through(1.0, 3.0);
    let output = apart(&one.y, &ten.y, 1.0);
    let gradient = apart(&one.dw, &ten.dw, 10.0);
    let along = dot(&one.w, &one.dw).abs() / length(&one.w) / length(&one.dw);
    // A step of rate 1.
    let stepped: Vec<_> = one.w.iter().zip(&one.dw).map(|(w, dw)| w - dw).collect();
    let grown = (length(&stepped).powi(2) - length(&one.w).powi(2)) / length(&one.dw).powi(2) - 1.0;
    let bias = apart(&one.y, &shifted.y, 1.0);
    let dbias = length(&one.dbias) / length(&one.dz);
    let found = [
        ("output, weights times 10: difference", output),
        ("gradient of the weights, times 10: difference", gradient),
        ("gradient along the weights", along),
        ("growth of the squared length in a step, less the step's", grown.abs()),
        ("output, biases plus 3: difference", bias),
        ("gradient of the biases", dbias),
    ];
    report.part("scale", |report| {
        let rows = found.iter().map(|(name, part)| vec![name.to_string(), rounding(*part)]);
        report.table(&["relative", "found"], &rows.collect::<Vec<_>>());
    });
    for (name, part) in found {
        report.claim(format!("{name}: none"), part < ROUNDING);
    }
    let factor = length(&one.dw) / length(&ten.dw);
    report.value("gradient-divided", format!("{factor:.0}"));
}

/// What sums of a few hundred `f64` leave of a zero.
const ROUNDING: f64 = 1e-12;

fn rounding(part: f64) -> String {
    if part < ROUNDING { "below 1e-12".into() } else { format!("{part:.1e}") }
}
