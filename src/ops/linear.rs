//! A fully connected layer: `y = x · wᵀ`, with `x` (N, I), `w` (O, I), `y` (N, O); PyTorch's layouts.
//!
//! A matrix product is a 1x1 convolution on an image whose pixels are the rows of `x`, so this is
//! the same tile and the same outer product. The bias is an operation of its own: [`super::bias`].
//!
//! ```text
//! y[n, o] = Σ over i of x[n, i] · w[o, i]
//! dx[n, i] = Σ over o of dy[n, o] · w[o, i]
//! dw[o, i] = Σ over n of dy[n, o] · x[n, i]
//! ```

use super::conv2d::blocked::{Plan, pointwise, sum_over_images};
use crate::{
    kernels::{
        axis::Axis,
        filters::{Direction, Packing, Weights},
    },
    real::Real,
    simd::Isa,
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
    let mut y = Tensor::scratch([n, o]);
    let packing = Packing::new(weights(w.shape()), Direction::Forward);
    pointwise(Isa::current(), packing, w.as_slice(), x.as_slice(), y.as_mut_slice());
    y
}

/// `dx` (N, I) from `dy` (N, O) and `w` (O, I).
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
// ANCHOR: grad_input
pub fn grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let ([n, o], [wo, i]) = (dy.dims(), w.dims());
    assert_eq!(o, wo, "weights {} do not fit an output {}", w.shape(), dy.shape());
    let mut dx = Tensor::scratch([n, i]);
    let packing = Packing::new(weights(w.shape()), Direction::Backward);
    pointwise(Isa::current(), packing, w.as_slice(), dy.as_slice(), dx.as_mut_slice());
    dx
}
// ANCHOR_END: grad_input

/// `dw`, of shape `w`, from `dy` (N, O) and `x` (N, I).
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn grad_weights<T: Real>(dy: &Tensor<T>, x: &Tensor<T>, w: Shape) -> Tensor<T> {
    let ([n, o], [xn, i]) = (dy.dims(), x.dims());
    assert_eq!((n, Shape::from([o, i])), (xn, w), "dy {} and x {} do not fit w {w}", dy.shape(), x.shape());
    let mut dw = Tensor::zeros(w);
    if n == 0 {
        return dw;
    }
    let axis = || Axis::forward(1, 1, 0, 1);
    let plan = Plan::new([1, 1, n, i], [1, 1, n, o], weights(w), [axis(), axis()]);
    sum_over_images(Isa::current(), &plan, (x.as_slice(), dy.as_slice()), dw.as_mut_slice());
    dw
}

fn weights(w: Shape) -> Weights {
    let &[outputs, inputs] = w.dims() else { unreachable!("the callers checked the ranks") };
    Weights { groups: 1, inputs, outputs, taps: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ops::conv2d::naive, rng::Generator};

    /// The naive convolution of 1x1 images, on integers, is the same function to the last bit.
    #[test]
    fn equals_naive_convolution_of_single_pixels() {
        for (n, i, o) in [(0, 3, 2), (1, 1, 1), (3, 17, 5), (30, 84, 10), (128, 40, 33)] {
            let mut rng = Generator::new(1, 0);
            let mut draw = |shape: [usize; 2]| Tensor::from_fn(shape, |_| rng.below(9) as f32 - 4.0);
            let (x, w, dy) = (draw([n, i]), draw([o, i]), draw([n, o]));
            let g = Default::default();
            let image = |t: &Tensor<f32>| t.clone().reshape([n, 1, 1, t.shape().last()]);
            let kernel = w.clone().reshape([o, i, 1, 1]);
            assert_eq!(forward(&x, &w), naive::forward(&image(&x), &kernel, g).reshape([n, o]));
            let dx = naive::grad_input(&image(&dy), &kernel, [n, 1, 1, i].into(), g);
            assert_eq!(grad_input(&dy, &w), dx.reshape([n, i]));
            let dw = naive::grad_weights(&image(&dy), &image(&x), kernel.shape(), g);
            assert_eq!(grad_weights(&dy, &x, w.shape()), dw.reshape([o, i]));
        }
    }
}
