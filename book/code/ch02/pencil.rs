//! The network that fits on a sheet of paper, computed by the crate.

use super::{common::Report, figures};
use residual::{
    Tensor,
    ops::{bias, linear, relu},
};

/// Every number of one step: (1, n) tensors for one example.
pub struct Pencil {
    pub x: Tensor<f64>,
    pub w1: Tensor<f64>,
    pub b1: Tensor<f64>,
    pub z: Tensor<f64>,
    pub h: Tensor<f64>,
    pub w2: Tensor<f64>,
    pub b2: Tensor<f64>,
    pub y: Tensor<f64>,
    pub loss: f64,
    pub dy: Tensor<f64>,
    pub dw2: Tensor<f64>,
    pub dh: Tensor<f64>,
    pub dz: Tensor<f64>,
    pub dw1: Tensor<f64>,
    pub dx: Tensor<f64>,
}

const TARGET: f64 = 3.0;

impl Pencil {
    /// Forward and backward from these parameters: first layer's weights and biases, then the second's.
    fn of(w1: [f64; 4], b1: [f64; 2], w2: [f64; 2], b2: f64) -> Self {
        let x = Tensor::from_vec([1, 2], vec![2.0, 1.0]);
        let w1 = Tensor::from_vec([2, 2], w1.to_vec());
        let b1 = Tensor::from_vec([2], b1.to_vec());
        let w2 = Tensor::from_vec([1, 2], w2.to_vec());
        let b2 = Tensor::from_vec([1], vec![b2]);
        let z = bias::forward(linear::forward(&x, &w1), &b1);
        let h = relu::forward(z.clone());
        let y = bias::forward(linear::forward(&h, &w2), &b2);
        let wrong = y.as_slice()[0] - TARGET;
        let dy = Tensor::full([1, 1], wrong);
        let dw2 = linear::grad_weights(&dy, &h, w2.shape());
        let dh = linear::grad_input(&dy, &w2);
        let dz = relu::backward(dh.clone(), &h);
        let dw1 = linear::grad_weights(&dz, &x, w1.shape());
        let dx = linear::grad_input(&dz, &w1);
        Self { x, w1, b1, z, h, w2, b2, y, loss: wrong * wrong / 2.0, dy, dw2, dh, dz, dw1, dx }
    }
}

pub fn run(report: &mut Report) {
    let (w1, b1, w2, b2) = ([1.0, -1.0, -2.0, 1.0], [1.0, 1.0], [3.0, 5.0], -1.0);
    let p = Pencil::of(w1, b1, w2, b2);
    report.claim("forward is what the pencil says", {
        (p.z.as_slice(), p.h.as_slice(), p.y.as_slice(), p.loss) == (&[2.0, -2.0], &[2.0, 0.0], &[5.0], 2.0)
    });
    report.claim("backward is what the pencil says", {
        (p.dw2.as_slice(), p.dh.as_slice(), p.dz.as_slice()) == (&[4.0, 0.0], &[6.0, 10.0], &[6.0, 0.0])
            && (p.dw1.as_slice(), p.dx.as_slice()) == (&[12.0, 6.0, 0.0, 0.0], &[6.0, -6.0])
    });
    let turned = Pencil::of([1.001, -1.0, -2.0, 1.0], b1, w2, b2);
    report.value("turned-loss", format!("{:.6}", turned.loss));
    report.claim("a little more of a weight is its gradient more of loss", {
        ((turned.loss - p.loss) / 0.001 - 12.0).abs() < 0.02
    });
    let down = |from: f64, slope: f64| from - 0.01 * slope;
    let first = [0, 1, 2, 3].map(|i| down(w1[i], p.dw1.as_slice()[i]));
    let [b1, w2] =
        [(b1, &p.dz), (w2, &p.dw2)].map(|(from, by)| [0, 1].map(|i| down(from[i], by.as_slice()[i])));
    let stepped = Pencil::of(first, b1, w2, down(b2, p.dy.as_slice()[0]));
    report.value("stepped-loss", format!("{:.3}", stepped.loss));
    report.claim("a step downhill takes most of the loss away", stepped.loss < 0.2 * p.loss);
    report.figure("ch02-pencil", figures::pencil(&p));
}
