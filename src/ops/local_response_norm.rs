//! Local response normalisation: a channel is damped where its neighbours are strong (Krizhevsky,
//! Sutskever and Hinton 2012, section 3.3).
//!
//! ```text
//! s[…, c] = k + α/n · Σ over the channels j of W(c) of x[…, j]²
//! y[…, c] = x[…, c] · s[…, c]^-β
//! W(c)    = c - ⌊n/2⌋ ..= c + ⌊(n - 1)/2⌋, as far as there are such channels
//! ```
//!
//! `x` and `y` are (…, C); the window runs along the channels of one pixel. The names are PyTorch's,
//! which divides α by the window's extent n. The paper does not: its α of 10⁻⁴ with n = 5 is 5·10⁻⁴
//! here.
//!
//! # Backward
//!
//! `x[j]` moves its own `y[j]` directly, by `s[j]^-β`. It also moves `s[c]` of every window W(c) in
//! which it lies, by `2·α/n·x[j]`, and thereby `y[c]`, by `-β·x[c]·s[c]^(-β-1)` for each unit of
//! `s[c]`. Collected:
//!
//! ```text
//! t[c]  = dy[c]·x[c]·s[c]^(-β-1)
//! dx[j] = dy[j]·s[j]^-β - 2·α/n·β·x[j]·Σ over the c with j in W(c) of t[c]
//! ```
//!
//! The channels c whose windows hold j are a window themselves, W(j) mirrored:
//! `j - ⌊(n - 1)/2⌋ ..= j + ⌊n/2⌋`.

use super::threads;
use crate::{real::Real, tensor::Tensor};

/// How strongly which neighbours damp a channel: PyTorch's names and defaults.
///
/// ```
/// use residual::{Tensor, ops::local_response_norm::{self, Damping}};
/// let damping = Damping { alpha: 2.0, k: 0.0, beta: 1.0, ..Damping::new(2) };
/// // A window of two is a channel and the one before it: s = 3², 3² + 1².
/// let (y, _) = local_response_norm::forward(Tensor::from_vec([1, 2], vec![3.0, 1.0]), damping);
/// assert!(y.as_slice().iter().zip([3.0 / 9.0, 1.0 / 10.0]).all(|(y, exact): (&f64, f64)| (y - exact).abs() < 1e-15));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Damping {
    /// n, how many channels a window has.
    pub size: usize,
    /// α, what their mean square counts.
    pub alpha: f64,
    /// β, the exponent.
    pub beta: f64,
    /// k, which keeps the sum from zero.
    pub k: f64,
}

impl Damping {
    /// Windows of `size` channels; α = 10⁻⁴, β = 0.75, k = 1.
    ///
    /// # Panics
    /// If `size` is zero.
    #[track_caller]
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "a window has at least one channel");
        Self { size, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }

    /// s^-β. Two square roots do for the usual β of 3/4, and run in vector lanes.
    #[inline]
    fn factor<T: Real>(&self, s: T) -> T {
        if self.beta == 0.75 {
            let root = s.sqrt();
            T::ONE / (root * root.sqrt())
        } else {
            (-T::of(self.beta) * s.ln()).exp()
        }
    }

    /// How many channels before and after its own a window holds.
    fn reach(&self) -> [usize; 2] {
        [self.size / 2, (self.size - 1) / 2]
    }
}

/// What backward needs.
#[derive(Clone, Debug)]
pub struct Saved<T: Real> {
    damping: Damping,
    x: Tensor<T>,
    s: Tensor<T>,
}

/// `y` (…, C) from `x` (…, C), and what backward needs.
// ANCHOR: forward
pub fn forward<T: Real>(x: Tensor<T>, damping: Damping) -> (Tensor<T>, Saved<T>) {
    let c = x.shape().last();
    let (mut y, mut s) = (Tensor::zeros(x.shape()), Tensor::zeros(x.shape()));
    let (share, k) = (T::of(damping.alpha / damping.size as f64), T::of(damping.k));
    let xs = x.as_slice();
    threads::each_row2(y.as_mut_slice(), s.as_mut_slice(), c, |pixel, y, s| {
        let x = &xs[pixel * c..][..c];
        y.iter_mut().zip(x).for_each(|(square, &x)| *square = x * x);
        add_windows(s, y, damping.reach());
        for ((y, s), &x) in y.iter_mut().zip(s).zip(x) {
            *s = k + share * *s;
            *y = x * damping.factor(*s);
        }
    });
    (y, Saved { damping, x, s })
}
// ANCHOR_END: forward

