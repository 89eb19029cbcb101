//! Whole models from weights that PyTorch wrote: scores, loss, every gradient, running statistics,
//! and five training steps.
//!
//! Between an image and a gradient lie some thousand roundings, and batch norm magnifies the errors
//! that it is handed. 1e-5 in f32 is 170·u; that it is rounding and no wrong formula is seen in f64,
//! where 1e-13 holds. Losses hang on the weights of all steps before: 1e-4 and 1e-12.
//!
//! Rounding could also carry a number over a kink, and its gradient with it. So the images are such
//! that no ReLU's input is within 5e-6 of zero and no pool's second within 2e-6 of its first, ten
//! times what f32 rounds there.

use crate::{
    golden::{self, Case, Golden},
    report::{Bound, Report},
    train::rule,
};
use residual::{
    Real, Tensor, checkpoint,
    models::{self, Model, Options},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
    train::optim::{Optimizer, zero_grad},
};
use std::collections::HashMap;

const STEP: Bound = Bound { f32: 1e-5, f64: 1e-13 };
const LOSSES: Bound = Bound { f32: 1e-4, f64: 1e-12 };

#[test]
fn lenet5_agrees() {
    agrees("lenet5");
}

#[test]
fn resnet8_agrees() {
    agrees("resnet8");
}

fn agrees(name: &'static str) {
    let golden = Golden::open(name);
    let mut step = Report::new(name, STEP);
    one_step::<f32>(name, &golden.case("step"), &mut step);
    one_step::<f64>(name, &golden.case("step"), &mut step);
    step.finish();

    let mut losses = Report::new(name, LOSSES);
    for optimizer in ["sgd", "adam", "adamw"] {
        five_steps::<f32>(name, &golden, optimizer, &mut losses);
        five_steps::<f64>(name, &golden, optimizer, &mut losses);
    }
    losses.finish();
}

/// The network with PyTorch's weights.
fn load<T: Real>(name: &str, images: &Tensor<T>) -> Box<dyn Model<T>> {
    let [_, size, _, channels] = images.dims();
    let options = Options { in_channels: channels, input_size: size, ..Options::default() };
    let mut model = models::build::<T>(name, &options).unwrap_or_else(|error| panic!("{error}"));
    let weights = golden::path(&format!("{name}_weights"));
    checkpoint::load(&weights, |each| model.visit(each)).unwrap_or_else(|error| panic!("{error}"));
    model
}

fn one_step<T: Real>(name: &str, case: &Case, report: &mut Report) {
    let images = case.images::<T>("images");
    let mut model = load(name, &images);
    report.tensor(case, "eval_logits", &model.scores(images.clone()));
    let step = model.train_step(images, &case.labels("labels"), &CrossEntropy::default());
    report.tensor(case, "train_logits", &step.logits);
    report.tensor(case, "loss", &Tensor::full([], T::of(step.loss)));

    let mut found = HashMap::new();
    model.visit(&mut |path, slot| {
        let (kind, tensor) = match slot {
            Slot::Param(param) => ("grad", param.grad.clone()),
            Slot::Buffer(buffer) => ("buffer", buffer.clone()),
            Slot::Count(count) => ("buffer", Tensor::full([], T::of(*count as f64))),
            Slot::Generator(_) => return,
        };
        found.insert(format!("{kind}/{path}"), tensor);
    });
    let expected = case.results(|key| key.contains('/'));
    assert_eq!(found.len(), expected.len(), "as many parameters and buffers as in PyTorch");
    for key in expected {
        report.tensor(case, key, &found[key]);
    }
}

fn five_steps<T: Real>(name: &str, golden: &Golden, optimizer: &str, report: &mut Report) {
    let (batch, case) = (golden.case("step"), golden.case(optimizer));
    let (images, labels) = (batch.images::<T>("images"), batch.labels("labels"));
    let (mut model, mut optimizer) = (load(name, &images), Optimizer::new(rule(&case)));
    let losses = case.tensor::<T>("losses").map(|_: T| {
        zero_grad(|each| model.visit(each));
        let step = model.train_step(images.clone(), &labels, &CrossEntropy::default());
        optimizer.step(case.number("lr").expect("a learning rate"), |each| model.visit(each));
        T::of(step.loss)
    });
    report.compare(&format!("losses, {}", case.name), &case, "losses", &losses);
}
