//! Batch norm by the statistics of all workers' pictures.

use super::{all_reduce, group::Node};
use residual::{
    Real, Shape, Tensor,
    nn::{Layer, Mode, Outline, Param, Path, Slot, Visitor},
    ops::batch_norm::{self, Running},
};
use std::sync::{Arc, Mutex};

const EPS: f64 = 1e-5;

/// Batch norm that asks all workers. Without running statistics, since this chapter never evaluates with it.
pub struct SyncBatchNorm<T: Real> {
    weight: Param<T>,
    bias: Param<T>,
    node: Arc<Mutex<Node<T>>>,
    /// The input's normal form, the deviation's inverse and the number of pixels of all workers.
    kept: Option<(Tensor<T>, Vec<T>, T)>,
}

impl<T: Real> SyncBatchNorm<T> {
    pub fn new(channels: usize, node: Arc<Mutex<Node<T>>>) -> Self {
        let weight = Param::new(Tensor::full([channels], T::ONE));
        Self { weight, bias: Param::new(Tensor::zeros([channels])), node, kept: None }
    }

    fn of_all(&self, mut sums: Vec<T>) -> Vec<T> {
        all_reduce::ring(&mut self.node.lock().expect("no worker fails"), &mut sums);
        sums
    }

    // ANCHOR: statistics
    /// How many pixels all workers have, their mean and their variance.
    fn statistics(&self, x: &Tensor<T>) -> (T, Vec<T>, Vec<T>) {
        let (_, own) = batch_norm::forward(x.clone(), &self.weight.value, &self.bias.value, EPS);
        let m = T::of(own.count as f64);
        let mut sums = vec![m];
        sums.extend(own.mean.as_slice().iter().map(|&mean| m * mean));
        let sums = self.of_all(sums);
        let count = sums[0];
        let mean: Vec<_> = sums[1..].iter().map(|&sum| sum / count).collect();
        // About a mean that is not its own, a worker's squares are larger.
        let squares = own.mean.as_slice().iter().zip(own.var.as_slice()).zip(&mean);
        let squares = squares.map(|((&own, &var), &mean)| m * (var + (own - mean) * (own - mean)));
        let var = self.of_all(squares.collect()).into_iter().map(|sum| sum / count).collect();
        (count, mean, var)
    }
    // ANCHOR_END: statistics
}

impl<T: Real> Layer<T> for SyncBatchNorm<T> {
    fn forward(&mut self, x: Tensor<T>, _: Mode) -> Tensor<T> {
        let c = x.shape().last();
        let (count, mean, var) = self.statistics(&x);
        let inv_std = var.iter().map(|&var| T::ONE / (var + T::of(EPS)).sqrt()).collect();
        let [mean, var] = [mean, var].map(|each| Tensor::from_vec([c], each));
        let (one, zero) = (Tensor::full([c], T::ONE), Tensor::zeros([c]));
        let normal = batch_norm::eval(x, Running { mean: &mean, var: &var }, &one, &zero, EPS);
        let y =
            by_channel(&normal, |x, i| self.weight.value.as_slice()[i] * x + self.bias.value.as_slice()[i]);
        self.kept = Some((normal, inv_std, count));
        y
    }

    // ANCHOR: backward
    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let (normal, inv_std, count) = self.kept.take().expect("forward comes first");
        let c = dy.shape().last();
        let mut sums = vec![T::ZERO; 2 * c];
        for (dy, normal) in dy.as_slice().chunks(c).zip(normal.as_slice().chunks(c)) {
            let (dbeta, dgamma) = sums.split_at_mut(c);
            for (((dbeta, dgamma), &dy), &normal) in dbeta.iter_mut().zip(dgamma).zip(dy).zip(normal) {
                *dbeta += dy;
                *dgamma += dy * normal;
            }
        }
        // A worker learns from its own sums; `exchange` adds up those of all, as for any parameter.
        self.bias.accumulate(&Tensor::from_vec([c], sums[..c].to_vec()));
        self.weight.accumulate(&Tensor::from_vec([c], sums[c..].to_vec()));
        // But what moves everybody's mean and variance, everybody must know here.
        let all = self.of_all(sums);
        let gamma = self.weight.value.as_slice();
        let mut pixels = normal.as_slice().iter();
        by_channel(&dy, |dy, i| {
            let normal = *pixels.next().expect("as many as dy");
            gamma[i] * inv_std[i] * (dy - all[i] / count - normal * all[c + i] / count)
        })
    }
    // ANCHOR_END: backward

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        each(&at.join("weight"), Slot::Param(&mut self.weight));
        each(&at.join("bias"), Slot::Param(&mut self.bias));
    }

    fn outline(&self, x: Shape) -> Outline {
        Outline::leaf("SyncBatchNorm", x).costing(2 * self.bias.value.len(), 0)
    }
}

/// `f` of each number and its channel.
fn by_channel<T: Real>(x: &Tensor<T>, mut f: impl FnMut(T, usize) -> T) -> Tensor<T> {
    let c = x.shape().last();
    Tensor::from_fn(x.shape(), |at| f(x.as_slice()[at], at % c))
}
