//! Branches without reductions are one 5x5 convolution, most of whose weights are zero.

use super::{common::Report, module::TABLE};
use residual::{
    Tensor,
    ops::{
        add, concat,
        conv2d::{self, Geometry},
    },
    rng::Generator,
};

// ANCHOR: together
/// Kernels of odd sides as one: their outputs one after another, each in the middle of the largest, zeros around it.
fn together(kernels: &[Tensor<f64>]) -> Tensor<f64> {
    let shapes: Vec<[usize; 4]> = kernels.iter().map(Tensor::dims).collect();
    let side = shapes.iter().map(|shape| shape[2]).max().expect("a kernel");
    let [outputs, inputs] = [shapes.iter().map(|shape| shape[0]).sum(), shapes[0][1]];
    let mut all = Tensor::zeros([outputs, inputs, side, side]);
    let mut first = 0;
    for (kernel, [o, c, k, _]) in kernels.iter().zip(shapes) {
        let edge = (side - k) / 2;
        for (at, &w) in kernel.as_slice().iter().enumerate() {
            let (filter, row, col) = (first * c + at / (k * k), at / k % k, at % k);
            all.as_mut_slice()[(filter * side + edge + row) * side + edge + col] = w;
        }
        first += o;
    }
    all
}
// ANCHOR_END: together

pub fn run(report: &mut Report) {
    let rng = &mut Generator::new(8, 0);
    let mut whole = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.below(7) as f64 - 3.0);
    let kernels = [whole([4, 6, 1, 1]), whole([8, 6, 3, 3]), whole([2, 6, 5, 5])];
    let (x, dy) = (whole([1, 9, 9, 6]), whole([1, 9, 9, 14]));
    let same = |kernel: &Tensor<f64>| Geometry::default().padding([kernel.shape().dims()[2] / 2; 2]);
    // ANCHOR: equal
    let big = together(&kernels);
    let branches: Vec<_> = kernels.iter().map(|w| conv2d::forward(&x, w, same(w))).collect();
    let forward = concat::forward(&branches) == conv2d::forward(&x, &big, same(&big));

    let dys = concat::backward(&dy, &[4, 8, 2]);
    let dxs = kernels.iter().zip(&dys).map(|(w, dy)| conv2d::grad_input(dy, w, x.shape(), same(w)));
    let dx = dxs.reduce(|sum, dx| add::forward(sum, &dx)).expect("three branches");
    let backward = dx == conv2d::grad_input(&dy, &big, x.shape(), same(&big));
    // ANCHOR_END: equal
    report.claim("three branches side by side are one 5x5 convolution, bit for bit", forward);
    report.claim("cut apart and added, its gradient is the one convolution's, bit for bit", backward);
    let zeros: Vec<_> = TABLE
        .iter()
        .map(|module| {
            let [ones, threes, fives, _] = module.written();
            100.0 * (1.0 - (ones + 9 * threes + 25 * fives) as f64 / (25 * (ones + threes + fives)) as f64)
        })
        .collect();
    report.value("zeros-first", format!("{:.0}", zeros[0]));
    report.value("zeros-least", format!("{:.0}", zeros.iter().copied().fold(100.0, f64::min)));
    report.value("zeros-most", format!("{:.0}", zeros.iter().copied().fold(0.0, f64::max)));
}
