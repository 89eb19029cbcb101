//! A fully connected layer: `y = x · wᵀ`, with `x` (N, I), `w` (O, I), `y` (N, O); PyTorch's layouts.
//!
//! Each is a matrix product that reads the weights where they lie: [`crate::kernels::product`]. The bias is an
//! operation of its own: [`super::bias`].
//!
//! ```text
//! y[n, o] = Σ over i of x[n, i] · w[o, i]
//! dx[n, i] = Σ over o of dy[n, o] · w[o, i]
//! dw[o, i] = Σ over n of dy[n, o] · x[n, i]
//! ```

use super::threads;
use crate::{
    buffer::Buffer,
    kernels::product::{DEPTH, Matrix},
    real::Real,
    simd::Isa,
    tensor::{Shape, Tensor},
};
use std::ops::Range;

/// Outputs in one task: their weights, [`LENGTH`] of each, stay in the second-level cache while all images go by.
const OUTPUTS: usize = 64;

/// Numbers of a row in one pass: a few images' rows stay in the first-level cache while the weights go by.
const LENGTH: usize = 1024;

/// `y` (N, O) from `x` (N, I) and `w` (O, I).
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, w: &Tensor<T>) -> Tensor<T> {
    let ([n, i], [o, wi]) = (x.dims(), w.dims());
    assert_eq!(i, wi, "weights {} do not fit an input {}", w.shape(), x.shape());
    let (xs, ws, isa) = (Matrix::new(x.as_slice(), i), Matrix::new(w.as_slice(), i), Isa::current());
    by_columns([n, o], OUTPUTS, i, |columns, y| {
        for first in (0..i).step_by(LENGTH) {
            let factors = [xs.from(0, first), ws.from(columns.start, first)];
            T::dot(isa, [n, columns.len()], LENGTH.min(i - first), factors, y);
        }
    })
}

/// A result [rows, columns], from tasks that each compute some columns of all rows, a sum of `depth` products.
fn by_columns<T: Real>(
    [rows, columns]: [usize; 2],
    each: usize,
    depth: usize,
    task: impl Fn(Range<usize>, &mut [T]) + Sync,
) -> Tensor<T> {
    let parts = threads::map(rows * columns * depth, columns.div_ceil(each), |i| {
        let columns = i * each..columns.min((i + 1) * each);
        let mut part = Buffer::zeros(rows * columns.len());
        task(columns, &mut part);
        part
    });
    let mut result = Tensor::scratch([rows, columns]);
    for (i, part) in parts.iter().enumerate() {
        let width = each.min(columns - i * each);
        let rows = result.as_mut_slice().chunks_exact_mut(columns);
        rows.zip(part.chunks_exact(width))
            .for_each(|(to, from)| to[i * each..][..width].copy_from_slice(from));
    }
    result
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
    let (dys, ws, isa) = (Matrix::new(dy.as_slice(), o), Matrix::new(w.as_slice(), i), Isa::current());
    by_columns([n, i], LENGTH, o, |columns, dx| {
        for first in (0..o).step_by(DEPTH) {
            let factors = [dys.from(0, first), ws.from(first, columns.start)];
            T::spread(isa, [n, columns.len()], DEPTH.min(o - first), factors, (&mut *dx, columns.len()));
        }
    })
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
    let (turned, xs) = (Matrix::new(dy.as_slice(), o).transposed(), Matrix::new(x.as_slice(), i));
    let tasks = dw.as_mut_slice().chunks_mut((OUTPUTS * i).max(1)).enumerate().collect();
    threads::each(
        n * o * i,
        tasks,
        || (),
        |(), (task, dw)| {
            for (first, column) in
                (0..n).step_by(DEPTH).flat_map(|n| (0..i).step_by(LENGTH).map(move |i| (n, i)))
            {
                let size = [dw.len() / i, LENGTH.min(i - column)];
                let factors = [turned.from(task * OUTPUTS, first), xs.from(first, column)];
                T::spread(Isa::current(), size, DEPTH.min(n - first), factors, (&mut dw[column..], i));
            }
        },
    );
    dw
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ops::conv2d::naive, rng::Generator};

    /// The naive convolution of 1x1 images, on integers, is the same function to the last bit.
    #[test]
    fn equals_naive_convolution_of_single_pixels() {
        for (n, i, o) in [(0, 3, 2), (1, 1, 1), (3, 17, 5), (30, 84, 10), (128, 40, 33), (33, 1100, 130)] {
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
