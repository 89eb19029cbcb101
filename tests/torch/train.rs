//! Optimisers and schedules.
//!
//! Ten updates, each of some ten operations and of rounded constants, are off by about 10·u: 6e-7
//! in f32, 1e-15 in f64. A schedule's rates are compared after rounding to the precision at hand;
//! PyTorch computes some of them each from the one before, which adds up over 40 steps.

use crate::{
    golden::{Case, Golden},
    report::{Bound, Report},
};
use residual::{
    Real, Tensor,
    nn::{Param, Path, Slot},
    train::{
        optim::{Adam, AdamW, Optimizer, Rule, Sgd},
        schedule::{Schedule, Shape},
    },
};

/// The optimiser of a case, with PyTorch's defaults for what the case does not say.
pub fn rule(case: &Case) -> Rule {
    let number = |key, default| case.number(key).unwrap_or(default);
    let betas = |default: (f64, f64)| {
        let pair = case.setting("betas").and_then(|betas| Some((betas[0].as_f64()?, betas[1].as_f64()?)));
        pair.unwrap_or(default)
    };
    match case.setting("kind").and_then(|kind| kind.as_str()) {
        Some("SGD") => Rule::Sgd(Sgd {
            momentum: number("momentum", 0.0),
            nesterov: case.flag("nesterov").unwrap_or(false),
            weight_decay: number("weight_decay", 0.0),
        }),
        Some("Adam") => Rule::Adam(Adam {
            betas: betas((0.9, 0.999)),
            eps: number("eps", 1e-8),
            weight_decay: number("weight_decay", 0.0),
        }),
        Some("AdamW") => Rule::AdamW(AdamW {
            betas: betas((0.9, 0.999)),
            eps: number("eps", 1e-8),
            weight_decay: number("weight_decay", 1e-2),
        }),
        other => panic!("no optimiser {other:?}"),
    }
}

#[test]
fn optimisers_agree() {
    let mut report = Report::new("parameters", Bound { f32: 1e-6, f64: 2e-15 });
    for case in Golden::open("optimizer").cases() {
        optimise::<f32>(&case, &mut report);
        optimise::<f64>(&case, &mut report);
    }
    report.finish();
}

fn optimise<T: Real>(case: &Case, report: &mut Report) {
    let gradients = case.tensor::<T>("gradients");
    let mut param = Param::new(case.tensor("start"));
    let mut optimizer = Optimizer::new(rule(case));
    let lr = case.number("lr").expect("a learning rate");
    let mut after = Vec::new();
    for gradient in gradients.as_slice().chunks_exact(param.value.len()) {
        param.grad.as_mut_slice().copy_from_slice(gradient);
        optimizer.step(lr, |each| each(&Path::root().join("weight"), Slot::Param(&mut param)));
        after.extend_from_slice(param.value.as_slice());
    }
    report.compare(case.name, case, "after", &Tensor::from_vec(gradients.shape(), after));
}

#[test]
fn schedules_agree() {
    let mut report = Report::new("learning rates", Bound { f32: 1e-7, f64: 1e-14 });
    for case in Golden::open("schedule").cases() {
        let rates = rates(&case);
        report.compare(case.name, &case, "lr", &rates.cast::<f32>());
        report.compare(case.name, &case, "lr", &rates);
    }
    report.finish();
}

fn rates(case: &Case) -> Tensor<f64> {
    let list = |value: &serde_json::Value| serde_json::from_value(value.clone()).expect("numbers");
    let shape = match case.setting("shape").and_then(|shape| shape.as_str()) {
        Some("constant") => Shape::Constant,
        Some("step") => Shape::Step {
            milestones: case.setting("milestones").map(list).expect("milestones"),
            gamma: case.number("gamma").expect("gamma"),
        },
        Some("cosine") => Shape::Cosine,
        Some("one-cycle") => Shape::OneCycle,
        other => panic!("no schedule {other:?}"),
    };
    let count = |key| case.count(key).expect("a count");
    let (steps, warmup) = (count("steps"), count("warmup") as u64);
    let schedule = Schedule { shape, lr: case.number("lr").expect("lr"), steps: steps as u64, warmup };
    Tensor::from_fn([steps], |step| schedule.rate(step as u64))
}
