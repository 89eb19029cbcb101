//! Difference quotients of the network's loss.

use super::network::{Batch, Network};
use residual::Real;

/// Which number of which parameter tensor.
pub type Coordinate = (usize, usize);

/// Every `stride`-th number of every parameter.
pub fn coordinates<T: Real>(network: &Network<T>, stride: usize) -> Vec<Coordinate> {
    let tensors = network.parameters.iter().enumerate();
    tensors.flat_map(|(t, tensor)| (0..tensor.len()).step_by(stride).map(move |i| (t, i))).collect()
}

// ANCHOR: central
/// The slope of the loss along one coordinate, from the losses `h` to either side.
pub fn central<T: Real>(network: &mut Network<T>, batch: &Batch<T>, (t, i): Coordinate, h: T) -> T {
    let x = network.parameters[t].as_slice()[i];
    let (above, below) = (x + h, x - h);
    let mut loss_at = |x: T| {
        network.parameters[t].as_mut_slice()[i] = x;
        network.loss(batch)
    };
    let slope = (loss_at(above) - loss_at(below)) / (above - below);
    loss_at(x);
    slope
}
// ANCHOR_END: central

/// The third derivative along one coordinate, from the losses at four points `s` apart.
pub fn third(network: &mut Network<f64>, batch: &Batch<f64>, (t, i): Coordinate, s: f64) -> f64 {
    let x = network.parameters[t].as_slice()[i];
    let mut loss_at = |x: f64| {
        network.parameters[t].as_mut_slice()[i] = x;
        network.loss(batch)
    };
    let odd = loss_at(x + 2.0 * s) - loss_at(x - 2.0 * s) - 2.0 * (loss_at(x + s) - loss_at(x - s));
    loss_at(x);
    odd / (2.0 * s * s * s)
}

/// √(Σ x²)
pub fn norm(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(|x| x * x).sum::<f64>().sqrt()
}

// ANCHOR: relative
/// ‖n - a‖ / (‖n‖ + ‖a‖): 0 where the two agree, 1 where one is zero or the opposite of the other.
pub fn relative_error(numeric: &[f64], analytic: &[f64]) -> f64 {
    let distance = norm(numeric.iter().zip(analytic).map(|(n, a)| n - a));
    let size = norm(numeric.iter().copied()) + norm(analytic.iter().copied());
    if size == 0.0 { 0.0 } else { distance / size }
}
// ANCHOR_END: relative
