//! The definition, loop by loop: the oracle of every faster form, and the first rung of the ladder.
//!
//! All three passes visit the same products `x · w → y`; what differs is which of the three is
//! written. `each_product` is that visit, and it shares no index arithmetic with the fast kernels.

use super::Geometry;
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// See [`super::forward`].
#[track_caller]
// ANCHOR: forward
pub fn forward<T: Real>(x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
    let mut y = Tensor::zeros(g.output_shape(x.shape(), w.shape()));
    let (xs, ws) = (x.as_slice(), w.as_slice());
    let ys = y.as_mut_slice();
    each_product(x.shape(), w.shape(), g, |yi, xi, wi| ys[yi] += xs[xi] * ws[wi]);
    y
}
// ANCHOR_END: forward

/// See [`super::grad_input`].
#[track_caller]
// ANCHOR: grad_input
pub fn grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x, w.shape()), "dy has the shape of the output");
    let mut dx = Tensor::zeros(x);
    let (dys, ws) = (dy.as_slice(), w.as_slice());
    let dxs = dx.as_mut_slice();
    each_product(x, w.shape(), g, |yi, xi, wi| dxs[xi] += dys[yi] * ws[wi]);
    dx
}
// ANCHOR_END: grad_input

/// See [`super::grad_weights`].
#[track_caller]
// ANCHOR: grad_weights
pub fn grad_weights<T: Real>(dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x.shape(), w), "dy has the shape of the output");
    let mut dw = Tensor::zeros(w);
    let (dys, xs) = (dy.as_slice(), x.as_slice());
    let dws = dw.as_mut_slice();
    each_product(x.shape(), w, g, |yi, xi, wi| dws[wi] += dys[yi] * xs[xi]);
    dw
}
// ANCHOR_END: grad_weights

// ANCHOR: each_product
/// Calls `f` with the positions of `y`, `x` and `w` in every product of the convolution.
fn each_product(x: Shape, w: Shape, g: Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let y = g.output_shape(x, w);
    let (&[n, h, iw, c], &[o, i, kh, kw], &[_, oh, ow, _]) = (x.dims(), w.dims(), y.dims()) else {
        unreachable!("output_shape checked the ranks")
    };
    for (image, row, col, out) in product4(n, oh, ow, o) {
        let yi = ((image * oh + row) * ow + col) * o + out;
        let first_channel = out / (o / g.groups) * i;
        for (channel, tap_row, tap_col, _) in product4(i, kh, kw, 1) {
            let source_row = (row * g.stride[0] + tap_row * g.dilation[0]).checked_sub(g.padding[0]);
            let source_col = (col * g.stride[1] + tap_col * g.dilation[1]).checked_sub(g.padding[1]);
            let (Some(source_row), Some(source_col)) = (source_row, source_col) else { continue };
            if source_row < h && source_col < iw {
                let xi = ((image * h + source_row) * iw + source_col) * c + first_channel + channel;
                f(yi, xi, ((out * i + channel) * kh + tap_row) * kw + tap_col);
            }
        }
    }
}
// ANCHOR_END: each_product

fn product4(a: usize, b: usize, c: usize, d: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..a).flat_map(move |i| {
        (0..b).flat_map(move |j| (0..c).flat_map(move |k| (0..d).map(move |l| (i, j, k, l))))
    })
}
