//! A step of training, shared out among workers.

use super::{all_reduce, group::Node};
use residual::{
    Real, Tensor,
    data::Batch,
    models::Model,
    nn::{Param, Sequential, Slot},
    ops::cross_entropy::CrossEntropy,
    train::optim,
};
use std::ops::Range;

// ANCHOR: exchange
/// Replaces this worker's gradient by the mean of all workers'.
pub fn exchange<T: Real>(node: &mut Node<T>, net: &mut Sequential<T>) {
    let mut sum = gradient(net);
    all_reduce::ring(node, &mut sum);
    let share = T::of(1.0 / node.size as f64);
    let mut at = 0;
    each_param(net, |param| {
        let grad = param.grad.as_mut_slice();
        grad.iter_mut().zip(&sum[at..]).for_each(|(grad, &sum)| *grad = sum * share);
        at += grad.len();
    });
}
// ANCHOR_END: exchange

// ANCHOR: own
/// The loss of `batch` and its gradient, as if there were nobody else.
pub fn learn<T: Real>(net: &mut Sequential<T>, batch: Batch<T>) -> f64 {
    optim::zero_grad(|each| Model::visit(net, each));
    net.train_step(batch.images, &batch.labels, &CrossEntropy::default()).loss
}
// ANCHOR_END: own

/// The gradient of all parameters as one vector.
pub fn gradient<T: Real>(net: &mut Sequential<T>) -> Vec<T> {
    let mut all = Vec::new();
    each_param(net, |param| all.extend_from_slice(param.grad.as_slice()));
    all
}

/// All parameters as one vector.
pub fn weights<T: Real>(net: &mut Sequential<T>) -> Vec<T> {
    let mut all = Vec::new();
    each_param(net, |param| all.extend_from_slice(param.value.as_slice()));
    all
}

pub fn each_param<T: Real>(net: &mut Sequential<T>, mut each: impl FnMut(&mut Param<T>)) {
    Model::visit(net, &mut |_, slot| {
        if let Slot::Param(param) = slot {
            each(param);
        }
    });
}

/// The pictures of `batch` in `range`.
pub fn pictures<T: Real>(batch: &Batch<T>, range: Range<usize>) -> Batch<T> {
    let [_, h, w, c] = batch.images.dims();
    let numbers = &batch.images.as_slice()[range.start * h * w * c..range.end * h * w * c];
    Batch {
        images: Tensor::from_vec([range.len(), h, w, c], numbers.to_vec()),
        labels: batch.labels[range].to_vec(),
    }
}

/// Worker `rank`'s shard of a batch for `size` workers.
pub fn shard<T: Real>(batch: &Batch<T>, rank: usize, size: usize) -> Batch<T> {
    let n = batch.labels.len();
    pictures(batch, rank * n / size..(rank + 1) * n / size)
}

/// The length of `a - b` over the length of `b`.
pub fn distance<T: Real>(a: &[T], b: &[T]) -> f64 {
    let squares = |f: &dyn Fn(T, T) -> f64| a.iter().zip(b).map(|(&a, &b)| f(a, b).powi(2)).sum::<f64>();
    (squares(&|a, b| a.to_f64() - b.to_f64()) / squares(&|_, b| b.to_f64())).sqrt()
}
