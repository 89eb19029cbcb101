//! Side by side: the channels of several tensors after one another, as an inception module joins
//! its branches (Szegedy et al. 2015).
//!
//! Inputs (…, C₁), (…, C₂), … become (…, C₁ + C₂ + …). Every number only moves, so backward cuts
//! `dy` at the same places and hands each branch its own part.

use super::threads;
use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// `y` (…, C₁ + C₂ + …).
///
/// # Panics
/// If there is no tensor, or they differ in anything but the last axis.
#[track_caller]
pub fn forward<T: Real>(xs: &[Tensor<T>]) -> Tensor<T> {
    let first = xs.first().expect("at least one tensor to concatenate").shape();
    for x in xs {
        assert_eq!(
            with_last(first, 1),
            with_last(x.shape(), 1),
            "only the channels may differ: {first} and {}",
            x.shape()
        );
    }
    // ANCHOR: forward
    let channels = xs.iter().map(|x| x.shape().last()).sum();
    let mut y = Tensor::scratch(with_last(first, channels));
    threads::split(y.as_mut_slice(), channels, |at, y| {
        let mut offset = 0;
        for x in xs {
            let c = x.shape().last();
            let from = &x.as_slice()[at / channels * c..];
            for (y, x) in y.chunks_exact_mut(channels).zip(from.chunks_exact(c)) {
                y[offset..][..c].copy_from_slice(x);
            }
            offset += c;
        }
    });
    // ANCHOR_END: forward
    y
}

/// The `dx` of every input, of `channels` C₁, C₂, …, from `dy` (…, C₁ + C₂ + …).
///
/// # Panics
/// If the channels do not add up to those of `dy`.
#[track_caller]
pub fn backward<T: Real>(dy: &Tensor<T>, channels: &[usize]) -> Vec<Tensor<T>> {
    let all = dy.shape().last();
    assert_eq!(channels.iter().sum::<usize>(), all, "{channels:?} channels do not add up to {}", dy.shape());
    // ANCHOR: backward
    let mut offset = 0;
    let part = |&c: &usize| {
        let mut dx = Tensor::scratch(with_last(dy.shape(), c));
        threads::split(dx.as_mut_slice(), c, |at, dx| {
            let from = &dy.as_slice()[at / c * all..];
            for (dx, dy) in dx.chunks_exact_mut(c).zip(from.chunks_exact(all)) {
                dx.copy_from_slice(&dy[offset..][..c]);
            }
        });
        offset += c;
        dx
    };
    channels.iter().map(part).collect()
    // ANCHOR_END: backward
}

fn with_last(shape: Shape, last: usize) -> Shape {
    match *shape.dims() {
        [_] => Shape::from([last]),
        [a, _] => Shape::from([a, last]),
        [a, b, _] => Shape::from([a, b, last]),
        [a, b, c, _] => Shape::from([a, b, c, last]),
        _ => panic!("a tensor with at least one axis to concatenate along"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_follow_one_another() {
        let a = Tensor::from_vec([1, 1, 2, 1], vec![1.0, 2.0]);
        let b = Tensor::from_vec([1, 1, 2, 2], vec![10.0, 11.0, 20.0, 21.0]);
        let y = forward(&[a.clone(), b.clone()]);
        assert_eq!(y, Tensor::from_vec([1, 1, 2, 3], vec![1.0, 10.0, 11.0, 2.0, 20.0, 21.0]));
        assert_eq!(backward(&y, &[1, 2]), [a, b]);
    }

    #[test]
    fn backward_cuts_large_tensors_where_forward_joined_them() {
        let xs: Vec<_> = [3, 16, 33].map(|c| Tensor::from_fn([2, 40, 50, c], |i| (i * c) as f32)).into();
        assert_eq!(backward(&forward(&xs), &[3, 16, 33]), xs);
    }

    #[test]
    #[should_panic(expected = "only the channels may differ")]
    fn refuses_images_of_different_sizes() {
        forward(&[Tensor::<f32>::zeros([1, 2, 2, 3]), Tensor::zeros([1, 2, 3, 3])]);
    }
}
