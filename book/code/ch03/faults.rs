//! Seven planted faults, and which test finds which.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    difference::{Coordinate, central, coordinates, relative_error},
    network::{Activation, Batch, FAULTS, Fault, NAMES, Network},
    pictures, steps,
};
use residual::{Tensor, data::Dataset};

const SEED: u64 = 3;
/// The step near which the chapter's first experiment finds the least error in f64.
const STEP: f64 = 1e-5;
/// Two gradients that differ by more are different.
const TOLERANCE: f64 = 1e-6;
const RATE: f32 = 0.1;

/// What each test says of one fault.
struct Verdict {
    name: &'static str,
    shapes: bool,
    /// The relative error of every parameter's gradient.
    errors: Vec<f64>,
    logits: bool,
    /// The training loss, step by step.
    losses: Vec<f64>,
    /// The loss after training on one batch.
    fits: f64,
    accuracy: f64,
}

impl Verdict {
    fn gradients(&self) -> bool {
        self.errors.iter().all(|&error| error < TOLERANCE)
    }

    /// By a fifth at least, from the first step to the last twenty.
    fn falls(&self) -> bool {
        mean(&self.losses[self.losses.len() - WINDOW..]) < 0.8 * self.losses[0]
    }

    fn fits(&self) -> bool {
        self.fits < 0.1
    }
}

/// Steps whose losses are averaged, for a calmer line.
const WINDOW: usize = 20;

fn mean(losses: &[f64]) -> f64 {
    losses.iter().sum::<f64>() / losses.len() as f64
}

/// All tests on all faults.
pub fn run(report: &mut Report, source: &Dataset) {
    let few = pictures::<f64>(source, 0, 4);
    let training: Vec<_> = (0..64).map(|i| pictures::<f32>(source, 32 * i, 32)).collect();
    let unseen = pictures::<f32>(source, 2048, 1000);
    let with_none = [(Fault::None, "none")];
    let verdicts: Vec<_> = (with_none.iter().chain(&FAULTS))
        .map(|&(fault, name)| {
            let (losses, accuracy) = train(fault, &training, &unseen);
            Verdict {
                name,
                shapes: shapes_agree(fault, &few),
                errors: gradient_errors(fault, &few),
                logits: logits_agree(fault, &few),
                losses,
                fits: fit_one_batch(fault, &pictures(source, 0, 16)),
                accuracy,
            }
        })
        .collect();
    report.part("accuracy", |report| report_accuracy(report, &verdicts));
    report.part("tests", |report| report_tests(report, &verdicts));
    report.part("places", |report| report_places(report, &verdicts));
    conclude(report, &verdicts);
    report.figure("ch03-training", figure(&verdicts));
}

fn figure(verdicts: &[Verdict]) -> String {
    let line = |v: &Verdict| {
        let windows = v.losses.chunks(WINDOW).enumerate();
        let points = windows.map(|(i, losses)| (((i + 1) * WINDOW) as f64, mean(losses))).collect();
        let (label, color) = match v.name {
            "none" => ("no fault", 1),
            "sum instead of mean" => ("a fault", 2),
            "N - 1 instead of N" => ("six faults", 6),
            _ => ("", 6),
        };
        Line { label: label.into(), color, dashed: false, points }
    };
    Chart {
        title:
            "Training loss over steps: one of eight networks fails, the other seven fall to the same level"
                .into(),
        x: Axis { label: "step", range: [0.0, 320.0], log: false },
        y: Axis { label: "training loss", range: [0.0, 3.0], log: false },
        // The sound network is drawn last, on top.
        lines: verdicts.iter().rev().map(line).collect(),
        label_width: 84.0,
    }
    .svg()
}

fn network<T: residual::Real>(fault: Fault) -> Network<T> {
    Network::new(SEED, Activation::Relu, fault)
}

fn shapes_agree(fault: Fault, batch: &Batch<f64>) -> bool {
    let network = network(fault);
    let gradients = network.gradients(batch).1;
    network.parameters.iter().zip(&gradients).all(|(p, g)| p.shape() == g.shape())
}

// ANCHOR: check
/// The relative error of every parameter's gradient against central differences.
fn gradient_errors(fault: Fault, batch: &Batch<f64>) -> Vec<f64> {
    let mut network = network(fault);
    let analytic = network.gradients(batch).1;
    let places = coordinates(&network, 7);
    let mut error_of = |tensor: usize| {
        let of_tensor: Vec<Coordinate> = places.iter().copied().filter(|&(t, _)| t == tensor).collect();
        let d: Vec<_> = of_tensor.iter().map(|&at| central(&mut network, batch, at, STEP)).collect();
        let a: Vec<_> = of_tensor.iter().map(|&(t, i)| analytic[t].as_slice()[i]).collect();
        relative_error(&d, &a)
    };
    (0..NAMES.len()).map(&mut error_of).collect()
}
// ANCHOR_END: check

/// The sound network stands for a reference, as PyTorch would.
fn logits_agree(fault: Fault, batch: &Batch<f64>) -> bool {
    let (ours, reference) = (network(fault).logits(batch), network(Fault::None).logits(batch));
    relative_error(ours.as_slice(), reference.as_slice()) < TOLERANCE
}

/// One step of gradient descent; the loss before it.
fn descend(network: &mut Network<f32>, batch: &Batch<f32>) -> f64 {
    let (loss, gradients) = network.gradients(batch);
    for (parameter, gradient) in network.parameters.iter_mut().zip(&gradients) {
        let pairs = parameter.as_mut_slice().iter_mut().zip(gradient.as_slice());
        pairs.for_each(|(p, g)| *p -= RATE * g);
    }
    f64::from(loss)
}

