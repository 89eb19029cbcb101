//! A network that cannot learn eight images by heart learns nothing: each drives the loss of one
//! batch of noise to nearly zero.
//!
//! This is a test of the whole: initialisation, forward, backward, and that steps go downhill. It
//! forgives a gradient that is only about right; `tests/gradients` does not.

use residual::{
    Tensor,
    models::{self, Model, Options},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

const CLASSES: usize = 10;

/// One step of plain gradient descent; the gradients start over.
fn descend(model: &mut dyn Model<f32>, rate: f32) {
    model.visit(&mut |_, slot| {
        if let Slot::Param(param) = slot {
            let gradient = param.grad.as_mut_slice().iter_mut();
            for (value, gradient) in param.value.as_mut_slice().iter_mut().zip(gradient) {
                *value -= rate * std::mem::take(gradient);
            }
        }
    });
}

/// The loss of each step on one batch of eight images of noise.
fn losses(name: &str, input_size: usize, rate: f32, steps: usize) -> Vec<f64> {
    let options = Options { classes: CLASSES, in_channels: 1, input_size, ..Options::default() };
    let mut model = models::build(name, &options).expect("a known name");
    let mut rng = Generator::new(6, 0);
    let images = Tensor::from_fn([8, input_size, input_size, 1], |_| rng.normal() as f32);
    let labels: Vec<_> = (0..8).map(|i| (3 * i) % CLASSES).collect();
    let step = |_| {
        let loss = model.train_step(images.clone(), &labels, &CrossEntropy::default()).loss;
        descend(&mut *model, rate);
        loss
    };
    let losses: Vec<_> = (0..steps).map(step).collect();
    println!("{name}: {:.3} at first, {:.1e} after {steps} steps", losses[0], losses[steps - 1]);
    losses
}

/// Before learning, all classes are about equally likely: the loss is ln(10) = 2.303, give or take
/// `spread`. After `steps`, it is below 0.01.
fn overfits(name: &str, input_size: usize, rate: f32, steps: usize, spread: f64) {
    let losses = losses(name, input_size, rate, steps);
    let guess = (CLASSES as f64).ln();
    assert!((losses[0] - guess).abs() < spread, "{name} starts at {}, not at {guess}", losses[0]);
    assert!(losses[steps - 1] < 0.01, "{name} ends at {}", losses[steps - 1]);
}

#[test]
fn lenet5() {
    overfits("lenet5", 28, 0.1, 200, 0.1);
}

#[test]
fn resnet8() {
    overfits("resnet8", 16, 0.1, 300, 0.5);
}

#[test]
fn plain8() {
    overfits("plain8", 16, 0.1, 300, 0.5);
}
