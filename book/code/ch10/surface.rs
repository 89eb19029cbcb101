//! The loss along a random direction from where training ended.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    depths::{KINDS, Plan, Trained},
    training::Kind,
};
use residual::{
    Tensor,
    data::{Batch, Dataset, Loader},
    models::Model,
    nn::{Param, Sequential, Slot},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

const DEPTH: usize = 56;
/// Positions to either side.
const STEPS: i32 = 10;

// ANCHOR: direction
/// A random direction, in which each kernel's part is as long as the kernel (Li et al. 2018). Numbers that are
/// no part of a kernel, batch norm's and biases, stay where they are.
fn direction(net: &mut Sequential<f32>, rng: &mut Generator) -> Vec<Tensor<f32>> {
    let mut direction = Vec::new();
    each_kernel_tensor(net, |value| {
        let mut part = value.map(|_| rng.normal() as f32);
        let size = value.len() / value.shape().dims()[0];
        for (part, kernel) in part.as_mut_slice().chunks_mut(size).zip(value.as_slice().chunks(size)) {
            let scale = norm(kernel) / norm(part);
            part.iter_mut().for_each(|d| *d *= scale);
        }
        direction.push(part);
    });
    direction
}
// ANCHOR_END: direction

fn norm(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// Shows the weights of every convolution and linear layer.
fn each_kernel_tensor(net: &mut Sequential<f32>, mut f: impl FnMut(&mut Tensor<f32>)) {
    Model::visit(net, &mut |_, slot| {
        if let Slot::Param(Param { value, .. }) = slot
            && value.shape().rank() > 1
        {
            f(value);
        }
    });
}

/// The loss on `batches`, by the statistics of each.
fn loss(net: &mut Sequential<f32>, batches: &[Batch]) -> f64 {
    let mut of =
        |batch: &Batch| net.train_loss(batch.images.clone(), &batch.labels, &CrossEntropy::default());
    batches.iter().map(&mut of).sum::<f64>() / batches.len() as f64
}

/// (α, loss at the weights plus α times the direction).
fn section(net: &mut Sequential<f32>, images: &Dataset) -> Vec<(f64, f64)> {
    let batches: Vec<Batch> = Loader::new(images, 64).epoch(0).take(4).collect();
    let direction = direction(net, &mut Generator::new(1, 1));
    let mut start = Vec::new();
    each_kernel_tensor(net, |value| start.push(value.clone()));
    let mut at = |step: i32| {
        let alpha = f64::from(step) / f64::from(STEPS);
        let mut parts = start.iter().zip(&direction);
        each_kernel_tensor(net, |value| {
            let (start, direction) = parts.next().expect("as many as before");
            *value = Tensor::from_fn(start.shape(), |i| {
                start.as_slice()[i] + alpha as f32 * direction.as_slice()[i]
            });
        });
        (alpha, loss(net, &batches))
    };
    (-STEPS..=STEPS).map(&mut at).collect()
}

/// Both kinds at depth 56.
pub fn run(report: &mut Report, plan: &Plan, trained: &mut [Trained]) {
    let curves = KINDS.map(|kind| {
        let end = trained.iter_mut().find(|end| (end.kind, end.depth) == (kind, DEPTH));
        section(&mut end.expect("every plan has depth 56").net, &plan.images)
    });
    let at = |kind: usize, step: i32| curves[kind][(step + STEPS) as usize].1;
    report.part("surface", |report| {
        report.line("Loss at the end of training, plus α times a random direction");
        let row = |step: i32| {
            let alpha = f64::from(step) / f64::from(STEPS);
            vec![format!("{alpha:.1}"), format!("≈{:.2}", at(0, step)), format!("≈{:.2}", at(1, step))]
        };
        report.table(&["alpha", "plain 56", "residual 56"], &[-10, -6, -2, -1, 0, 1, 2, 6, 10].map(row));
    });
    for (name, kind, step) in [("plain_end", 0, 0), ("residual_end", 1, 0), ("residual_off", 1, 2)] {
        report.value(name, format!("≈{:.2}", at(kind, step)));
    }
    report.claim("residual 56 lies deeper", at(1, 0) < at(0, 0));
    report.claim(
        "a fifth of the way out, residual 56 has lost less than half of what guessing loses",
        at(1, 2) < 1.15 && at(1, -2) < 1.15,
    );
    let line = |kind: Kind, color, points: &Vec<(f64, f64)>| Line {
        label: format!("{} 56", kind.name()),
        color,
        dashed: false,
        points: points.clone(),
    };
    let chart = Chart {
        title: "Loss along a random direction: a flat high plain for the plain network, a bowl for the residual one".into(),
        x: Axis { label: "α", range: [-1.0, 1.0], log: false },
        y: Axis { label: "loss", range: [0.0, 5.0], log: false },
        lines: vec![line(Kind::Plain, 2, &curves[0]), line(Kind::Residual, 1, &curves[1])],
        label_width: 96.0,
    };
    report.figure("ch10-surface", chart.svg());
}
