//! Whole networks at full width, a step each: scores, loss, every parameter's gradient, statistics.
//!
//! Weights, images and labels come from the formula of `formula.rs`. Of every gradient the files
//! keep the norm, the product with a drawn direction, and 8 entries; all three are compared relative
//! to the gradient's norm (an entry: to the root mean square, or to the largest entry). A gradient a
//! thousand times smaller than the network's largest is compared relative to a thousandth of that:
//! a bias before a batch norm has the gradient 0, and only its rounding would be left to compare.
//!
//! A ReLU whose input f32 rounds to the other side of zero changes gradients by a hundredth and more.
//! So the images of each network (its setting `draw`) are some with which none does; a change in
//! the order of summation may ask for others. In f64 all draws agree to 1e-8.

use crate::{
    formula::{self, SUMMARY},
    golden::{Case, Golden},
    report::{Bound, Report, largest},
};
use residual::{
    Real, Tensor,
    models::{self, Options},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
};
use serde_json::Value;

const BOUND: Bound = Bound { f32: 1e-3, f64: 1e-8 };
const SCORES: Bound = Bound { f32: 1e-4, f64: 1e-10 };

#[test]
fn resnets_of_small_images_agree() {
    agree("resnets_cifar");
    agree("resnets_small");
}

#[test]
fn alexnets_agree() {
    agree("alexnets");
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

#[test]
fn resnets_agree() {
    agree("resnets");
}

#[test]
fn resnexts_and_wide_resnets_agree() {
    agree("resnexts");
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
        compare::<f32>(&case, &mut scores, &mut steps);
        compare::<f64>(&case, &mut scores, &mut steps);
    }
    scores.finish();
    steps.finish();
}

fn compare<T: Real>(case: &Case, scores: &mut Report, steps: &mut Report) {
    let count = |key| case.count(key).expect("a number");
    let (n, classes, in_channels, input_size) =
        (count("n"), count("classes"), count("in_channels"), count("input_size"));
    let options = Options { classes, in_channels, input_size, init: false, ..Options::default() };
    let mut model = models::build::<T>(case.name, &options).unwrap_or_else(|error| panic!("{error}"));
    formula::fill(&mut *model);
    let (images, labels) = (
        formula::images(count("draw"), [n, in_channels, input_size, input_size]),
        formula::labels(n, classes),
    );

    let row = |what| format!("{} {what}", case.name);
    scores.compare(&row("scores"), case, "eval_logits", &model.scores(images.clone()));
    let step = model.train_step(images, &labels, &CrossEntropy::default());
    steps.compare(&row("logits"), case, "train_logits", &step.logits);
    steps.compare(&row("loss"), case, "loss", &Tensor::full([], T::of(step.loss)));

    let (mut gradients, mut buffers) = (Summaries::default(), Summaries::default());
    model.visit(&mut |path, slot| match slot {
        Slot::Param(param) => gradients.add(path.to_string(), &param.grad),
        Slot::Buffer(buffer) => buffers.add(path.to_string(), buffer),
        Slot::Count(_) | Slot::Generator(_) => {}
    });
    gradients.compare::<T>(case, ["parameters", "gradients"], steps);
    buffers.compare::<T>(case, ["buffers", "buffers"], steps);
}

/// Names, lengths and summaries, in visiting order.
#[derive(Default)]
struct Summaries(Vec<(String, usize, [f64; SUMMARY])>);

impl Summaries {
    fn add<T: Real>(&mut self, name: String, tensor: &Tensor<T>) {
        let summary = formula::summary(&name, tensor);
        self.0.push((name, tensor.len(), summary));
    }

    /// The worst distance from the rows of PyTorch's tensor `key`, whose names are the setting `names`.
    fn compare<T: Real>(&self, case: &Case, [names, key]: [&str; 2], report: &mut Report) {
        let names: Vec<_> = case.setting(names).and_then(Value::as_array).expect("names").iter().collect();
        let found: Vec<_> = self.0.iter().map(|(name, ..)| name).collect();
        assert_eq!(found, names, "{}: PyTorch's names in PyTorch's order", case.name);
        if names.is_empty() {
            return;
        }
        let expected = case.tensor::<f64>(key);
        let rows = expected.as_slice().as_chunks::<SUMMARY>().0;
        let floor = 1e-3 * rows.iter().fold(0.0, |most: f64, row| row[0].max(most));
        let distances =
            self.0.iter().zip(rows).map(|((_, len, found), row)| distance(*len, found, row, floor));
        let (norms, entries): (Vec<_>, Vec<_>) = distances.unzip();
        let row = format!("{} {key}", case.name);
        report.record::<T>(&row, case, key, (largest(norms), largest(entries)));
    }
}

/// Of norm and product, relative to the norm; of entries, relative to their root mean square or the
/// largest of them.
fn distance(len: usize, a: &[f64; SUMMARY], b: &[f64; SUMMARY], floor: f64) -> (f64, f64) {
    let norm = b[0].max(floor);
    let apart = |range: std::ops::Range<usize>| largest(range.map(|i| (a[i] - b[i]).abs()));
    let entry = largest(b[2..].iter().map(|x| x.abs())).max(norm / (len as f64).sqrt());
    (apart(0..2) / norm, apart(2..SUMMARY) / entry)
}
