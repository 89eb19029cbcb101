//! Convolution as one matrix product: the second rung of the ladder.
//!
//! `unfold` writes, for each output pixel, the window that it sees as a row of a matrix (PyTorch's
//! `unfold`, "im2col" since Chellapilla, Puri and Simard 2006). Then for each group
//!
//! ```text
//! y = columns · wᵀ        (pixels x window) · (window x outputs)
//! dw = dyᵀ · columns
//! dcolumns = dy · w, and fold adds every entry back to the pixel that it came from
//! ```
//!
//! The matrix holds each pixel KH·KW times, and reading and writing it is what limits this form.

use super::Geometry;
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

// ANCHOR: forward
/// See [`super::forward`].
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
    let mut y = Tensor::zeros(g.output_shape(x.shape(), w.shape()));
    let [o, i, kh, kw] = w.dims();
    let (window, each) = (i * kh * kw, o / g.groups);
    for group in 0..g.groups {
        let columns = unfold(x, w.shape(), g, group);
        for (row, pixel) in columns.chunks_exact(window).zip(y.as_mut_slice().chunks_exact_mut(o)) {
            let filters = w.as_slice().chunks_exact(window).skip(group * each);
            for (y, filter) in pixel[group * each..][..each].iter_mut().zip(filters) {
                *y = row.iter().zip(filter).map(|(&x, &w)| x * w).sum();
            }
        }
    }
    y
}
// ANCHOR_END: forward

/// See [`super::grad_weights`].
#[track_caller]
pub fn grad_weights<T: Real>(dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x.shape(), w), "dy has the shape of the output");
    let mut dw = Tensor::zeros(w);
    let [o, i, kh, kw] = dw.dims();
    let (window, each) = (i * kh * kw, o / g.groups);
    for group in 0..g.groups {
        let columns = unfold(x, w, g, group);
        for (row, pixel) in columns.chunks_exact(window).zip(dy.as_slice().chunks_exact(o)) {
            let filters = dw.as_mut_slice().chunks_exact_mut(window).skip(group * each);
            for (&dy, filter) in pixel[group * each..][..each].iter().zip(filters) {
                filter.iter_mut().zip(row).for_each(|(dw, &x)| *dw += dy * x);
            }
        }
    }
    dw
}

/// See [`super::grad_input`].
#[track_caller]
pub fn grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x, w.shape()), "dy has the shape of the output");
    let mut dx = Tensor::zeros(x);
    let [o, i, kh, kw] = w.dims();
    let (window, each) = (i * kh * kw, o / g.groups);
    for group in 0..g.groups {
        let mut row = vec![T::ZERO; window];
        let mut at = windows(x, w.shape(), g, group);
        for pixel in dy.as_slice().chunks_exact(o) {
            row.fill(T::ZERO);
            let filters = w.as_slice().chunks_exact(window).skip(group * each);
            for (&dy, filter) in pixel[group * each..][..each].iter().zip(filters) {
                row.iter_mut().zip(filter).for_each(|(dx, &w)| *dx += dy * w);
            }
            for (from, &column) in at.by_ref().take(window).zip(&row) {
                if let Some(from) = from {
                    dx.as_mut_slice()[from] += column;
                }
            }
        }
    }
    dx
}

/// The matrix of windows of one group, one row for each output pixel.
fn unfold<T: Real>(x: &Tensor<T>, w: Shape, g: Geometry, group: usize) -> Vec<T> {
    windows(x.shape(), w, g, group).map(|from| from.map_or(T::ZERO, |from| x.as_slice()[from])).collect()
}

/// Where each entry of that matrix comes from; `None` in the padding.
fn windows(x: Shape, w: Shape, g: Geometry, group: usize) -> impl Iterator<Item = Option<usize>> {
    let y = g.output_shape(x, w);
    let (&[n, h, iw, c], &[_, i, kh, kw], &[_, oh, ow, _]) = (x.dims(), w.dims(), y.dims()) else {
        unreachable!("output_shape checked the ranks")
    };
    let inside = move |out: usize, k: usize, axis: usize, extent: usize| {
        let at = out * g.stride[axis] + k * g.dilation[axis];
        at.checked_sub(g.padding[axis]).filter(|&at| at < extent)
    };
    (0..n * oh * ow).flat_map(move |pixel| {
        let (image, row, column) = (pixel / (oh * ow), pixel / ow % oh, pixel % ow);
        (0..i * kh * kw).map(move |entry| {
            let (channel, tap) = (group * i + entry / (kh * kw), entry % (kh * kw));
            let (row, column) = (inside(row, tap / kw, 0, h)?, inside(column, tap % kw, 1, iw)?);
            Some(((image * h + row) * iw + column) * c + channel)
        })
    })
}
