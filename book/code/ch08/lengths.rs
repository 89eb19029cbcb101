//! What a module does to the length of a gradient, and what the auxiliary heads add in the paper's network.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record,
        training::side_by_side,
    },
    module::{Module, PLAIN, TABLE},
    starts::Start,
};
use residual::{
    Tensor,
    data::{self, Batch, Loader},
    models::{Model, Options, googlenet_paper},
    nn::{Layer, Mode, Path, Slot},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

const STARTS: [Start; 3] = [Start::FanOut, Start::FanIn, Start::Half];
/// Pictures of 28x28 become so many times as wide and high: the heads need 79.
const LARGER: usize = 3;
/// The places of figure 8.4, in the order of the network.
const PLACES: [&str; 12] = [
    "conv1",
    "conv2",
    "conv3",
    "inception3a",
    "inception3b",
    "inception4a",
    "inception4b",
    "inception4c",
    "inception4d",
    "inception4e",
    "inception5a",
    "inception5b",
];

pub fn run(budget: Budget, report: &mut Report) {
    report.part("factors", |report| report_factors(budget, report));
    report_heads(budget, report);
}

fn length(x: impl IntoIterator<Item = f32>) -> f64 {
    x.into_iter().map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

// ANCHOR: measured
/// How many times longer a gradient is in front of a new module than behind it.
fn measured(module: Module, start: Start, seed: u64) -> f64 {
    let rng = &mut Generator::new(seed, 0);
    let mut layers = PLAIN.with_reductions(module.from, module.channels, rng);
    layers.visit(&Path::root(), &mut |_, slot| start.resize(slot));
    let x = Tensor::from_fn([1, 14, 14, module.from], |_| rng.normal().max(0.0) as f32);
    let y = layers.forward(x, Mode::Train);
    let dy = Tensor::from_fn(y.shape(), |_| rng.normal() as f32);
    let behind = length(dy.as_slice().iter().copied());
    length(layers.backward(dy).as_slice().iter().copied()) / behind
}
// ANCHOR_END: measured

// ANCHOR: predicted
/// The same by theory.
fn predicted(module: Module, start: Start) -> f64 {
    let [ones, threes, fives, pooled] = module.written().map(|to| to as f64);
    let (from, to) = (module.from as f64, module.to() as f64);
    let squared = match start {
        Start::FanOut => 4.0 * from / to,
        Start::FanIn => 1.0,
        Start::Half => ((ones + pooled) / 2.0 + (threes + fives) / 4.0) / to,
    };
    squared.sqrt()
}
// ANCHOR_END: predicted

fn report_factors(budget: Budget, report: &mut Report) {
    let seeds = if budget == Budget::Quick { 1 } else { 2 };
    let modules = if budget == Budget::Quick { &TABLE[..2] } else { &TABLE[..] };
    let of = |module: Module, start| {
        let found: Vec<_> = (0..seeds).map(|seed| measured(module, start, seed)).collect();
        record::mean(&found)
    };
    let found = side_by_side(modules, |&module| STARTS.map(|start| of(module, start)));
    report.line("How many times longer a gradient is in front of a new module than behind it");
    let rows = modules.iter().zip(&found).map(|(&module, found)| {
        let cells = STARTS
            .iter()
            .zip(found)
            .flat_map(|(&start, found)| [format!("~{found:.2}"), format!("{:.2}", predicted(module, start))]);
        [vec![module.name.to_string()], cells.collect()].concat()
    });
    let header = ["module", "2/fan-out", "theory", "2/fan-in", "theory", "1/fan-in", "theory"];
    report.table(&header, &rows.collect::<Vec<_>>());
    let all = |start: Start| TABLE.iter().map(|&module| predicted(module, start)).product::<f64>();
    report.value("nine-out", format!("{:.0}", all(Start::FanOut)));
    report.value("nine-half", format!("{:.4}", all(Start::Half)));
    report.claim("the theory of a module's factor holds within 15 %", {
        modules.iter().zip(&found).all(|(&module, found)| {
            STARTS
                .iter()
                .zip(found)
                .all(|(&start, found)| (found / predicted(module, start) - 1.0).abs() < 0.15)
        })
    });
}

/// Fashion-MNIST, each pixel as a square of pixels.
fn pictures(count: usize) -> Batch<f32> {
    let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
    let batch: Batch<f32> = Loader::new(&sets.train, count).epoch(0).next().expect("pictures");
    let side = 28 * LARGER;
    let images = Tensor::from_fn([count, side, side, 1], |at| {
        let (n, row, col) = (at / (side * side), at / side % side, at % side);
        batch.images.as_slice()[n * 784 + row / LARGER * 28 + col / LARGER]
    });
    Batch { images, ..batch }
}

// ANCHOR: gradients
/// The gradient of every convolution's weights in the paper's network, before its first step.
fn gradients(start: Start, heads: bool, seed: u64, batch: &Batch<f32>) -> (f64, Vec<(String, Tensor<f32>)>) {
    let side = 28 * LARGER;
    let options = Options {
        classes: 1000,
        in_channels: 1,
        input_size: side,
        aux_logits: heads,
        seed,
        ..Options::default()
    };
    let mut net = googlenet_paper(&options);
    net.visit(&mut |_, slot| start.resize(slot));
    let step = net.train_step(batch.images.clone(), &batch.labels, &CrossEntropy::default());
    let mut found = Vec::new();
    net.visit(&mut |name, slot| match slot {
        Slot::Param(weights) if weights.value.shape().rank() == 4 => {
            found.push((name.to_string(), weights.grad.clone()));
        }
        _ => {}
    });
    (step.loss, found)
}
// ANCHOR_END: gradients

/// The loss at the end; and at each place: the length of the gradient from the end, of the one from the heads, and the cosine between them.
fn shares(start: Start, seed: u64, batch: &Batch<f32>) -> (f64, Vec<[f64; 3]>) {
    let [(loss, end), (_, both)] = [false, true].map(|heads| gradients(start, heads, seed, batch));
    let at = |place: &&str| {
        let of = |all: &[(String, Tensor<f32>)]| -> Vec<f32> {
            let here = all.iter().filter(|(name, _)| name.starts_with(&format!("{place}.")));
            here.flat_map(|(_, gradient)| gradient.as_slice().iter().copied()).collect()
        };
        let (end, both) = (of(&end), of(&both));
        let heads: Vec<_> = both.iter().zip(&end).map(|(both, end)| both - end).collect();
        let dot: f64 = end.iter().zip(&heads).map(|(a, b)| f64::from(a * b)).sum();
        let [end, heads] = [end, heads].map(length);
        [end, heads, if heads > 0.0 { dot / (end * heads) } else { 0.0 }]
    };
    (loss, PLACES.iter().map(at).collect())
}

/// The geometric mean of lengths, and the mean of cosines, over seeds.
fn over_seeds(start: Start, seeds: u64, batch: &Batch<f32>) -> (f64, Vec<[f64; 3]>) {
    let (losses, all): (Vec<_>, Vec<_>) = (0..seeds).map(|seed| shares(start, seed, batch)).unzip();
    let places = (0..PLACES.len())
        .map(|place| {
            let logs = |i: usize| all.iter().map(|one| one[place][i].max(1e-30).ln()).sum::<f64>();
            let cosines = all.iter().map(|one| one[place][2]).sum::<f64>();
            [(logs(0) / seeds as f64).exp(), (logs(1) / seeds as f64).exp(), cosines / seeds as f64]
        })
        .collect();
    (record::mean(&losses), places)
}

fn report_heads(budget: Budget, report: &mut Report) {
    let (seeds, count) = if budget == Budget::Quick { (1, 1) } else { (2, 4) };
    let batch = pictures(count);
    let (losses, found): (Vec<_>, Vec<_>) =
        side_by_side(&STARTS, |&start| over_seeds(start, seeds, &batch)).into_iter().unzip();
    report.part("heads", |report| {
        report.line(format!("Lengths of gradients of weights; pictures: {count}, seeds: {seeds}"));
        let rows = PLACES.iter().enumerate().map(|(place, name)| {
            let cells = found.iter().flat_map(|found| {
                let [end, heads, _] = found[place];
                let heads = if heads > 1e-12 { format!("≈{:.2}", heads / end) } else { "0".into() };
                [format!("≈{end:.1e}"), heads]
            });
            [vec![name.to_string()], cells.collect()].concat()
        });
        let header =
            ["weights of", "2/fan-out", "heads add", "2/fan-in", "heads add", "1/fan-in", "heads add"];
        report.table(&header, &rows.collect::<Vec<_>>());
    });
    for ((name, found), loss) in ["out", "in", "half"].into_iter().zip(&found).zip(losses) {
        let [end, heads, _] = found[0];
        report.value(&format!("loss-{name}"), format!("≈{loss:.1}"));
        report.value(&format!("adds-{name}"), format!("≈{:.2}", heads / end));
    }
    report.value("cosine-in", format!("≈{:.2}", found[1][0][2]));
    report.value("cosine-half", format!("≈{:.2}", found[2][0][2]));
    report.value("falls-half", format!("≈{:.2}", found[2][0][0] / found[2][11][0]));
    report.claim(
        "from 2/fan-out heads add less than a fifth of the first gradient, from 1/fan-in more than all",
        {
            let adds = |start: usize| found[start][0][1] / found[start][0][0];
            adds(0) < 0.2 && adds(2) > 1.0
        },
    );
    if budget != Budget::Quick {
        report.figure("ch08-lengths", figure(&found));
    }
}

fn figure(found: &[Vec<[f64; 3]>]) -> String {
    let line = |start: usize, part: usize| Line {
        label: format!("{}{}", STARTS[start].name(), if part == 0 { "" } else { ", heads" }),
        color: [2, 1, 3][start],
        dashed: part == 1,
        points: (0..12).map(|place| ((place + 1) as f64, found[start][place][part])).collect(),
    };
    Chart {
        title: "Length of the gradient at each place of the paper's network before training, from the end and from \
                the heads, for three starts"
            .into(),
        x: Axis { label: "place, from conv1 to inception5b", range: [1.0, 12.0], log: false },
        y: Axis { label: "length of the weights' gradient", range: [1e-3, 1e4], log: true },
        lines: (0..3).flat_map(|start| [line(start, 0), line(start, 1)]).collect(),
        label_width: 140.0,
    }
    .svg()
}
