//! The backward passes of a convolution, as convolutions; on whole numbers, so that equal is `==`.

use super::{common::Report, figures};
use residual::{
    Shape, Tensor,
    ops::conv2d::{Geometry, naive},
    rng::Generator,
};

/// A tensor of four axes whose number at each place is `f` of the place.
fn tensor4(shape: [usize; 4], mut f: impl FnMut([usize; 4]) -> f64) -> Tensor<f64> {
    let [_, b, c, d] = shape;
    Tensor::from_fn(shape, |i| f([i / (b * c * d), i / (c * d) % b, i / d % c, i % d]))
}

fn at(t: &Tensor<f64>, [i, j, k, l]: [usize; 4]) -> f64 {
    let [_, b, c, d] = t.dims();
    t.as_slice()[((i * b + j) * c + k) * d + l]
}

// ANCHOR: grad_input
/// `dx` as a forward pass: over the stretched `dy`, with the turned kernel.
fn grad_input(dy: &Tensor<f64>, w: &Tensor<f64>, x: Shape, g: Geometry) -> Tensor<f64> {
    let (&[n, h, v, _], [o, i, kh, kw]) = (x.dims(), w.dims()) else { unreachable!("images") };
    let [_, oh, ow, _] = dy.dims();
    // A kernel reaches so many pixels beyond its first tap.
    let reach = [g.dilation[0] * (kh - 1), g.dilation[1] * (kw - 1)];
    let size = [h + 2 * g.padding[0] - reach[0], v + 2 * g.padding[1] - reach[1]];
    let stretched = tensor4([n, size[0], size[1], o], |[n, row, col, o]| {
        let (t, u) = (row / g.stride[0], col / g.stride[1]);
        let hits = row % g.stride[0] == 0 && col % g.stride[1] == 0 && t < oh && u < ow;
        if hits { at(dy, [n, t, u, o]) } else { 0.0 }
    });
    let turned = tensor4([i, o, kh, kw], |[i, o, a, b]| at(w, [o, i, kh - 1 - a, kw - 1 - b]));
    let back = Geometry::default().dilation(g.dilation);
    naive::forward(&stretched, &turned, back.padding([reach[0] - g.padding[0], reach[1] - g.padding[1]]))
}
// ANCHOR_END: grad_input

// ANCHOR: grad_weights
/// `dw` as a forward pass: over `x`, with `dy` as the kernel, stride and dilation exchanged.
fn grad_weights(dy: &Tensor<f64>, x: &Tensor<f64>, w: Shape, g: Geometry) -> Tensor<f64> {
    let ([n, h, v, c], [_, oh, ow, o]) = (x.dims(), dy.dims());
    // What was summed over, channels, is now kept, and what was kept, pictures, is summed over.
    let pictures = tensor4([c, h, v, n], |[c, row, col, n]| at(x, [n, row, col, c]));
    let kernels = tensor4([o, n, oh, ow], |[o, n, t, u]| at(dy, [n, t, u, o]));
    let back = Geometry::default().stride(g.dilation).dilation(g.stride).padding(g.padding);
    let found = naive::forward(&pictures, &kernels, back);
    // Pixels that no window reached make further taps, which nobody asked for.
    let &[o, i, kh, kw] = w.dims() else { unreachable!("weights") };
    tensor4([o, i, kh, kw], |[o, i, a, b]| at(&found, [i, a, b, o]))
}
// ANCHOR_END: grad_weights

pub fn run(report: &mut Report) {
    let g = Geometry::default;
    let cases = [
        ([6, 7], [3, 3], g()),
        ([6, 7], [3, 3], g().padding([1, 1])),
        ([7, 7], [3, 3], g().stride([2, 2])),
        // A last row and column that no window reaches.
        ([8, 6], [3, 3], g().stride([2, 2]).padding([1, 1])),
        ([9, 9], [2, 3], g().stride([3, 1]).dilation([2, 1]).padding([1, 0])),
        ([11, 10], [3, 2], g().stride([2, 3]).dilation([3, 2]).padding([2, 1])),
    ];
    let rng = &mut Generator::new(2, 9);
    let mut whole = |shape: Shape| {
        let numbers: Vec<_> = (0..shape.len()).map(|_| rng.below(9) as f64 - 4.0).collect();
        Tensor::from_vec([shape.dims()[0], shape.dims()[1], shape.dims()[2], shape.dims()[3]], numbers)
    };
    for ([h, v], [kh, kw], g) in cases {
        let (x, w) = (whole([2, h, v, 3].into()), whole([4, 3, kh, kw].into()));
        let dy = whole(g.output_shape(x.shape(), w.shape()));
        let dx = naive::grad_input(&dy, &w, x.shape(), g);
        report.claim("the gradient by the input is a forward pass over stretched dy", {
            grad_input(&dy, &w, x.shape(), g) == dx
        });
        let dw = naive::grad_weights(&dy, &x, w.shape(), g);
        report.claim("the gradient by the weights is a forward pass with dy as kernel", {
            grad_weights(&dy, &x, w.shape(), g) == dw
        });
    }
    report.value("geometries", cases.len());
    report.figure("ch02-taps", figures::taps());
}
