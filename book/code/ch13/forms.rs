//! The forms of a convolution, and the proof that they are one.

use super::common::Report;
use residual::{
    Real, Tensor,
    ops::{
        conv2d::{Geometry, blocked, im2col, naive, winograd},
        linear,
    },
    rng::Generator,
    simd::Isa,
};

// ANCHOR: loops
/// A convolution with stride 1 and one group, tidied up: for each pixel and each tap inside the picture, `add` gets the
/// input's channels, the tap's weights [input][output], and the pixel's outputs to add to.
fn by_tap<T: Real>(
    x: &Tensor<T>,
    w: &Tensor<T>,
    padding: usize,
    add: impl Fn(&[T], &[T], &mut [T]),
) -> Tensor<T> {
    let ([_, h, width, c], [o, _, k, _]) = (x.dims(), w.dims());
    let g = Geometry::default().padding([padding; 2]);
    let mut y = Tensor::zeros(g.output_shape(x.shape(), w.shape()));
    let [_, oh, ow, _] = y.dims();
    let w = outputs_last(w);
    for (pixel, y) in y.as_mut_slice().chunks_exact_mut(o).enumerate() {
        let (image, row, col) = (pixel / (oh * ow), pixel / ow % oh, pixel % ow);
        for tap in 0..k * k {
            let (from_row, from_col) = (row + tap / k, col + tap % k);
            let inside = |at: usize, extent: usize| (padding..extent + padding).contains(&at);
            if inside(from_row, h) && inside(from_col, width) {
                let from = ((image * h + from_row - padding) * width + from_col - padding) * c;
                add(&x.as_slice()[from..][..c], &w[tap * c * o..][..c * o], y);
            }
        }
    }
    y
}
// ANCHOR_END: loops

// ANCHOR: orders
/// Output by output, each a sum over inputs.
pub fn inputs_innermost<T: Real>(x: &Tensor<T>, w: &Tensor<T>, padding: usize) -> Tensor<T> {
    by_tap(x, w, padding, |x, w, y| {
        let outputs = y.len();
        for (o, y) in y.iter_mut().enumerate() {
            for (&x, w) in x.iter().zip(w.chunks_exact(outputs)) {
                *y += x * w[o];
            }
        }
    })
}

/// Input by input, each added to all outputs.
pub fn outputs_innermost<T: Real>(x: &Tensor<T>, w: &Tensor<T>, padding: usize) -> Tensor<T> {
    by_tap(x, w, padding, |x, w, y| {
        for (&x, w) in x.iter().zip(w.chunks_exact(y.len())) {
            for (y, &w) in y.iter_mut().zip(w) {
                *y += x * w;
            }
        }
    })
}
// ANCHOR_END: orders

/// Weights (O, C, K, K) as [tap][input][output].
fn outputs_last<T: Real>(w: &Tensor<T>) -> Vec<T> {
    let [o, c, k, _] = w.dims();
    let from = |i: usize| (i % o * c + i / o % c) * k * k + i / (o * c);
    (0..w.len()).map(|i| w.as_slice()[from(i)]).collect()
}

// ANCHOR: as_product
/// The same as one matrix product: each output's window becomes a row of a large matrix.
pub fn as_product<T: Real>(x: &Tensor<T>, w: &Tensor<T>, padding: usize) -> Tensor<T> {
    let ([n, h, width, c], [_, _, k, _]) = (x.dims(), w.dims());
    let g = Geometry::default().padding([padding; 2]);
    let shape = g.output_shape(x.shape(), w.shape());
    let [oh, ow] = g.output([h, width], [k, k]);
    let mut windows = Vec::with_capacity(n * oh * ow * k * k * c);
    for (pixel, tap) in (0..n * oh * ow).flat_map(|pixel| (0..k * k).map(move |tap| (pixel, tap))) {
        let (image, row, col) = (pixel / (oh * ow), pixel / ow % oh + tap / k, pixel % ow + tap % k);
        match (row.checked_sub(padding), col.checked_sub(padding)) {
            (Some(row), Some(col)) if row < h && col < width => {
                windows.extend_from_slice(&x.as_slice()[((image * h + row) * width + col) * c..][..c]);
            }
            _ => windows.extend(std::iter::repeat_n(T::ZERO, c)),
        }
    }
    let windows = Tensor::from_vec([n * oh * ow, k * k * c], windows);
    linear::forward(&windows, &inputs_last(w)).reshape(shape)
}
// ANCHOR_END: as_product