/// `dx` (…, C), from `dy` (…, C).
///
/// # Panics
/// If `dy` has not the shape of the output.
#[track_caller]
// ANCHOR: backward
pub fn backward<T: Real>(dy: &Tensor<T>, saved: &Saved<T>) -> Tensor<T> {
    let Saved { damping, x, s } = saved;
    assert_eq!(dy.shape(), x.shape(), "dy has the shape of the output");
    let c = dy.shape().last();
    let [before, after] = damping.reach();
    let slope = T::of(2.0 * damping.alpha / damping.size as f64 * damping.beta);
    let (mut dx, mut t) = (Tensor::zeros(dy.shape()), Tensor::zeros(dy.shape()));
    threads::each_row2(dx.as_mut_slice(), t.as_mut_slice(), c, |pixel, dx, t| {
        let row = pixel * c..(pixel + 1) * c;
        let (dy, x, s) = (&dy.as_slice()[row.clone()], &x.as_slice()[row.clone()], &s.as_slice()[row]);
        for (((t, &dy), &x), &s) in t.iter_mut().zip(dy).zip(x).zip(s) {
            *t = dy * x * damping.factor(s) / s;
        }
        add_windows(dx, t, [after, before]);
        for (((dx, &dy), &x), &s) in dx.iter_mut().zip(dy).zip(x).zip(s) {
            *dx = dy * damping.factor(s) - slope * x * *dx;
        }
    });
    dx
}
// ANCHOR_END: backward

// ANCHOR: add_windows
/// Adds to each `sums[c]` the numbers `from[c - before ..= c + after]`, as far as there are any.
fn add_windows<T: Real>(sums: &mut [T], from: &[T], [before, after]: [usize; 2]) {
    let c = from.len();
    // One distance at a time, so that channels lie side by side in vector lanes.
    for distance in 0..=before.min(c - 1) {
        sums[distance..].iter_mut().zip(from).for_each(|(sum, &x)| *sum += x);
    }
    for distance in 1..=after.min(c - 1) {
        sums.iter_mut().zip(&from[distance..]).for_each(|(sum, &x)| *sum += x);
    }
}
// ANCHOR_END: add_windows

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, number by number.
    fn naive(x: &[f64], damping: Damping) -> Vec<f64> {
        let Damping { size, alpha, beta, k } = damping;
        let y = |c: usize| {
            let window = (c as isize - (size / 2) as isize)..(c as isize + size.div_ceil(2) as isize);
            let inside = window.filter(|&j| j >= 0 && j < x.len() as isize);
            let sum: f64 = inside.map(|j| x[j as usize] * x[j as usize]).sum();
            x[c] / (k + alpha / size as f64 * sum).powf(beta)
        };
        (0..x.len()).map(y).collect()
    }

    #[test]
    fn is_the_definition_for_every_window() {
        let x = Tensor::from_fn([1, 19], |i| (i * 7 % 11) as f64 - 5.0);
        for size in [1, 2, 3, 4, 5, 8, 19, 40] {
            for beta in [0.75, 0.5] {
                let damping = Damping { alpha: 3.0, beta, k: 2.0, ..Damping::new(size) };
                let (y, _) = forward(x.clone(), damping);
                let expected = naive(x.as_slice(), damping);
                approx::assert_relative_eq!(y.as_slice(), expected.as_slice(), max_relative = 1e-14);
            }
        }
    }

    #[test]
    fn large_batches_are_cut_right() {
        let damping = Damping::new(5);
        let x = Tensor::from_fn([3, 30, 31, 24], |i| (i * 7919 % 1009) as f64);
        let (y, saved) = forward(x.clone(), damping);
        let dx = backward(&y, &saved);
        for pixel in [0, 1000, 3 * 30 * 31 - 1] {
            let row = pixel * 24..(pixel + 1) * 24;
            let one = |t: &Tensor<f64>| Tensor::from_vec([1, 24], t.as_slice()[row.clone()].to_vec());
            let (alone, saved) = forward(one(&x), damping);
            assert_eq!((one(&y), one(&dx)), (alone.clone(), backward(&alone, &saved)));
        }
    }

    #[test]
    #[should_panic(expected = "at least one channel")]
    fn an_empty_window_is_refused() {
        Damping::new(0);
    }
}
