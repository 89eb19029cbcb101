//! From images to rows: (N, H, W, C) to (N, C·H·W).
//!
//! In memory a pixel's channels are neighbours, but a row comes out in PyTorch's order, channel by
//! channel: the weights of the linear layer that follows are stored for that order. Backward is the
//! same walk in the other direction, since every number only changes its place.

use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// `y` (N, C·H·W) from `x` (N, H, W, C).
///
/// # Panics
/// If `x` has not four axes.
#[track_caller]
// ANCHOR: forward
pub fn forward<T: Real>(x: Tensor<T>) -> Tensor<T> {
    let [n, h, w, c] = x.dims();
    // One pixel, or one channel, is in the same order either way.
    if h * w == 1 || c == 1 { x } else { x.to_nchw() }.reshape([n, c * h * w])
}
// ANCHOR_END: forward

/// `dx`, of shape `x`, from `dy` (N, C·H·W).
///
/// # Panics
/// If `dy` is not what [`forward`] makes of a tensor of shape `x`.
#[track_caller]
pub fn backward<T: Real>(dy: Tensor<T>, x: Shape) -> Tensor<T> {
    let &[n, h, w, c] = x.dims() else { panic!("flatten takes images (N, H, W, C), got {x}") };
    assert_eq!(dy.dims(), [n, c * h * w], "dy does not fit an input {x}");
    if h * w == 1 || c == 1 { dy.reshape(x) } else { Tensor::from_nchw(&dy.reshape([n, c, h, w])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_pytorch() {
        let x = Tensor::from_vec([1, 1, 3, 2], vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        let y = forward(x.clone());
        assert_eq!(y, Tensor::from_vec([1, 6], vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0]));
        assert_eq!(backward(y, x.shape()), x);
    }

    #[test]
    fn backward_undoes_forward() {
        for shape in [[2, 3, 4, 5], [3, 1, 1, 7], [2, 5, 3, 1]] {
            let x = Tensor::from_fn(shape, |i| i as f32);
            assert_eq!(backward(forward(x.clone()), x.shape()), x);
        }
    }
}
