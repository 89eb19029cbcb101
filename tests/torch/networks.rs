//! Whole networks at full width, a step each: scores, loss, every parameter's gradient, statistics.
//!
//! Weights, images and labels come from the formula of `formula.rs`. Of every gradient the files
//! keep the norm, the product with a drawn direction, and 8 entries; all three are compared relative
//! to the gradient's norm (an entry: to the root mean square, or to the largest entry). A gradient a
//! thousand times smaller than the network's largest is compared relative to a thousandth of that:
//! a bias before a batch norm has the gradient 0, and only its rounding would be left to compare.
//!
//! A ReLU whose input f32 rounds to the other side of zero changes gradients by a hundredth and more,
//! and one in some million does. So gradients in f32 have up to [`DRAWS`] draws of images, of which one
//! must agree to 1e-3: a flip is the bad luck of a draw, a wrong formula is wrong in all. PyTorch's
//! gradients are those of the first; for the others they are residual's in f64, once these agree with
//! PyTorch to 1e-8 on the first.

use crate::{
    formula::{self, SUMMARY},
    golden::{Case, Golden},
    report::{Bound, Report, largest},
};
use residual::{
    Real, Tensor,
    models::{self, Options, Step},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
};
use serde_json::Value;

const BOUND: Bound = Bound { f32: 1e-3, f64: 1e-8 };
const SCORES: Bound = Bound { f32: 1e-4, f64: 1e-10 };

/// How often gradients in f32 may be tried.
const DRAWS: usize = 8;

#[test]
fn resnets_of_small_images_agree() {
    agree("resnets_cifar");
    agree("resnets_small");
}

#[test]
fn lenet5_of_colour_images_agrees() {
    agree("lenet5_colour");
}

#[test]
fn alexnets_agree() {
    agree("alexnets");
}

#[test]
fn googlenets_agree() {
    agree("googlenets");
}

#[test]
fn vgg_for_small_images_agrees() {
    agree_on("vggs", |name| name == "vgg16_cifar");
}

#[test]
#[ignore = "minutes and gigabytes: a hundred million weights in the first hidden layer alone"]
fn vggs_agree() {
    agree_on("vggs", |name| name != "vgg16_cifar");
}

#[test]
fn vggs_have_torchvisions_names() {
    for case in Golden::open("vggs").cases() {
        let options = Options { init: false, ..Options::default() };
        let mut names = Vec::new();
        models::build::<f32>(case.name, &options).expect("a known name").visit(&mut |path, slot| {
            if let Slot::Param(_) = slot {
                names.push(path.to_string());
            }
        });
        assert_eq!(serde_json::to_value(names).ok().as_ref(), case.setting("parameters"), "{}", case.name);
    }
}

/// One of basic blocks, one of bottlenecks, one with groups: the others repeat their blocks.
const EVERY_RUN: [&str; 3] = ["resnet18", "resnet50", "resnext50_32x4d"];

#[test]
fn resnets_agree() {
    agree_on("resnets", |name| EVERY_RUN.contains(&name));
    agree_on("resnexts", |name| EVERY_RUN.contains(&name));
}

#[test]
#[ignore = "minutes: a hundred layers, and a hundred million weights"]
fn deep_and_wide_resnets_agree() {
    agree_on("resnets", |name| !EVERY_RUN.contains(&name));
    agree_on("resnexts", |name| !EVERY_RUN.contains(&name));
}

/// Holds every network of a golden file to PyTorch.
fn agree(file: &'static str) {
    agree_on(file, |_| true);
}

/// Holds those networks of a golden file to PyTorch that `which` picks by name.
fn agree_on(file: &'static str, which: fn(&str) -> bool) {
    let golden = Golden::open(file);
    let (mut scores, mut steps) = (Report::new(file, SCORES), Report::new(file, BOUND));
    for case in golden.cases().filter(|case| which(case.name)) {
        let row = |what| format!("{} {what}", case.name);
        let double = compare::<f64>(&case, &mut scores, &mut steps);
        let rows = pytorch(&case, &double.gradients, ["parameters", "gradients"]);
        steps.record::<f64>(&row("gradients"), &case, "gradients", distances(&double.gradients, &rows));

        let single = compare::<f32>(&case, &mut scores, &mut steps);
        let mut best = distances(&single.gradients, &rows);
        for draw in (1..DRAWS).map(|i| first_draw(&case) + i) {
            if best.0.max(best.1) <= BOUND.f32 {
                break;
            }
            let (single, double) = (run::<f32>(&case, draw), run::<f64>(&case, draw));
            let rows: Vec<_> = double.gradients.0.iter().map(|(.., row)| *row).collect();
            let again = distances(&single.gradients, &rows);
            best = if again.0.max(again.1) < best.0.max(best.1) { again } else { best };
        }
        steps.record::<f32>(&row("gradients"), &case, "gradients", best);
    }
    scores.finish();
    steps.finish();
}

