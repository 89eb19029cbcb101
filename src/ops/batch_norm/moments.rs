//! Mean and variance of every channel, in one pass over memory.

use crate::{
    ops::{
        abreast::Abreast,
        threads::{self, BLOCK_ROWS},
    },
    real::Real,
    simd::Isa,
};

/// For each channel, the mean and the sum of squared distances from it.
pub(super) struct Moments {
    pub count: usize,
    pub mean: Vec<f64>,
    pub squares: Vec<f64>,
}

/// The moments of all pixels in one pass over memory (Chan, Golub and LeVeque 1983).
///
/// A block of pixels is small enough to stay in the cache while it is read twice, for its mean and
/// for its distances from it; then [`Moments::merge`] joins the blocks' moments. The short cut
/// `mean(x²) - mean(x)²` would lose all digits of a variance much smaller than the mean.
pub(super) fn moments<T: Real>(xs: &[T], c: usize) -> Moments {
    let (isa, abreast) = (Isa::current(), Abreast::new(xs.len() / c, c));
    let wide = abreast.channels();
    let parts = threads::pieces(xs.len() / wide, wide, |pixels| {
        let mut moments = Moments::none(wide);
        let (mut mean, mut squares) = (vec![T::ZERO; wide], vec![T::ZERO; wide]);
        for block in xs[pixels.start * wide..pixels.end * wide].chunks(BLOCK_ROWS * wide) {
            T::moments(isa, block, &mut mean, &mut squares);
            moments.merge(block.len() / wide, &mean, &squares);
        }
        moments
    });
    let mut all = Moments::none(c);
    for part in &parts {
        let pixels = part.mean.chunks_exact(c).zip(part.squares.chunks_exact(c));
        pixels.for_each(|(mean, squares)| all.merge(part.count, mean, squares));
    }
    all
}

impl Moments {
    fn none(c: usize) -> Self {
        Self { count: 0, mean: vec![0.0; c], squares: vec![0.0; c] }
    }

    // ANCHOR: merge
    /// Takes in the moments of `count` more pixels.
    ///
    /// The joint mean lies between the two. About it, each part's squares grow by its count times
    /// its squared distance: together `distance² · a·b / (a + b)`, for `a` and `b` pixels.
    fn merge<T: Real>(&mut self, count: usize, mean: &[T], squares: &[T]) {
        let total = self.count + count;
        let weight = if total == 0 { 0.0 } else { count as f64 / total as f64 };
        let growth = self.count as f64 * weight;
        let ours = self.mean.iter_mut().zip(&mut self.squares);
        for ((our_mean, our_squares), (mean, squares)) in ours.zip(mean.iter().zip(squares)) {
            let distance = mean.to_f64() - *our_mean;
            *our_mean += distance * weight;
            *our_squares += squares.to_f64() + distance * distance * growth;
        }
        self.count = total;
    }
    // ANCHOR_END: merge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_moments_are_the_definition() {
        // One by one, and several abreast.
        for count in [1237, 1280] {
            let xs: Vec<f64> = (0..3 * count).map(|i| ((i * 7919) % 2003) as f64).collect();
            let moments = moments(&xs, 3);
            for c in 0..3 {
                let channel = || xs.iter().skip(c).step_by(3);
                let mean = channel().sum::<f64>() / count as f64;
                let squares: f64 = channel().map(|x| (x - mean).powi(2)).sum();
                approx::assert_relative_eq!(moments.mean[c], mean, max_relative = 1e-13);
                approx::assert_relative_eq!(moments.squares[c], squares, max_relative = 1e-12);
            }
        }
    }
}
