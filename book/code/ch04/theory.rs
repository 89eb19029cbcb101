//! What one layer does to the length of a gradient, from the variance of its weights alone.

use std::f64::consts::{PI, TAU};

// ANCHOR: factor
/// The mean of f(z) over z normal with mean 0 and variance `q`, as a sum over a fine grid.
fn mean(q: f64, f: impl Fn(f64) -> f64) -> f64 {
    let step = 1e-3;
    let grid = (-8000..=8000).map(|i| f64::from(i) * step);
    grid.map(|z| step * (-z * z / 2.0).exp() / TAU.sqrt() * f(q.sqrt() * z)).sum()
}

/// The factor √χ of an activation phi with slope `dphi`, whose argument settles at some variance q.
/// Weights have variance `w / fan_in`, biases have variance `b`.
fn factor(w: f64, b: f64, phi: impl Fn(f64) -> f64, dphi: impl Fn(f64) -> f64) -> f64 {
    let mut q = 1.0;
    for _ in 0..100 {
        q = w * mean(q, |z| phi(z).powi(2)) + b;
    }
    (w * mean(q, |z| dphi(z).powi(2))).sqrt()
}
// ANCHOR_END: factor

/// Of a sigmoid, with weights of deviation `s / √fan_in` and without biases.
pub fn sigmoid(s: f64) -> f64 {
    let phi = |z: f64| 1.0 / (1.0 + (-z).exp());
    factor(s * s, 0.0, phi, |z| phi(z) * (1.0 - phi(z)))
}

/// Of ReLU, with weights of deviation `s / √fan_in`: half of the slopes are 1, the others 0.
pub fn relu(s: f64) -> f64 {
    (s * s / 2.0).sqrt()
}

/// Of batch norm and ReLU, whatever the weights.
pub fn norm() -> f64 {
    (PI / (PI - 1.0)).sqrt()
}

/// The s at which a sigmoid's factor is 1.
pub fn critical() -> f64 {
    let (mut low, mut high) = (1.0, 40.0);
    while high - low > 1e-3 {
        let middle = (low + high) / 2.0;
        if sigmoid(middle) < 1.0 { low = middle } else { high = middle }
    }
    low
}
