//! Finite differences against backward.
//!
//! One parameter p is moved a little to either side, and the loss tells its slope there, whatever
//! backward says:
//!
//! ```text
//! dL/dp ≈ (L(p + h) - L(p - h)) / 2h
//! ```
//!
//! # The step
//!
//! The quotient is wrong twice. Curvature adds about h²·L‴/6; rounding adds about ε·L/h, with
//! ε = 2.2e-16 in `f64`. Their sum is least near h = ∛ε ≈ 6e-6, so the step is 1e-5, and a slope of
//! 1e-3 is then found to about seven digits. In `f32`, ε = 1.2e-7 and three digits would be left:
//! gradients are checked in `f64`.
//!
//! # What "relative" means
//!
//! With a from backward and d from differences, the error is |a - d| / max(|a|, |d|, s). The scale s
//! is a thousandth of the tensor's largest |a|, and at least 1e-3: below that, d has too few true
//! digits to be compared with.
//!
//! # Kinks
//!
//! A ReLU or a max pool that changes its mind between p - h and p + h bends the loss, and the
//! quotient is no slope. The loss itself shows it. Where it is smooth, the quotient at h/2 equals
//! the one at h, and the two one-sided quotients differ half as much. A single bend that moves the
//! quotient by δ breaks at least one of the two equalities by δ/2 or more, wherever it lies. So an
//! entry is compared only if both hold to within half the tolerance, at some step from 1e-6 to 1e-4;
//! else it is counted as skipped. A wrong gradient cannot hide there: the choice asks the loss, and
//! of backward only the scale s, which a gradient that is too large makes more willing to compare.
//!
//! Forward draws the same dropout masks in every evaluation, and batch norm uses the batch's
//! statistics, as in training.

mod loss;
mod report;
mod state;

pub use loss::Subject;
pub use report::{Comparison, Report, Settings, Worst};

use crate::{
    models::Model,
    nn::{Layer, Param, Slot},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    tensor::Tensor,
};
use loss::{Loss, OfLayer};
use state::State;

/// The steps to try, in this order: the best on average, larger ones against rounding, smaller ones
/// to get past a kink.
const STEPS: [f64; 5] = [1e-5, 3e-5, 1e-4, 3e-6, 1e-6];

/// The least magnitude of gradient that is compared relative to itself.
const SCALE: f64 = 1e-3;

/// Checks the gradient of every parameter of `model` at the loss of [`Model::train_step`].
///
/// The model is left as it was found, except for the gradients.
///
/// ```
/// use residual::{Tensor, gradcheck::{self, Settings}, nn::{Flatten, Linear, Sequential}};
/// let mut model = Sequential::new().add("flatten", Flatten::new()).add("fc", Linear::new(4, 3));
/// let images = Tensor::from_fn([2, 2, 2, 1], |i| i as f64 / 8.0);
/// let settings = Settings::default();
/// let report = gradcheck::check_model(&mut model, &images, &[0, 2], &Default::default(), &settings);
/// assert!(report.passed() && report.checked() == 4 * 3 + 3);
/// ```
///
/// # Panics
/// If images or labels do not fit the model.
pub fn check_model(
    model: &mut dyn Model<f64>,
    images: &Tensor<f64>,
    labels: &[usize],
    loss: &CrossEntropy,
    settings: &Settings,
) -> Report {
    watch_model(Subject { model, images, labels, loss }, settings, &mut |_| {})
}

/// [`check_model`] that says after each entry how many are done.
///
/// # Panics
/// If images or labels do not fit the model.
pub fn watch_model(mut subject: Subject<'_>, settings: &Settings, each: &mut dyn FnMut(usize)) -> Report {
    check(&mut subject, settings, each)
}

/// Checks the gradients of `layer` at `x`, that of its input included, for a drawn dL/dy.
///
/// The layer is left as it was found, except for the gradients.
///
/// # Panics
/// If the layer does not take `x`.
pub fn check_layer(layer: &mut dyn Layer<f64>, x: &Tensor<f64>, settings: &Settings) -> Report {
    let y = layer.outline(x.shape()).output;
    let mut rng = Generator::new(settings.seed, 1);
    let dy = Tensor::from_fn(y, |_| rng.normal());
    check(&mut OfLayer { layer, input: Param::new(x.clone()), dy, y: None }, settings, &mut |_| {})
}

