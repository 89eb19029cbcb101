//! The definition, number by number: what the fast form is judged by, and what the book shows.

use super::Winners;
use crate::{
    buffer::Buffer,
    ops::pool::Window,
    real::Real,
    tensor::{Shape, Tensor},
};

/// Calls `f` for every number `y` of an output and every number `x` of its window, with the position that `x` has
/// there: `f(y, x, tap)`.
fn each_pair(window: &Window, x: Shape, mut f: impl FnMut(usize, usize, usize)) {
    let ([n, h, w, c], [_, oh, ow, _]) = (dims(x), dims(window.output_shape(x)));
    let Window { kernel: [kh, kw], stride, padding, .. } = *window;
    for y in 0..n * oh * ow * c {
        let (image, row, column, channel) = (y / (c * ow * oh), y / (c * ow) % oh, y / c % ow, y % c);
        for tap in 0..kh * kw {
            // Before the image this wraps around, and is far behind it.
            let i = (row * stride[0] + tap / kw).wrapping_sub(padding[0]);
            let j = (column * stride[1] + tap % kw).wrapping_sub(padding[1]);
            if i < h && j < w {
                f(y, ((image * h + i) * w + j) * c + channel, tap);
            }
        }
    }
}

fn dims(shape: Shape) -> [usize; 4] {
    std::array::from_fn(|axis| shape.dims()[axis])
}

/// See [`super::forward`].
///
/// # Panics
/// As [`super::forward`].
pub fn forward<T: Real>(x: &Tensor<T>, window: &Window) -> (Tensor<T>, Winners<T>) {
    let mut y = Tensor::full(window.output_shape(x.shape()), T::NEG_INFINITY);
    let mut taps = vec![None; y.len()];
    let (xs, ys) = (x.as_slice(), y.as_mut_slice());
    each_pair(window, x.shape(), |y, x, tap| {
        if taps[y].is_none() || xs[x] > ys[y] || xs[x].to_f64().is_nan() {
            (ys[y], taps[y]) = (xs[x], Some(tap));
        }
    });
    let taps: Vec<_> = taps.into_iter().map(|tap| T::of(tap.unwrap_or(0) as f64)).collect();
    (y, Winners { window: *window, taps: Buffer::copy_of(&taps) })
}

/// See [`super::backward`].
// ANCHOR: backward
pub fn backward<T: Real>(dy: &Tensor<T>, winners: &Winners<T>, x: Shape) -> Tensor<T> {
    let mut dx = Tensor::zeros(x);
    let (dxs, dys) = (dx.as_mut_slice(), dy.as_slice());
    each_pair(&winners.window, x, |y, x, tap| {
        if winners.taps[y] == T::of(tap as f64) {
            dxs[x] += dys[y];
        }
    });
    dx
}
// ANCHOR_END: backward