/// Five times through the batches: the losses, and the share of unseen pictures then named rightly.
fn train(fault: Fault, batches: &[Batch<f32>], unseen: &Batch<f32>) -> (Vec<f64>, f64) {
    let mut network = network(fault);
    let losses: Vec<_> = (0..5).flat_map(|_| batches).map(|batch| descend(&mut network, batch)).collect();
    let accuracy = accuracy(&network.logits(unseen), &unseen.labels);
    (losses, accuracy)
}

fn accuracy(logits: &Tensor<f32>, labels: &[usize]) -> f64 {
    let rows = logits.as_slice().chunks_exact(logits.shape().last()).zip(labels);
    let right = rows.filter(|(row, label)| row.iter().all(|z| *z <= row[**label])).count();
    right as f64 / labels.len() as f64
}

/// The loss after 600 steps on the same pictures.
fn fit_one_batch(fault: Fault, batch: &Batch<f32>) -> f64 {
    let mut network = network(fault);
    (0..600).map(|_| descend(&mut network, batch)).last().unwrap_or(f64::NAN)
}

/// Without names: the reader is to guess.
fn report_accuracy(report: &mut Report, verdicts: &[Verdict]) {
    // An order that gives nothing away.
    const ORDER: [usize; 8] = [3, 6, 1, 4, 0, 7, 2, 5];
    report.line("Unseen pictures named rightly");
    for (letter, position) in ('A'..).zip(ORDER) {
        report.line(format!("network {letter}  ~{:.1} %", 100.0 * verdicts[position].accuracy));
    }
}

fn report_tests(report: &mut Report, verdicts: &[Verdict]) {
    let word = |passes: bool| if passes { "passes" } else { "CAUGHT" }.to_string();
    report.line("What each test says of each fault");
    let rows = verdicts.iter().map(|v| {
        let words = [v.shapes, v.falls(), v.fits(), v.logits, v.gradients()].map(word);
        [v.name.to_string()]
            .into_iter()
            .chain(words)
            .chain([format!("~{:.1} %", 100.0 * v.accuracy)])
            .collect()
    });
    let header = ["fault", "shapes", "loss falls", "one batch", "logits", "gradients"];
    report.table(&header, &rows.collect::<Vec<_>>());
}

fn report_places(report: &mut Report, verdicts: &[Verdict]) {
    report.line("Relative error of each parameter's gradient");
    let rows = verdicts.iter().map(|v| {
        let cell = |&error: &f64| if error < TOLERANCE { "ok".into() } else { format!("~{error:.2}") };
        [v.name.to_string()].into_iter().chain(v.errors.iter().map(cell)).collect()
    });
    let short = NAMES.map(|name| name.replace(".weight", ".w").replace(".bias", ".b"));
    let header: Vec<_> = ["fault"].into_iter().chain(short.iter().map(String::as_str)).collect();
    report.table(&header, &rows.collect::<Vec<_>>());
}

/// What the chapter says about the tables.
fn conclude(report: &mut Report, verdicts: &[Verdict]) {
    let [sound, faulty @ .., other_variance] = verdicts else { unreachable!("seven faults and none") };
    let [.., unturned, summed, _, _] = faulty else { unreachable!("six faults") };
    let count = |test: &dyn Fn(&Verdict) -> bool| verdicts[1..].iter().filter(|v| !test(v)).count();
    let caught = [
        ("by_shapes", count(&|v| v.shapes)),
        ("by_falling", count(&|v| v.falls())),
        ("by_fitting", count(&|v| v.fits())),
        ("by_logits", count(&|v| v.logits)),
        ("by_gradients", count(&Verdict::gradients)),
    ];
    for (name, count) in caught {
        report.value(name, count);
    }
    let percent = |v: &Verdict| format!("~{:.1}", 100.0 * v.accuracy);
    report.value("sound_accuracy", percent(sound));
    report.value("unturned_accuracy", percent(unturned));
    let ours = sound.errors.iter().copied().fold(0.0, f64::max);
    let least = faulty.iter().flat_map(|v| &v.errors).copied().filter(|&e| e > TOLERANCE).fold(1.0, f64::min);
    report.value("sound_error", steps::power("≈", 0, ours));
    report.value("least_fault", format!("~{least:.2}"));
    report.value("summed_error", format!("{:.2}", summed.errors[0]));

    let passes = |v: &Verdict| v.shapes && v.falls() && v.fits() && v.logits && v.gradients();
    report.claim("the sound network passes every test", passes(sound));
    report.claim("gradient checks find all six wrong gradients", faulty.iter().all(|v| !v.gradients()));
    report.claim("shapes find nothing", verdicts.iter().all(|v| v.shapes));
    report.claim("logits find no wrong gradient", faulty.iter().all(|v| v.logits));
    report.claim(
        "only logits find the right derivative of the wrong function",
        !other_variance.logits
            && other_variance.gradients()
            && other_variance.falls()
            && other_variance.fits(),
    );
    let trains = |v: &&Verdict| v.name != summed.name;
    report.claim(
        "five of six wrong gradients train to within four points of the sound network, and fit a batch",
        faulty
            .iter()
            .filter(trains)
            .all(|v| v.falls() && v.fits() && (v.accuracy - sound.accuracy).abs() < 0.04),
    );
    report.claim("a summed loss is wrong by (N - 1) / (N + 1)", (summed.errors[0] - 0.6).abs() < 1e-6);
    let clear = ours < 1e-9 && least > 0.01;
    report.claim("right and wrong lie seven orders of magnitude apart", clear);
}
