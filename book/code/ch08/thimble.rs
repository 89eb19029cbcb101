//! Small networks of one block's kind, each trained from several seeds: with 1x1 reductions, without, and without
//! branches.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::{self, Record},
        training::{Data, Recipe, each, side_by_side},
    },
    module::Making,
    thousands,
};
use residual::{
    Shape,
    nn::{
        BatchNorm2d, Concat, Conv2d, Flatten, GlobalAvgPool, Init, Layer, Linear, MaxPool2d, Outline, Relu,
        Sequential,
    },
    rng::Generator,
};
use std::time::Instant;

/// Two blocks between `width` channels.
#[derive(Clone, Copy)]
pub struct Design {
    pub name: &'static str,
    pub width: usize,
    /// As in table 1; 0 for what is left out.
    pub channels: [usize; 6],
}

const WITH: Design = Design { name: "with 1x1", width: 32, channels: [8, 8, 16, 4, 4, 4] };
const WITHOUT: Design = Design { name: "without", width: 32, channels: [8, 0, 16, 0, 4, 4] };
const NARROW: Design = Design { name: "without, narrow", width: 17, channels: [4, 0, 9, 0, 2, 2] };
const ALONE: Design = Design { name: "3x3 alone, with 1x1", width: 32, channels: [0, 7, 32, 0, 0, 0] };
const THREE: Design = Design { name: "3x3 alone, narrow", width: 16, channels: [0, 0, 16, 0, 0, 0] };
const DESIGNS: [Design; 5] = [WITH, WITHOUT, NARROW, ALONE, THREE];
/// Those of the long run.
const LONG: [Design; 3] = [WITH, WITHOUT, NARROW];

/// The rate at which all of them learn; chapter 7's.
const RATE: f64 = 0.1;
/// Seeds of the long run.
const SEEDS: u64 = 5;

impl Design {
    // ANCHOR: network
    /// A first layer that cuts the picture into 2x2 patches, two blocks with a pool between, a classifier.
    pub fn network(self, seed: u64) -> Sequential<f32> {
        let rng = &mut Generator::new(seed, 0);
        let n = self.width;
        let patches = Conv2d::new(1, n, 2).stride(2).no_bias().init(Init::KaimingNormal, rng);
        let net = Sequential::new().push(patches).push(BatchNorm2d::new(n)).push(Relu::new());
        let net = net.push(self.block(rng)).push(MaxPool2d::new(2)).push(self.block(rng));
        let classes = Linear::new(n, 10).init(Init::Default, rng);
        net.push(GlobalAvgPool::new()).push(Flatten::new()).push(classes)
    }

    fn block(self, rng: &mut Generator) -> Concat<f32> {
        let making = Making { norm: true, init: Init::KaimingNormal };
        let (n, [ones, reduce3, threes, reduce5, fives, pooled]) = (self.width, self.channels);
        let mut block = Concat::new();
        if ones > 0 {
            block = block.add("1x1", making.unit([n, ones], 1, rng));
        }
        for (by, to, kernel, name) in [(reduce3, threes, 3, "3x3"), (reduce5, fives, 5, "5x5")] {
            block = match (by, to) {
                (_, 0) => block,
                (0, _) => block.add(name, making.unit([n, to], kernel, rng)),
                _ => block.add(name, making.reduced([n, by, to], kernel, rng)),
            };
        }
        if pooled > 0 { block.add("pool", making.pooled([n, pooled], rng)) } else { block }
    }
    // ANCHOR_END: network

    fn outline(self) -> Outline {
        Layer::outline(&self.network(0), Shape::from([1, 28, 28, 1]))
    }

    /// Weights of a block's convolutions: its multiplications for one pixel.
    fn weights(self) -> u64 {
        let rng = &mut Generator::new(0, 0);
        Layer::outline(&self.block(rng), Shape::from([1, 7, 7, self.width])).macs / 49
    }
}

/// The small experiment now, and the long one from its record.
pub fn run(budget: Budget, report: &mut Report) {
    report.part("blocks", report_costs);
    let mut data = Data::of(budget, 400);
    data.recipe.rate = RATE;
    match budget {
        Budget::Full => report.record = Some(full(&data)),
        Budget::Standard => trained(report, &data, &DESIGNS, 2),
        Budget::Quick => trained(report, &data, &[WITH, NARROW], 1),
    }
    if budget != Budget::Full {
        recorded(report, &Record::read("ch08"));
    }
}

/// The long run.
fn full(data: &Data) -> Record {
    eprintln!("15 trainings: two minutes of processor time");
    let start = Instant::now();
    let runs = train(data, &LONG, SEEDS);
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    Record::new("cargo run --release --example ch08_googlenet -- --full --write", minutes, runs)
}

