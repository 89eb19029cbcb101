//! A network of linear layers and tanh in plain loops, for one point: forward, backward, and numbers that carry
//! their own slope.

use std::{
    cell::Cell,
    ops::{Add, Mul, Sub},
};

/// What a forward pass can be computed with.
pub trait Scalar: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    fn of(x: f64) -> Self;
    fn tanh(self) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
}

thread_local! {
    static PRODUCTS: Cell<u64> = const { Cell::new(0) };
}

/// A number that counts how often numbers like it are multiplied.
#[derive(Clone, Copy, Debug)]
pub struct Counted(pub f64);

/// What `run` returns, and how many multiplications it took.
pub fn counting<R>(run: impl FnOnce() -> R) -> (R, u64) {
    let before = PRODUCTS.get();
    let result = run();
    (result, PRODUCTS.get() - before)
}

impl Add for Counted {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Counted {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Counted {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        PRODUCTS.set(PRODUCTS.get() + 1);
        Self(self.0 * other.0)
    }
}

impl Scalar for Counted {
    fn of(x: f64) -> Self {
        Self(x)
    }
    fn tanh(self) -> Self {
        Self(self.0.tanh())
    }
    fn exp(self) -> Self {
        Self(self.0.exp())
    }
    fn ln(self) -> Self {
        Self(self.0.ln())
    }
}

// ANCHOR: dual
/// A number, and how fast it changes with the one parameter that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Dual {
    pub value: Counted,
    pub slope: Counted,
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let slope = self.slope * other.value + self.value * other.slope;
        Self { value: self.value * other.value, slope }
    }
}
// ANCHOR_END: dual

impl Add for Dual {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, slope: self.slope - other.slope }
    }
}

impl Scalar for Dual {
    fn of(x: f64) -> Self {
        Self { value: Counted(x), slope: Counted(0.0) }
    }
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        Self { value, slope: (Counted(1.0) - value * value) * self.slope }
    }
    fn exp(self) -> Self {
        let value = self.value.exp();
        Self { value, slope: value * self.slope }
    }
    fn ln(self) -> Self {
        let inverse = Counted(1.0 / self.value.0);
        Self { value: self.value.ln(), slope: inverse * self.slope }
    }
}

/// One linear layer: `w[o][i]` leads from input i to output o.
#[derive(Clone, Debug)]
pub struct Layer<S> {
    pub w: Vec<Vec<S>>,
    pub b: Vec<S>,
}

fn sum<S: Scalar>(terms: impl Iterator<Item = S>) -> S {
    terms.reduce(|sum, term| sum + term).expect("at least one term")
}

/// The sum of products.
fn dot<S: Scalar>(a: &[S], b: &[S]) -> S {
    sum(a.iter().zip(b).map(|(&a, &b)| a * b))
}

fn column<S: Scalar>(w: &[Vec<S>], i: usize) -> Vec<S> {
    w.iter().map(|row| row[i]).collect()
}

// ANCHOR: forward
/// What enters each layer, and the scores at the end. Between the layers stands tanh.
pub fn forward<S: Scalar>(layers: &[Layer<S>], x: &[S]) -> Vec<Vec<S>> {
    let mut kept = vec![x.to_vec()];
    for (l, layer) in layers.iter().enumerate() {
        let x = &kept[l];
        let z = layer.w.iter().zip(&layer.b).map(|(w, &b)| dot(w, x) + b);
        let is_last = l + 1 == layers.len();
        kept.push(z.map(|z| if is_last { z } else { z.tanh() }).collect());
    }
    kept
}
// ANCHOR_END: forward

/// The loss of scores `z` where `label` is right.
pub fn loss<S: Scalar>(z: &[S], label: usize) -> S {
    sum(z.iter().map(|z| z.exp())).ln() - z[label]
}

// ANCHOR: backward
/// The gradient of every layer, from what forward kept and the gradient by the scores.
pub fn backward<S: Scalar>(layers: &[Layer<S>], kept: &[Vec<S>], mut dz: Vec<S>) -> Vec<Layer<S>> {
    let mut gradients = Vec::new();
    for (l, layer) in layers.iter().enumerate().rev() {
        let x = &kept[l];
        let dw = dz.iter().map(|&dz| x.iter().map(|&x| dz * x).collect()).collect();
        gradients.push(Layer { w: dw, b: dz.clone() });
        if l > 0 {
            let dx = (0..x.len()).map(|i| dot(&dz, &column(&layer.w, i)));
            // x is a tanh, and its slope is 1 - x².
            dz = dx.zip(x).map(|(dx, &x)| dx * (S::of(1.0) - x * x)).collect();
        }
    }
    gradients.reverse();
    gradients
}
// ANCHOR_END: backward