/// Weights (O, C, K, K) as rows [tap][input], one for each output.
fn inputs_last<T: Real>(w: &Tensor<T>) -> Tensor<T> {
    let [o, c, k, _] = w.dims();
    let from = |i: usize| i / (k * k * c) * c * k * k + i % c * k * k + i / c % (k * k);
    Tensor::from_fn([o, k * k * c], |i| w.as_slice()[from(i)])
}

/// The length of the difference over the length of `b`.
pub fn distance<T: Real, U: Real>(a: &Tensor<T>, b: &Tensor<U>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let pairs = || a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a.to_f64(), b.to_f64()));
    let apart: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
    (apart / pairs().map(|(_, b)| b * b).sum::<f64>()).sqrt()
}

/// A picture, weights and a gradient, of whole numbers.
fn whole(shapes: [[usize; 4]; 3]) -> [Tensor<f32>; 3] {
    let rng = &mut Generator::new(13, 0);
    shapes.map(|shape| Tensor::from_fn(shape, |_| rng.below(7) as f32 - 3.0))
}

pub fn run(report: &mut Report) {
    let [x, w, dy] = whole([[3, 10, 13, 48], [32, 48, 3, 3], [3, 10, 13, 32]]);
    let g = Geometry::default().padding([1, 1]);
    let isas = Isa::available();
    // ANCHOR: equal
    let y = naive::forward(&x, &w, g);
    let loops = [inputs_innermost(&x, &w, 1), outputs_innermost(&x, &w, 1)];
    let products = [im2col::forward(&x, &w, g), as_product(&x, &w, 1)];
    let blocks: Vec<_> = isas.iter().map(|&isa| blocked::forward(isa, &x, &w, g)).collect();
    let equal = loops.iter().chain(&products).chain(&blocks).all(|form| *form == y);
    // ANCHOR_END: equal
    report.claim("the direct forms of one convolution are equal, bit for bit, on whole numbers", equal);
    let dx = naive::grad_input(&dy, &w, x.shape(), g);
    let dw = naive::grad_weights(&dy, &x, w.shape(), g);
    report.claim("and so are its gradients", {
        let right = |isa: &Isa| {
            blocked::grad_input(*isa, &dy, &w, x.shape(), g) == dx
                && blocked::grad_weights(*isa, &dy, &x, w.shape(), g) == dw
        };
        isas.iter().all(right)
            && im2col::grad_input(&dy, &w, x.shape(), g) == dx
            && im2col::grad_weights(&dy, &x, w.shape(), g) == dw
    });
    let worst = isas.iter().fold(0.0f64, |worst, &isa| {
        let apart = [
            distance(&winograd::forward(isa, &x, &w, g), &y),
            distance(&winograd::grad_input(isa, &dy, &w, x.shape(), g), &dx),
            distance(&winograd::grad_weights(isa, &dy, &x, w.shape(), g), &dw),
        ];
        apart.into_iter().fold(worst, f64::max)
    });
    report.claim("Winograd's form is within a hundred-thousandth of it in all three passes", worst < 1e-5);
    report.claim("but not equal to it", worst > 0.0);
    report.value("whole-worst", scientific(worst));
}

/// One digit, in TeX, to a factor of two.
pub fn scientific(value: f64) -> String {
    let text = format!("{value:.0e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("≈{digits}\\times10^{{{exponent}}}")
}
