//! Whole models from weights that PyTorch wrote: scores, loss, every gradient, running statistics,
//! and five training steps.
//!
//! Both models round some thousand times between an image and a gradient, and each layer passes on
//! the errors of those before it, a little magnified where batch norm divides. 1e-5 norm-wise in f32
//! is 170·u and leaves room for no wrong formula; 1e-12 in f64 is looser in u, and shows all the more
//! that what is left in f32 is rounding. After a step the errors are in the weights too, and Adam's
//! first steps hang on the sign of gradients that may be all rounding: losses get 1e-4 in f32.

use crate::{
    golden::{self, Case, Golden},
    report::{Bound, Report},
    train::rule,
};
use residual::{
    Real, Tensor, checkpoint,
    models::Model,
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
    train::optim::{Optimizer, zero_grad},
};
use std::collections::HashMap;

const STEP: Bound = Bound { f32: 1e-5, f64: 1e-12 };
const LOSSES: Bound = Bound { f32: 1e-4, f64: 1e-10 };

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
fn load<T: Real>(name: &str) -> Box<dyn Model<T>> {
    let mut model = todo!();
    let weights = golden::path(&format!("{name}_weights"));
    checkpoint::load(&weights, |each| model.visit(each)).unwrap_or_else(|error| panic!("{error}"));
    model
}

fn one_step<T: Real>(name: &str, case: &Case, report: &mut Report) {
    let mut model = load::<T>(name);
    report.tensor(case, "eval_logits", &model.scores(case.images("images")));
    let step = model.train_step(case.images("images"), &case.labels("labels"), &CrossEntropy::default());
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
    let (mut model, mut optimizer) = (load::<T>(name), Optimizer::new(rule(&case)));
    let losses = case.tensor::<T>("losses").map(|_: T| {
        zero_grad(|each| model.visit(each));
        let step = model.train_step(images.clone(), &labels, &CrossEntropy::default());
        optimizer.step(case.number("lr").expect("a learning rate"), |each| model.visit(each));
        T::of(step.loss)
    });
    report.compare(&format!("losses, {}", case.name), &case, "losses", &losses);
}
