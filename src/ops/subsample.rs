//! A shortcut without parameters between images of different shapes (He et al. 2016, section 3.3,
//! option A).
//!
//! ```text
//! y[n, i, j, c] = x[n, stride·i, stride·j, c] where x has a channel c, else 0
//! ```
//!
//! `x` is (N, H, W, C), `y` is (N, ⌈H/stride⌉, ⌈W/stride⌉, K) with K ≥ C. Every number of `y` is one
//! number of `x` or zero, so backward puts `dy` back where `y` was taken from, and zero elsewhere.

use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// `y` from `x`: every `stride`-th pixel of every `stride`-th row, in `channels` channels.
///
/// # Panics
/// If there are not four axes, fewer channels than before, or a stride of zero.
// ANCHOR: forward
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, stride: usize, channels: usize) -> Tensor<T> {
    let mut y = Tensor::zeros(output_shape(x.shape(), stride, channels));
    let (c, xs, ys) = (x.shape().last(), x.as_slice(), y.as_mut_slice());
    for (from, to) in moves(x.shape(), stride, channels) {
        ys[to..][..c].copy_from_slice(&xs[from..][..c]);
    }
    y
}
// ANCHOR_END: forward

/// `dx`, of shape `x`, from `dy`.
///
/// # Panics
/// If `dy` has not the shape of the output.
#[track_caller]
pub fn backward<T: Real>(dy: &Tensor<T>, x: Shape, stride: usize) -> Tensor<T> {
    let channels = dy.shape().last();
    assert_eq!(dy.shape(), output_shape(x, stride, channels), "dy has the shape of the output");
    let mut dx = Tensor::zeros(x);
    let (c, dxs, dys) = (x.last(), dx.as_mut_slice(), dy.as_slice());
    for (from, to) in moves(x, stride, channels) {
        dxs[from..][..c].copy_from_slice(&dys[to..][..c]);
    }
    dx
}

/// The output's shape for an input of shape `x`.
///
/// # Panics
/// As [`forward`].
#[track_caller]
pub fn output_shape(x: Shape, stride: usize, channels: usize) -> Shape {
    let &[n, h, w, c] = x.dims() else { panic!("a shortcut takes images (N, H, W, C), got {x}") };
    assert!(stride > 0 && channels >= c, "{channels} channels at stride {stride} cannot hold those of {x}");
    Shape::from([n, h.div_ceil(stride), w.div_ceil(stride), channels])
}

/// Where each pixel that stays starts in `x`, and where in `y`.
fn moves(x: Shape, stride: usize, channels: usize) -> impl Iterator<Item = (usize, usize)> {
    let &[n, h, w, c] = x.dims() else { unreachable!("output_shape checked the rank") };
    let rows = (0..n * h).filter(move |row| row % h % stride == 0);
    let pixels = rows.flat_map(move |row| (0..w).step_by(stride).map(move |col| (row * w + col) * c));
    pixels.zip((0..).step_by(channels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_second_pixel_and_leaves_new_channels_zero() {
        let x = Tensor::from_fn([1, 3, 4, 1], |i| i as f32 + 1.0);
        let y = forward(&x, 2, 2);
        assert_eq!(y, Tensor::from_vec([1, 2, 2, 2], vec![1.0, 0.0, 3.0, 0.0, 9.0, 0.0, 11.0, 0.0]));
        let dx = backward(&y, x.shape(), 2);
        let expected = [1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 11.0, 0.0];
        assert_eq!(dx.as_slice(), expected);
    }

    #[test]
    fn images_start_over() {
        let x = Tensor::from_fn([2, 3, 3, 2], |i| i as f32);
        let y = forward(&x, 2, 2);
        assert_eq!(y.dims(), [2, 2, 2, 2]);
        assert_eq!(y.as_slice()[8..12], [18.0, 19.0, 22.0, 23.0]);
    }
}