fn report_costs(report: &mut Report) {
    let row = |&design: &Design| {
        let Outline { parameters, macs, kept, .. } = design.outline();
        let numbers = [design.width as u64, design.weights(), parameters as u64, macs, kept as u64];
        [vec![design.name.to_string()], numbers.map(thousands).to_vec()].concat()
    };
    let rows: Vec<_> = DESIGNS.iter().map(row).collect();
    report.table(&["block", "channels", "weights of a block", "parameters", "MACs", "kept"], &rows);
    report.value("block-with", &rows[0][2]);
    report.value("kept-with", &rows[0][5]);
    report.value("kept-three", &rows[4][5]);
    report.value("block-without", &rows[1][2]);
    let price = WITH.weights() as f64;
    report.value("block-times", format!("{:.1}", WITHOUT.weights() as f64 / price));
    report.claim("three designs have the weights of a block with 1x1, within 4 %", {
        [NARROW, ALONE, THREE].iter().all(|design| (design.weights() as f64 / price - 1.0).abs() < 0.04)
    });
}

fn train(data: &Data, designs: &[Design], seeds: u64) -> Vec<record::Run> {
    side_by_side(&each(designs, seeds), |(design, seed)| {
        data.train(design.network(*seed), design.name.into(), *seed)
    })
}

/// Trains designs from so many seeds, here and now.
fn trained(report: &mut Report, data: &Data, designs: &[Design], seeds: u64) {
    let runs = train(data, designs, seeds);
    let learned = runs.iter().all(|run| run.accuracy > 20.0);
    let record = Record { runs, ..Record::default() };
    report.part("trained", |report| {
        let (Recipe { batch, steps, .. }, unseen) = (data.recipe, data.unseen.len());
        report.line(format!("{steps} steps of {batch} pictures, examined on {unseen}; seeds: {seeds}"));
        record.table(report, "block", &names(designs), "≈");
    });
    report.claim("every small network learns", learned);
}

fn names(designs: &[Design]) -> Vec<String> {
    designs.iter().map(|design| design.name.to_string()).collect()
}

/// What the long run found.
fn recorded(report: &mut Report, record: &Record) {
    report.part("full", |report| {
        report.line(record.origin());
        record.table(report, "block", &names(&LONG), "");
    });
    report.figure("ch08-blocks", figure(record));
    for (name, design) in [("with", WITH), ("without", WITHOUT), ("narrow", NARROW)] {
        report
            .value(&format!("full-{name}"), format!("{:.2}", record::mean(&record.accuracies(design.name))));
    }
    let pairs = [("without", WITHOUT), ("narrow", NARROW)];
    let gains = pairs.map(|(_, other)| record.gains(other.name, WITH.name));
    report.part("gains", |report| {
        let rows = pairs.iter().zip(&gains).map(|((_, other), gains)| {
            let (low, high) = gains.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &gain| {
                (low.min(gain), high.max(gain))
            });
            let name = format!("{} against {}", WITH.name, other.name);
            let numbers = [record::mean(gains), record::standard_error(gains), low, high];
            [vec![name], numbers.map(|x| format!("{x:.2}")).to_vec()].concat()
        });
        let header = ["blocks", "gain", "standard error", "lowest", "highest"];
        report.table(&header, &rows.collect::<Vec<_>>());
    });
    report.claim("with and without 1x1 are less than a point apart", record::mean(&gains[0]).abs() < 1.0);
    report.claim("at the price of a narrow block, 1x1 is better from every seed", {
        gains[1].iter().all(|&gain| gain > 0.0)
    });
    for ((name, _), gains) in pairs.iter().zip(&gains) {
        report.value(&format!("gain-{name}"), format!("{:.2}", record::mean(gains)));
        report.value(&format!("error-{name}"), format!("{:.2}", record::standard_error(gains)));
    }
}

/// Accuracy against weights: a tick for each seed, a dashed line at the mean.
fn figure(record: &Record) -> String {
    let mut lines = Vec::new();
    for (place, design) in LONG.iter().enumerate() {
        let x = (place + 1) as f64;
        let color = [1, 2, 4][place];
        let accuracies = record.accuracies(design.name);
        let level = |half: f64, a: f64| [-half, half].map(|half| (x + half, a)).to_vec();
        lines.extend(accuracies.iter().map(|&a| Line {
            label: String::new(),
            color,
            dashed: false,
            points: level(0.18, a),
        }));
        let label = format!("{}: {}", design.name, thousands(design.weights()));
        lines.push(Line { label, color, dashed: true, points: level(0.36, record::mean(&accuracies)) });
    }
    let (low, high) =
        record::ends(&lines.iter().flat_map(|line| &line.points).map(|p| p.1).collect::<Vec<_>>());
    Chart {
        title: "Accuracy on unseen pictures of three kinds of block, five seeds each".into(),
        x: Axis { label: "kind of block, in the order of the table", range: [0.5, 3.5], log: false },
        y: Axis {
            label: "% of unseen pictures right",
            range: [(low - 0.2).floor(), (high + 0.2).ceil()],
            log: false,
        },
        lines,
        label_width: 178.0,
    }
    .svg()
}
