//! A fully connected layer: `y = x · wᵀ`, with `x` (N, I), `w` (O, I), `y` (N, O); PyTorch's layouts.
//!
//! The bias is an operation of its own: [`super::bias`].

use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// `y` (N, O) from `x` (N, I) and `w` (O, I).
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let ([n, i], [o, wi]) = (x.dims(), w.dims());
    assert_eq!(i, wi, "weights {} do not fit an input {}", w.shape(), x.shape());
    let (xs, ws) = (x.as_slice(), w.as_slice());
    Tensor::from_fn([n, o], |at| (0..i).map(|k| xs[at / o * i + k] * ws[at % o * i + k]).sum())
}

/// `dx` (N, I) from `dy` (N, O) and `w` (O, I).
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let ([n, o], [wo, i]) = (dy.dims(), w.dims());
    assert_eq!(o, wo, "weights {} do not fit an output {}", w.shape(), dy.shape());
    let (dys, ws) = (dy.as_slice(), w.as_slice());
    Tensor::from_fn([n, i], |at| (0..o).map(|k| dys[at / i * o + k] * ws[k * i + at % i]).sum())
}

/// `dw`, of shape `w`, from `dy` (N, O) and `x` (N, I).
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn grad_weights<T: Real>(dy: &Tensor<T>, x: &Tensor<T>, w: Shape) -> Tensor<T> {
    let ([n, o], [xn, i]) = (dy.dims(), x.dims());
    assert_eq!((n, Shape::from([o, i])), (xn, w), "dy {} and x {} do not fit w {w}", dy.shape(), x.shape());
    let (dys, xs) = (dy.as_slice(), x.as_slice());
    Tensor::from_fn(w, |at| (0..n).map(|k| dys[k * o + at / i] * xs[k * i + at % i]).sum())
}
