//! A number added to every value of a channel: `y[…, c] = x[…, c] + b[c]`.

use crate::{real::Real, tensor::Tensor};

/// `x + b` along the last axis.
///
/// # Panics
/// If `b` (C) has not as many numbers as `x` has channels.
#[track_caller]
pub fn forward<T: Real>(mut x: Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    assert_eq!([x.shape().last()], b.dims(), "one bias for each channel");
    for pixel in x.as_mut_slice().chunks_exact_mut(b.len()) {
        pixel.iter_mut().zip(b.as_slice()).for_each(|(y, &b)| *y += b);
    }
    x
}

/// `db` (C): `y` is `b` plus something, once for each pixel, so `db` is the sum of `dy` over pixels.
pub fn backward<T: Real>(dy: &Tensor<T>) -> Tensor<T> {
    let mut db = Tensor::zeros([dy.shape().last()]);
    for pixel in dy.as_slice().chunks_exact(db.len()) {
        db.as_mut_slice().iter_mut().zip(pixel).for_each(|(sum, &dy)| *sum += dy);
    }
    db
}
