//! Schedules: the learning rate at every step.
//!
//! A schedule is a pure function of the step, so it has nothing to save. With `t` counted from zero
//! over the `n` steps after warm-up:
//!
//! | shape | rate at step `t` | PyTorch |
//! |---|---|---|
//! | constant | `lr` | |
//! | step | `lr · gammaᵏ`, `k` milestones passed | `MultiStepLR` |
//! | cosine | `lr · (1 + cos(π·t/n)) / 2` | `CosineAnnealingLR(T_max=n)` |
//! | one-cycle | cosine from `lr/25` to `lr` over 30 %, then to `lr/25·10⁻⁴` | `OneCycleLR(total_steps=n, cycle_momentum=False)` |
//!
//! Warm-up (Goyal et al. 2017) leads linearly from a hundredth of the shape's first rate to that
//! rate: `SequentialLR` of `LinearLR(start_factor=0.01)` and the shape. One-cycle is Smith and Topin 2018.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How the learning rate changes after warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// Not at all.
    Constant,
    /// Multiplied by `gamma` at each of `milestones`, which are fractions of the steps.
    Step {
        /// Where, as fractions of the steps after warm-up, rounded to whole steps.
        milestones: Vec<f64>,
        /// By how much.
        gamma: f64,
    },
    /// Half a cosine down to zero.
    Cosine,
    /// A cosine up over the first 30 % of the steps, and one down to almost zero.
    OneCycle,
}

impl Shape {
    /// Tenths at half and at three quarters of the training, as He et al. 2016 train on CIFAR.
    pub fn step() -> Self {
        Self::Step { milestones: vec![0.5, 0.75], gamma: 0.1 }
    }
}

/// The learning rate as a function of the step.
///
/// ```
/// use residual::train::schedule::{Schedule, Shape};
/// let schedule = Schedule { shape: Shape::Cosine, lr: 0.2, steps: 120, warmup: 20 };
/// assert_eq!(schedule.rate(0), 0.002);
/// assert_eq!(schedule.rate(20), 0.2);
/// assert!((schedule.rate(70) - 0.1).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// How the rate changes after warm-up.
    pub shape: Shape,
    /// The highest rate.
    pub lr: f64,
    /// All steps of the training, warm-up included.
    pub steps: u64,
    /// The steps of the warm-up.
    pub warmup: u64,
}

/// The rate at which warm-up starts, as a part of the rate that it leads to.
const WARMUP_START: f64 = 0.01;
/// The part of a one-cycle that goes up.
const RISE: f64 = 0.3;
/// The highest rate of a one-cycle over its first.
const DIV: f64 = 25.0;
/// The first rate of a one-cycle over its last.
const FINAL_DIV: f64 = 1e4;

impl Schedule {
    // ANCHOR: rate
    /// The learning rate of step `step`, counted from zero.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            let part = step as f64 / self.warmup as f64;
            return self.after_warmup(0) * (WARMUP_START + (1.0 - WARMUP_START) * part);
        }
        self.after_warmup(step - self.warmup)
    }
    // ANCHOR_END: rate

    // ANCHOR: after_warmup
    fn after_warmup(&self, step: u64) -> f64 {
        let (t, n) = (step as f64, self.steps.saturating_sub(self.warmup).max(1) as f64);
        match &self.shape {
            Shape::Constant => self.lr,
            Shape::Step { milestones, gamma } => {
                let passed = milestones.iter().filter(|&&at| (at * n).round() <= t).count();
                self.lr * gamma.powi(passed as i32)
            }
            Shape::Cosine => descend(self.lr, 0.0, t / n),
            Shape::OneCycle => {
                let (top, peak, end) = (self.lr, RISE * n - 1.0, n - 1.0);
                let first = top / DIV;
                if t <= peak {
                    descend(first, top, t / peak)
                } else {
                    descend(top, first / FINAL_DIV, (t - peak) / (end - peak))
                }
            }
        }
    }
    // ANCHOR_END: after_warmup
}

/// Half a cosine, from `from` at 0 to `to` at 1.
fn descend(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * part).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shape: Shape, steps: u64, warmup: u64) -> Vec<f64> {
        let schedule = Schedule { shape, lr: 1.0, steps, warmup };
        (0..steps).map(|step| schedule.rate(step)).collect()
    }

    #[test]
    fn steps_fall_at_the_rounded_milestones() {
        let rates = rates(Shape::step(), 10, 0);
        assert_eq!(rates[4], 1.0);
        assert_eq!(rates[5], 0.1);
        assert_eq!(rates[7], 0.1);
        assert!((rates[8] - 0.01).abs() < 1e-15);
    }

    #[test]
    fn cosine_starts_at_the_top_and_would_end_at_zero() {
        let schedule = Schedule { shape: Shape::Cosine, lr: 3.0, steps: 8, warmup: 0 };
        assert_eq!(schedule.rate(0), 3.0);
        assert_eq!(schedule.rate(4), 1.5);
        assert!(schedule.rate(8).abs() < 1e-15);
    }

    #[test]
    fn one_cycle_rises_for_three_tenths_and_ends_near_zero() {
        let rates = rates(Shape::OneCycle, 100, 0);
        assert!((rates[0] - 1.0 / 25.0).abs() < 1e-15);
        assert_eq!(rates[29], 1.0);
        assert!(rates[..30].is_sorted() && rates[29..].is_sorted_by(|a, b| a >= b));
        assert!((rates[99] - 1.0 / 25.0 / 1e4).abs() < 1e-15);
    }

    #[test]
    fn warmup_leads_to_the_first_rate_of_the_shape() {
        let constant = rates(Shape::Constant, 10, 4);
        assert_eq!(constant[0], 0.01);
        assert!((constant[2] - 0.505).abs() < 1e-15);
        assert_eq!(constant[4..], [1.0; 6]);
        assert!((rates(Shape::OneCycle, 104, 4)[4] - 1.0 / 25.0).abs() < 1e-15);
    }

    #[test]
    fn the_shortest_trainings_have_finite_rates() {
        for shape in [Shape::Constant, Shape::step(), Shape::Cosine, Shape::OneCycle] {
            for steps in 1..12 {
                for warmup in 0..=steps {
                    let rates = rates(shape.clone(), steps, warmup);
                    assert!(rates.iter().all(|rate| (0.0..=1.0).contains(rate)), "{shape:?} {rates:?}");
                }
            }
        }
    }
}
