//! The comparison that every gradient has to stand.
//!
//! A gradient belongs to a number, so an output `y` is made one: `L = Σ y·dy`, with a drawn `dy`.
//! Then `dL/dx` is what backward returns for that `dy`, and it is compared with
//!
//! ```text
//! (L(x + h·v) - L(x - h·v)) / 2h        h = 1e-5
//! ```
//!
//! for two kinds of direction `v`: one number at a time, for all of them or a drawn two dozen, and
//! one drawn direction that moves all numbers at once, so that none goes unchecked.
//!
//! # What "relative" means
//!
//! With `a` from backward and `b` from differences, the error is `|a - b| / max(|a|, |b|, scale)`.
//! Rounding puts noise of about 1e-16 / h = 1e-11 on every `b`, however small its true value is, so
//! a number that happens to be nearly zero cannot be compared with itself. `scale` is a thousandth
//! of the largest |a| of the tensor, and at least 1e-3: inputs and `dy` are of magnitude 1, and so
//! is an ordinary gradient. Noise then stays near 1e-8, and a wrong factor in any number above a
//! thousandth of the largest is seen in full.

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestError, TestRunner},
};
use residual::{Shape, Tensor, rng::Generator};
use std::cell::Cell;

/// The largest relative error that passes.
pub const BOUND: f64 = 1e-6;

/// How far an input is moved, to either side: near the cube root of the rounding error, where what
/// rounding adds and what curvature adds are equally small.
const STEP: f64 = 1e-5;

/// The most numbers of one tensor that are moved one at a time.
const SINGLES: usize = 24;

/// The worst relative error of `error` over 48 drawn cases; prints it, and panics with the smallest
/// failing case if it is beyond the bound.
///
/// The cases are the same in every run.
pub fn worst<S: Strategy>(name: &str, cases: S, error: impl Fn(S::Value, &mut Generator) -> f64) {
    let config =
        Config { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(1998), ..Config::default() };
    let (worst, count) = (Cell::new(0.0), Cell::new(0));
    let outcome = TestRunner::new(config).run(&(cases, any::<u64>().no_shrink()), |(case, seed)| {
        let error = error(case, &mut Generator::new(seed, 0));
        prop_assert!(error <= BOUND, "relative error {error:.1e}");
        worst.set(error.max(worst.get()));
        count.set(count.get() + 1);
        Ok(())
    });
    match outcome {
        Ok(()) => println!("{name}: worst relative error {:.1e} in {} cases", worst.get(), count.get()),
        Err(TestError::Fail(reason, (case, seed))) => panic!("{name}: {reason} for {case:?}, seed {seed}"),
        Err(aborted) => panic!("{name}: {aborted}"),
    }
}

/// The relative error of `dx`, which backward found for `dy` at `x`.
pub fn error(
    forward: impl Fn(Tensor<f64>) -> Tensor<f64>,
    x: &Tensor<f64>,
    dy: &Tensor<f64>,
    dx: &Tensor<f64>,
    draw: &mut Generator,
) -> f64 {
    assert_eq!(dx.shape(), x.shape(), "a gradient has the shape of what it is the gradient of");
    let slope = |v: &Tensor<f64>| {
        let y = |h: f64| forward(zip(x, v, |x, v| x + h * v));
        let moved = zip(&y(STEP), &y(-STEP), |above, below| above - below);
        dot(&moved, dy) / (2.0 * STEP)
    };
    let largest = dx.as_slice().iter().fold(0.0, |max: f64, dx| max.max(dx.abs()));
    let relative = |a: f64, b: f64, scale: f64| {
        let error = (a - b).abs() / a.abs().max(b.abs()).max(scale);
        // A NaN must not lose against the numbers.
        if error.is_nan() { f64::INFINITY } else { error }
    };

    let mut singles: Vec<_> = (0..x.len()).collect();
    draw.shuffle(&mut singles);
    let single = |&i: &usize| {
        let v = Tensor::from_fn(x.shape(), |j| f64::from(i == j));
        relative(dx.as_slice()[i], slope(&v), (1e-3 * largest).max(1e-3))
    };
    let worst = singles.iter().take(SINGLES).map(single).fold(0.0, f64::max);

    let v = normal(x.shape(), draw);
    // The slopes of all numbers add up, with either sign: their magnitudes are the scale.
    let scale = 1e-3 * dot(&dx.map(f64::abs), &v.map(f64::abs)).max(1.0);
    worst.max(relative(dot(dx, &v), slope(&v), scale))
}

/// Numbers from the standard normal distribution.
pub fn normal(shape: impl Into<Shape>, draw: &mut Generator) -> Tensor<f64> {
    Tensor::from_fn(shape, |_| draw.normal())
}

fn zip(a: &Tensor<f64>, b: &Tensor<f64>, f: impl Fn(f64, f64) -> f64) -> Tensor<f64> {
    assert_eq!(a.shape(), b.shape());
    Tensor::from_fn(a.shape(), |i| f(a.as_slice()[i], b.as_slice()[i]))
}

fn dot(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    zip(a, b, |a, b| a * b).as_slice().iter().sum()
}

// ANCHOR: watchman
#[test]
fn a_wrong_gradient_is_found() {
    let mut draw = Generator::new(1, 0);
    let (x, dy) = (normal([50], &mut draw), normal([50], &mut draw));
    let square = |x: Tensor<f64>| x.map(|x| x * x);
    let mut dx = zip(&x, &dy, |x, dy| 2.0 * x * dy);
    assert!(error(square, &x, &dy, &dx, &mut draw) < BOUND);
    for wrong in [1.0 + 1e-5, -1.0, 0.0, f64::NAN] {
        let dx = dx.map(|dx| dx * wrong);
        assert!(error(square, &x, &dy, &dx, &mut draw) > BOUND, "factor {wrong}");
    }
    // One wrong number among many: the direction that moves all of them sees it.
    dx.as_mut_slice()[49] += 0.1;
    assert!(error(square, &x, &dy, &dx, &mut draw) > BOUND);
}
// ANCHOR_END: watchman