fn check(loss: &mut dyn Loss, settings: &Settings, each: &mut dyn FnMut(usize)) -> Report {
    let state = State::of(loss);
    let gradients = gradients(loss);
    state.restore(loss);
    let here = loss.value();
    let mut rng = Generator::new(settings.seed, 0);
    let (mut tensors, mut done) = (Vec::new(), 0);
    for (position, (name, gradient)) in gradients.into_iter().enumerate() {
        let shape = gradient.shape();
        let largest = gradient.as_slice().iter().fold(0.0, |most: f64, g| g.abs().max(most));
        let scale = (SCALE * largest).max(SCALE);
        let mut comparison = Comparison { name, shape, checked: 0, skipped: 0, worst: None };
        for at in draw(shape.len(), settings.entries, &mut rng) {
            let backward = gradient.as_slice()[at];
            let moved = |h: f64| {
                state.restore(loss);
                let original = entry(loss, position, at, |p| std::mem::replace(p, *p + h));
                let value = loss.value();
                entry(loss, position, at, |p| std::mem::replace(p, original));
                value
            };
            match slope(moved, here, [scale, settings.tolerance]) {
                None => comparison.skipped += 1,
                Some(difference) => comparison.add(at, backward, difference, scale),
            }
            done += 1;
            each(done);
        }
        tensors.push(comparison);
    }
    state.restore(loss);
    Report { tensors, tolerance: settings.tolerance }
}

// ANCHOR: slope
/// The slope of `moved` at 0, where its value is `here`; nothing if a kink or rounding moves it by
/// more than half the tolerance, relative to itself or to the scale.
fn slope(mut moved: impl FnMut(f64) -> f64, here: f64, [scale, tolerance]: [f64; 2]) -> Option<f64> {
    STEPS.into_iter().find_map(|h| {
        let mut quotients = |h: f64| {
            let (above, below) = (moved(h), moved(-h));
            ((above - below) / (2.0 * h), (above - here) / h - (here - below) / h)
        };
        let ((slope, bend), (half_slope, half_bend)) = (quotients(h), quotients(h / 2.0));
        let kink = (slope - half_slope).abs().max((bend - 2.0 * half_bend).abs());
        let rounding = 4.0 * f64::EPSILON * here.abs() / h;
        // A NaN is for the comparison to report, not to skip.
        let trusted = kink.max(rounding) <= tolerance / 2.0 * scale.max(slope.abs());
        (slope.is_nan() || trusted).then_some(slope)
    })
}
// ANCHOR_END: slope

/// Every parameter's name and gradient.
fn gradients(loss: &mut dyn Loss) -> Vec<(String, Tensor<f64>)> {
    loss.visit(&mut |_, slot| {
        if let Slot::Param(param) = slot {
            param.grad = Tensor::zeros(param.value.shape());
        }
    });
    loss.backward();
    let mut gradients = Vec::new();
    loss.visit(&mut |path, slot| {
        if let Slot::Param(param) = slot {
            gradients.push((path.to_string(), param.grad.clone()));
        }
    });
    gradients
}

/// What `change` makes of entry `at` of the parameter in this visiting position.
fn entry(loss: &mut dyn Loss, position: usize, at: usize, mut change: impl FnMut(&mut f64) -> f64) -> f64 {
    let (mut seen, mut result) = (0, None);
    loss.visit(&mut |_, slot| {
        if let Slot::Param(param) = slot {
            if seen == position {
                result = Some(change(&mut param.value.as_mut_slice()[at]));
            }
            seen += 1;
        }
    });
    result.expect("the visiting order does not change")
}

