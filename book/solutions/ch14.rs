//! Solutions of chapter 14's exercises 1 to 3. Those of 4 and 5 are on the page.

use residual::{
    models::Model,
    nn::{Sequential, Slot},
};

/// Exercise 1. Nesterov's method as it was meant, in the textbook's form: the slope is asked for ahead of where you are.
/// Every place at which it is asked for, the first being `w`.
pub fn ahead(w: f64, steps: usize, rate: f64, momentum: f64, slope: impl Fn(f64) -> f64) -> Vec<f64> {
    let (mut w, mut v, mut places) = (w, 0.0, Vec::new());
    for _ in 0..steps {
        let ahead = w + momentum * v;
        places.push(ahead);
        v = momentum * v - rate * slope(ahead);
        w += v;
    }
    places
}

/// Exercise 2. The smoothed cross-entropy of one row of scores, and its slope by each score, straight from the targets
/// t[k].
pub fn smoothed(scores: &[f64], label: usize, smoothing: f64) -> (f64, Vec<f64>) {
    let classes = scores.len() as f64;
    let most = scores.iter().fold(f64::NEG_INFINITY, |most, &z| most.max(z));
    let log_sum = most + scores.iter().map(|z| (z - most).exp()).sum::<f64>().ln();
    let target = |k: usize| smoothing / classes + if k == label { 1.0 - smoothing } else { 0.0 };
    let loss = scores.iter().enumerate().map(|(k, z)| target(k) * (log_sum - z)).sum();
    let slopes = scores.iter().enumerate().map(|(k, z)| (z - log_sum).exp() - target(k));
    (loss, slopes.collect())
}

/// Exercise 3. Shrinks by `lr · decay` what is worth shrinking: the weights of convolutions and of linear layers. Biases and
/// a norm's scale and shift stay as they are.
pub fn shrink(net: &mut Sequential<f32>, lr: f32, decay: f32) {
    Model::visit(net, &mut |_, slot| {
        if let Slot::Param(param) = slot
            && param.value.shape().rank() > 1
        {
            param.value.as_mut_slice().iter_mut().for_each(|w| *w *= 1.0 - lr * decay);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        Tensor,
        nn::{BatchNorm2d, Conv2d, Init, Layer, Linear, Param, Path},
        ops::cross_entropy::CrossEntropy,
        rng::Generator,
        train::optim::{Optimizer, Sgd},
    };

    #[test]
    fn the_crate_stands_where_nesterov_looks() {
        let slope = |w: f64| w + 0.3 * w.powi(3);
        let found = ahead(2.0, 60, 0.05, 0.9, slope);
        let mut w = Param::new(Tensor::full([1], 2.0));
        let mut sgd = Optimizer::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.0 });
        for (step, place) in found.iter().enumerate() {
            let here = w.value.as_slice()[0];
            assert!((place - here).abs() < 1e-12, "step {step}: {place} and {here}");
            w.grad = Tensor::full([1], slope(here));
            sgd.step(0.05, |each| each(&Path::root(), Slot::Param(&mut w)));
        }
        assert_eq!(found.len(), 60);
    }

    #[test]
    fn smoothing_is_the_crates() {
        for (scores, label, label_smoothing) in
            [([1.0, -2.0, 0.5], 0, 0.1), ([0.0, 900.0, 3.0], 2, 0.1), ([0.3, 0.2, 0.1], 1, 0.0)]
        {
            let (loss, slopes) = smoothed(&scores, label, label_smoothing);
            let crates = CrossEntropy { label_smoothing };
            let (expected, p) = crates.forward(&Tensor::from_vec([1, 3], scores.to_vec()), &[label]);
            assert!((loss - expected).abs() < 1e-12 * expected, "{loss} and {expected}");
            let expected = crates.backward(p, &[label]);
            for (a, b) in slopes.iter().zip(expected.as_slice()) {
                assert!((a - b).abs() < 1e-12, "{a} and {b}");
            }
        }
    }

    #[test]
    fn only_weights_shrink() {
        let rng = &mut Generator::new(14, 0);
        let mut net = Sequential::<f32>::new()
            .add("conv", Conv2d::new(2, 3, 3).init(Init::KaimingNormal, rng))
            .add("bn", BatchNorm2d::new(3))
            .add("fc", Linear::new(3, 4).init(Init::Default, rng));
        let values = |net: &mut Sequential<f32>| {
            let mut all = Vec::new();
            Layer::visit(net, &Path::root(), &mut |path, slot| {
                if let Slot::Param(param) = slot {
                    all.push((path.to_string(), param.value.clone()));
                }
            });
            all
        };
        let before = values(&mut net);
        shrink(&mut net, 0.5, 0.25);
        for ((name, before), (_, after)) in before.iter().zip(values(&mut net)) {
            let factor = if ["conv.weight", "fc.weight"].contains(&name.as_str()) { 0.875 } else { 1.0 };
            assert_eq!(after, before.map(|w| factor * w), "{name}");
        }
    }
}
