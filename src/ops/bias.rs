//! A number added to every value of a channel: `y[…, c] = x[…, c] + b[c]`.

use super::{abreast::Abreast, threads};
use crate::{real::Real, simd, tensor::Tensor};

/// `x + b` along the last axis.
///
/// # Panics
/// If `b` (C) has not as many numbers as `x` has channels.
#[track_caller]
pub fn forward<T: Real>(mut x: Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    assert_eq!([x.shape().last()], b.dims(), "one bias for each channel");
    let abreast = Abreast::new(x.len() / b.len(), b.len());
    let [b] = abreast.repeat([b.as_slice()]);
    threads::split(x.as_mut_slice(), b.len(), |_, x| {
        simd::vectorize(|| {
            for pixels in x.chunks_exact_mut(b.len()) {
                pixels.iter_mut().zip(&b).for_each(|(y, &b)| *y += b);
            }
        });
    });
    x
}

/// `db` (C): `y` is `b` plus something, once for each pixel, so `db` is the sum of `dy` over pixels.
// ANCHOR: backward
pub fn backward<T: Real>(dy: &Tensor<T>) -> Tensor<T> {
    let each = dy.shape().last();
    let abreast = Abreast::new(dy.len() / each, each);
    let c = abreast.channels();
    let db = threads::sums(dy.len() / c, c, c, |pixels, db: &mut [T]| {
        let dys = dy.as_slice()[pixels.start * c..pixels.end * c].chunks_exact(c);
        simd::vectorize(|| {
            for pixel in dys {
                db.iter_mut().zip(pixel).for_each(|(sum, &dy)| *sum += dy);
            }
        });
    });
    let db = abreast.fold(&db);
    Tensor::from_fn([each], |i| T::of(db[i]))
}
// ANCHOR_END: backward

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_to_every_pixel_and_sums_over_them() {
        let b = Tensor::from_vec([3], vec![1.0, 2.0, 3.0]);
        let y = forward(Tensor::zeros([2, 100, 200, 3]), &b);
        assert!(y.as_slice().chunks_exact(3).all(|pixel| pixel == b.as_slice()));
        assert_eq!(backward(&y).as_slice(), [40_000.0, 80_000.0, 120_000.0]);
    }
}