/// `0..len`, or a drawn `most` of them, in order.
fn draw(len: usize, most: usize, rng: &mut Generator) -> Vec<usize> {
    if len <= most {
        return (0..len).collect();
    }
    let mut drawn = std::collections::BTreeSet::new();
    while drawn.len() < most {
        drawn.insert(rng.below(len));
    }
    drawn.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nn::{Dropout, Flatten, Linear, Mode, Outline, Relu, Sequential},
        tensor::Shape,
    };

    /// y = x³, and a backward that may be wrong by a factor.
    struct Cube {
        factor: f64,
        x: Option<Tensor<f64>>,
    }

    impl Layer<f64> for Cube {
        fn forward(&mut self, x: Tensor<f64>, _: Mode) -> Tensor<f64> {
            let y = x.map(|x| x * x * x);
            self.x = Some(x);
            y
        }

        fn backward(&mut self, mut dy: Tensor<f64>) -> Tensor<f64> {
            let x = self.x.take().expect("a forward");
            let slopes = x.as_slice().iter().map(|x| self.factor * 3.0 * x * x);
            dy.as_mut_slice().iter_mut().zip(slopes).for_each(|(dy, slope)| *dy *= slope);
            dy
        }

        fn outline(&self, x: Shape) -> Outline {
            Outline::leaf("Cube()", x)
        }
    }

    fn cube(factor: f64) -> Report {
        let x = Tensor::from_vec([2, 3], vec![1.0, -2.0, 0.5, 0.7, -1.1, 3.0]);
        check_layer(&mut Cube { factor, x: None }, &x, &Settings::default())
    }

    #[test]
    fn a_wrong_factor_is_found_and_placed() {
        let right = cube(1.0);
        assert!(right.passed() && right.checked() == 6 && right.skipped() == 0, "{right:?}");
        for factor in [1.0 + 1e-5, 0.0, -1.0, f64::NAN] {
            let wrong = cube(factor);
            assert!(!wrong.passed() && wrong.skipped() == 0, "factor {factor}: {wrong:?}");
        }
        let worst = cube(2.0).tensors[0].worst.clone().expect("six comparisons");
        assert_eq!(worst.index.len(), 2);
        approx::assert_relative_eq!(worst.backward, 2.0 * worst.difference, max_relative = 1e-6);
    }

    #[test]
    fn kinks_are_counted_and_hide_nothing() {
        // At 0, and so near 0 that both steps or the larger cross it; the last two are clear of it.
        let x = Tensor::from_vec([6], vec![0.0, 3e-7, 4e-6, 6e-6, 1.0, -1.0]);
        let report = check_layer(&mut Relu::new(), &x, &Settings::default());
        let (checked, skipped) = (report.checked(), report.skipped());
        assert!(report.passed(), "{report:?}");
        assert_eq!((checked, skipped), (4, 2), "{report:?}");
    }

    #[test]
    fn dropout_draws_the_same_mask_each_time() {
        let mut dropout = Dropout::new(0.5, Generator::new(3, 1));
        let x = Tensor::from_fn([4, 5], |i| 1.0 + i as f64);
        let report = check_layer(&mut dropout, &x, &Settings::default());
        assert!(report.passed() && report.skipped() == 0, "{report:?}");
        // Left as it was found.
        let again = Dropout::new(0.5, Generator::new(3, 1)).forward(x.clone(), Mode::Train);
        assert_eq!(dropout.forward(x, Mode::Train), again);
    }

    #[test]
    fn every_entry_is_told_of() {
        let mut model = Sequential::new().add("flatten", Flatten::new()).add("fc", Linear::new(4, 3));
        let images = Tensor::from_fn([2, 2, 2, 1], |i| i as f64);
        let loss = &CrossEntropy::default();
        let subject = Subject { model: &mut model, images: &images, labels: &[0, 2], loss };
        let mut heard = Vec::new();
        let report = watch_model(subject, &Settings::default(), &mut |done| heard.push(done));
        assert_eq!(report.checked() + report.skipped(), 4 * 3 + 3);
        assert_eq!(heard, (1..=15).collect::<Vec<_>>());
    }

    #[test]
    fn entries_are_drawn_once_each() {
        let drawn = draw(1000, 30, &mut Generator::new(0, 0));
        assert!(drawn.len() == 30 && drawn.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
