//! A deep plain network that is as good as a shallow one, made by hand: the layers too many do nothing.

use super::{
    common::Report,
    depths::Plan,
    training::{Kind, network, options, train},
};
use residual::{
    Tensor,
    models::Model,
    nn::{Path, Sequential, Slot},
    train::evaluate,
};
use std::{collections::BTreeMap, ops::ControlFlow};

const SHALLOW: usize = 8;
const DEEP: usize = 56;
/// What batch norm adds to the variance.
const EPS: f32 = 1e-5;

// ANCHOR: deepened
/// The plain network of `DEEP` layers that computes what `shallow` computes. The first block of each stage
/// is that of `shallow`; all others pass on what they get.
fn deepened(shallow: &mut Sequential<f32>, mut deep: Sequential<f32>) -> Sequential<f32> {
    let learned = tensors(shallow);
    Model::visit(&mut deep, &mut |path: &Path, slot: Slot<'_, f32>| {
        let name = path.to_string();
        let (Slot::Param(residual::nn::Param { value, .. }) | Slot::Buffer(value)) = slot else { return };
        match learned.get(&name) {
            Some(tensor) => *value = tensor.clone(),
            None if name.contains("conv") => *value = identity(value),
            // Normalising by mean 0 and variance 1 leaves a number as it is, but for ε.
            None if name.ends_with("weight") => value.as_mut_slice().fill((1.0 + EPS).sqrt()),
            None if name.ends_with("running_var") => value.as_mut_slice().fill(1.0),
            None => value.as_mut_slice().fill(0.0),
        }
    });
    deep
}

/// A kernel with a single 1, in the middle of its own channel.
fn identity(weight: &Tensor<f32>) -> Tensor<f32> {
    let [_, channels, kh, kw] = weight.dims();
    let taps = kh * kw;
    Tensor::from_fn(weight.shape(), |at| {
        let (to, from, tap) = (at / taps / channels, at / taps % channels, at % taps);
        if to == from && tap == taps / 2 { 1.0 } else { 0.0 }
    })
}
// ANCHOR_END: deepened

/// Every parameter and running statistic, by name.
fn tensors(net: &mut Sequential<f32>) -> BTreeMap<String, Tensor<f32>> {
    let mut found = BTreeMap::new();
    Model::visit(net, &mut |path: &Path, slot: Slot<'_, f32>| {
        if let Slot::Param(residual::nn::Param { value, .. }) | Slot::Buffer(value) = slot {
            found.insert(path.to_string(), value.clone());
        }
    });
    found
}

/// Trains the shallow one, deepens it, compares.
pub fn run(report: &mut Report, plan: &Plan) {
    let options = options(&plan.images, 0);
    let (mut shallow, _) = train(Kind::Plain, SHALLOW, &options, &plan.images, plan.recipe);
    let mut deep = deepened(&mut shallow, network(Kind::Plain, DEEP, &options));
    let error = |net: &mut Sequential<f32>| {
        let found = evaluate(net, &plan.images, 64, &mut |_| ControlFlow::Continue(()));
        100.0 * (1.0 - found.expect("nobody broke off").accuracy)
    };
    let (before, after) = (error(&mut shallow), error(&mut deep));
    report.part("identity", |report| {
        report.line(format!(
            "Plain {SHALLOW}, trained:           ≈{before:.1} % of its pictures named wrongly"
        ));
        report.line(format!("Plain {DEEP}, made out of it:  ≈{after:.1} %"));
    });
    report.value("made", format!("≈{after:.1}"));
    // Rounding may turn one answer in a thousand.
    report.claim("made deeper by identities, a network names the same", (before - after).abs() < 0.15);
}