/// What is compared.
struct Outcome<T: Real> {
    scores: Tensor<T>,
    step: Step<T>,
    gradients: Summaries,
    buffers: Summaries,
}

fn first_draw(case: &Case) -> usize {
    case.count("draw").expect("a number")
}

/// Scores of fresh weights, then a training step.
fn run<T: Real>(case: &Case, draw: usize) -> Outcome<T> {
    let count = |key| case.count(key).expect("a number");
    let (n, classes, in_channels, input_size) =
        (count("n"), count("classes"), count("in_channels"), count("input_size"));
    let transform_input = case.flag("transform_input").unwrap_or_default();
    let options =
        Options { classes, in_channels, input_size, transform_input, init: false, ..Options::default() };
    let name = case.setting("model").and_then(Value::as_str).unwrap_or(case.name);
    let mut model = models::build::<T>(name, &options).unwrap_or_else(|error| panic!("{error}"));
    formula::fill(&mut *model, case.number("norm_bias").unwrap_or_default());
    let images = formula::images(draw, [n, in_channels, input_size, input_size]);
    let scores = model.scores(images.clone());
    let step = model.train_step(images, &formula::labels(n, classes), &CrossEntropy::default());
    let (mut gradients, mut buffers) = (Summaries::default(), Summaries::default());
    model.visit(&mut |path, slot| match slot {
        Slot::Param(param) => gradients.add(path.to_string(), &param.grad),
        Slot::Buffer(buffer) => buffers.add(path.to_string(), buffer),
        Slot::Count(_) | Slot::Generator(_) => {}
    });
    Outcome { scores, step, gradients, buffers }
}

/// Compares everything but the gradients, on the first draw.
fn compare<T: Real>(case: &Case, scores: &mut Report, steps: &mut Report) -> Outcome<T> {
    let outcome = run::<T>(case, first_draw(case));
    let row = |what| format!("{} {what}", case.name);
    scores.compare(&row("scores"), case, "eval_logits", &outcome.scores);
    steps.compare(&row("logits"), case, "train_logits", &outcome.step.logits);
    steps.compare(&row("loss"), case, "loss", &Tensor::full([], T::of(outcome.step.loss)));
    assert_eq!(outcome.step.auxiliary.len(), case.results(|key| key.starts_with("aux")).len(), "heads");
    for (logits, key) in outcome.step.auxiliary.iter().zip(["aux1", "aux2"]) {
        steps.compare(&row(key), case, key, logits);
    }
    let rows = pytorch(case, &outcome.buffers, ["buffers", "buffers"]);
    if !rows.is_empty() {
        steps.record::<T>(&row("buffers"), case, "buffers", distances(&outcome.buffers, &rows));
    }
    outcome
}

/// Names, lengths and summaries, in visiting order.
#[derive(Default)]
struct Summaries(Vec<(String, usize, [f64; SUMMARY])>);

impl Summaries {
    fn add<T: Real>(&mut self, name: String, tensor: &Tensor<T>) {
        let summary = formula::summary(&name, tensor);
        self.0.push((name, tensor.len(), summary));
    }
}

/// PyTorch's rows in the tensor `key`, whose names are the setting `names`.
fn pytorch(case: &Case, found: &Summaries, [names, key]: [&str; 2]) -> Vec<[f64; SUMMARY]> {
    let names: Vec<_> = case.setting(names).and_then(Value::as_array).expect("names").iter().collect();
    let found: Vec<_> = found.0.iter().map(|(name, ..)| name).collect();
    assert_eq!(found, names, "{}: PyTorch's names in PyTorch's order", case.name);
    if names.is_empty() { Vec::new() } else { case.tensor::<f64>(key).as_slice().as_chunks().0.to_vec() }
}

/// The worst distances from `rows`: of norms and products, and of entries.
fn distances(found: &Summaries, rows: &[[f64; SUMMARY]]) -> (f64, f64) {
    let floor = 1e-3 * rows.iter().fold(0.0, |most: f64, row| row[0].max(most));
    let apart = found.0.iter().zip(rows).map(|((_, len, found), row)| distance(*len, found, row, floor));
    let (norms, entries): (Vec<_>, Vec<_>) = apart.unzip();
    (largest(norms), largest(entries))
}

/// Of norm and product, relative to the norm; of entries, relative to their root mean square or the
/// largest of them.
fn distance(len: usize, a: &[f64; SUMMARY], b: &[f64; SUMMARY], floor: f64) -> (f64, f64) {
    let norm = b[0].max(floor);
    let apart = |range: std::ops::Range<usize>| largest(range.map(|i| (a[i] - b[i]).abs()));
    let entry = largest(b[2..].iter().map(|x| x.abs())).max(norm / (len as f64).sqrt());
    (apart(0..2) / norm, apart(2..SUMMARY) / entry)
}
