//! Small networks of one large kernel or several small ones, each trained from several seeds.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::{self, Record},
        training::{Data, Recipe, each, side_by_side},
    },
    thousands,
};
use residual::{
    Shape,
    nn::{
        BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Layer, Linear, MaxPool2d, Outline, Relu,
        Sequential,
    },
    rng::Generator,
};
use std::time::Instant;

/// Two bodies of `depth` convolutions of `kernel` between `channels`.
#[derive(Clone, Copy)]
pub struct Design {
    pub kernel: usize,
    pub depth: usize,
    pub channels: usize,
    /// Whether a ReLU stands between the convolutions of a body. Behind the last one there always is one.
    pub bends: bool,
}

const SEVEN: Design = Design { kernel: 7, depth: 1, channels: 16, bends: true };
/// As many weights as three 3x3 of 16 channels.
const NARROW: Design = Design { channels: 12, ..SEVEN };
const THREE: Design = Design { kernel: 3, depth: 3, ..SEVEN };
const STRAIGHT: Design = Design { bends: false, ..THREE };
const FIVE: Design = Design { kernel: 5, ..SEVEN };
const TWO: Design = Design { depth: 2, ..THREE };
const ONE: Design = Design { depth: 1, ..THREE };
const DESIGNS: [Design; 7] = [SEVEN, NARROW, THREE, STRAIGHT, FIVE, TWO, ONE];

/// The rate at which all of them learn.
const RATE: f64 = 0.1;

impl Design {
    fn name(self) -> String {
        let Self { kernel, channels, .. } = self;
        let number = ["no", "one", "two", "three"][self.depth];
        let more = match (self.bends, channels) {
            (false, _) => ", no ReLU between".into(),
            (true, 16) => String::new(),
            (true, _) => format!(", {channels} channels"),
        };
        format!("{number} {kernel}x{kernel}{more}")
    }

    // ANCHOR: network
    /// A first layer that cuts the picture into 2x2 patches, two bodies with a pool between, a classifier.
    pub fn network(self, seed: u64) -> Sequential<f32> {
        let rng = &mut Generator::new(seed, 0);
        let n = self.channels;
        let patches = Conv2d::new(1, n, 2).stride(2).no_bias().init(Init::KaimingNormal, rng);
        let net = Sequential::new().push(patches).push(BatchNorm2d::new(n)).push(Relu::new());
        let net = self.body(net, rng).push(MaxPool2d::new(2));
        let classes = Linear::new(n, 10).init(Init::Default, rng);
        self.body(net, rng).push(GlobalAvgPool::new()).push(Flatten::new()).push(classes)
    }

    fn body(self, net: Sequential<f32>, rng: &mut Generator) -> Sequential<f32> {
        let Self { kernel, channels: n, .. } = self;
        (1..=self.depth).fold(net, |net, i| {
            let conv = Conv2d::new(n, n, kernel).padding(kernel / 2);
            let net = net.push(conv.no_bias().init(Init::KaimingNormal, rng)).push(BatchNorm2d::new(n));
            if self.bends || i == self.depth { net.push(Relu::new()) } else { net }
        })
    }
    // ANCHOR_END: network

    fn outline(self) -> Outline {
        Layer::outline(&self.network(0), Shape::from([1, 28, 28, 1]))
    }
}

/// The small experiment now, and the long one from its record.
pub fn run(budget: Budget, report: &mut Report) {
    report.part("stacks", report_costs);
    let mut data = Data::of(budget, 500);
    data.recipe.rate = RATE;
    match budget {
        Budget::Full => report.record = Some(full(&data)),
        Budget::Standard => trained(report, &data, &DESIGNS, 3),
        Budget::Quick => trained(report, &data, &[SEVEN, THREE], 1),
    }
    if budget != Budget::Full {
        recorded(report, &Record::read("ch07"));
    }
}

fn weights(Design { kernel, depth, channels, .. }: Design) -> usize {
    depth * kernel * kernel * channels * channels
}

fn report_costs(report: &mut Report) {
    let row = |&design: &Design| {
        let Outline { parameters, macs, kept, .. } = design.outline();
        let numbers = [weights(design) as u64, parameters as u64, macs, kept as u64].map(thousands);
        [vec![design.name()], numbers.to_vec()].concat()
    };
    let rows: Vec<_> = DESIGNS.iter().map(row).collect();
    report.table(&["body", "weights of a body", "parameters", "MACs", "kept"], &rows);
    report.value("seven-weights", &rows[0][1]);
    report.value("three-weights", &rows[2][1]);
    report.value("narrow-weights", &rows[1][1]);
    let macs = |design: Design| design.outline().macs as f64;
    report.value("times-macs", format!("{:.1}", macs(SEVEN) / macs(THREE)));
    let kept = |design: Design| design.outline().kept as f64;
    report.value("times-kept", format!("{:.1}", kept(THREE) / kept(SEVEN)));
    report.claim("49 C² against 27 C², 25 C² against 18 C²", {
        [SEVEN, THREE, FIVE, TWO].map(weights) == [49, 27, 25, 18].map(|times| times * 256)
    });
    report.claim("twelve channels of 7x7 have as many weights as three 3x3 of sixteen, within 3 %", {
        (weights(NARROW) as f64 / weights(THREE) as f64 - 1.0).abs() < 0.03
    });
}

/// Trains designs from so many seeds, here and now.
fn trained(report: &mut Report, data: &Data, designs: &[Design], seeds: u64) {
    let runs = side_by_side(&each(designs, seeds), |(design, seed)| {
        data.train(design.network(*seed), design.name(), *seed)
    });
    let learned = runs.iter().all(|run| run.accuracy > 20.0);
    let record = Record { runs, ..Record::default() };
    report.part("trained", |report| {
        let (Recipe { batch, steps, .. }, unseen) = (data.recipe, data.unseen.len());
        report.line(format!("{steps} steps of {batch} pictures, examined on {unseen}; seeds: {seeds}"));
        record.table(report, "body", &names(designs), "≈");
    });
    report.claim("every small network learns", learned);
}

fn names(designs: &[Design]) -> Vec<String> {
    designs.iter().map(|design| design.name()).collect()
}

/// The long run.
fn full(data: &Data) -> Record {
    eprintln!("35 trainings: ten minutes of processor time");
    let start = Instant::now();
    let runs = side_by_side(&each(&DESIGNS, 5), |(design, seed)| {
        data.train(design.network(*seed), design.name(), *seed)
    });
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    Record::new("cargo run --release --example ch07_vgg -- --full --write", minutes, runs)
}

/// What the long run found.
fn recorded(report: &mut Report, record: &Record) {
    report.part("full", |report| {
        report.line(record.origin());
        record.table(report, "body", &names(&DESIGNS), "");
    });
    report.figure("ch07-stacks", figure(record));
    let mean = |design: Design| record::mean(&record.accuracies(&design.name()));
    for (name, design) in [("seven", SEVEN), ("three", THREE), ("one", ONE)] {
        report.value(&format!("full-{name}"), format!("{:.2}", mean(design)));
    }
    report_gains(report, record);
}

/// Pairs of bodies, seed by seed.
fn report_gains(report: &mut Report, record: &Record) {
    let pairs = [
        ("seven", THREE, SEVEN),
        ("narrow", THREE, NARROW),
        ("straight", THREE, STRAIGHT),
        ("five", TWO, FIVE),
    ];
    let gains = pairs.map(|(_, a, b)| record.gains(&b.name(), &a.name()));
    report.part("gains", |report| {
        let rows = pairs.iter().zip(&gains).map(|((_, a, b), gains)| {
            let name = format!("{} against {}", a.name(), b.name());
            vec![name, format!("{:.2}", record::mean(gains)), format!("{:.2}", record::standard_error(gains))]
        });
        report.table(&["bodies", "gain", "standard error"], &rows.collect::<Vec<_>>());
    });
    let [_, _, straight, five] = &gains;
    report.claim("without ReLUs between, three 3x3 lose more than a point from every seed", {
        straight.iter().all(|&gain| gain > 1.0)
    });
    report.claim("two 3x3 are better than one 5x5 from every seed", five.iter().all(|&gain| gain > 0.0));
    report.claim("on the mean three 3x3 are not worse than one 7x7, wide or narrow", {
        gains[..2].iter().all(|gains| record::mean(gains) > 0.0)
    });
    for ((name, ..), gains) in pairs.iter().zip(&gains) {
        report.value(&format!("gain-{name}"), format!("{:.2}", record::mean(gains)));
        report.value(&format!("error-{name}"), format!("{:.2}", record::standard_error(gains)));
    }
}

/// Accuracy against weights: a tick for each seed, a line through the means.
fn figure(record: &Record) -> String {
    let mut lines = Vec::new();
    let accuracies = |design: &Design| record.accuracies(&design.name());
    let thousand = |design: &Design| weights(*design) as f64 / 1000.0;
    let series: [(&[Design], &str, usize); 4] = [
        (&[ONE, FIVE, SEVEN], "one kernel", 2),
        (&[TWO, THREE], "stacks", 1),
        (&[NARROW], "7x7, narrow", 4),
        (&[STRAIGHT], "no ReLU", 3),
    ];
    for (designs, label, color) in series {
        for design in designs {
            lines.extend(accuracies(design).into_iter().map(|a| Line {
                label: String::new(),
                color,
                dashed: false,
                points: [-0.12, 0.12].map(|half| (thousand(design) + half, a)).into(),
            }));
        }
        // The stacks start from the same single 3x3.
        let first = if label == "stacks" { Some(&ONE) } else { None };
        let means = first.into_iter().chain(designs).map(|d| (thousand(d), record::mean(&accuracies(d))));
        lines.push(Line { label: label.into(), color, dashed: true, points: means.collect() });
    }
    let (low, high) =
        record::ends(&lines.iter().flat_map(|line| &line.points).map(|p| p.1).collect::<Vec<_>>());
    Chart {
        title: "Accuracy on unseen pictures against the weights of a body: one large kernel or a stack of 3x3, five \
                seeds each"
            .into(),
        x: Axis { label: "thousand weights of a body", range: [0.0, 14.0], log: false },
        y: Axis {
            label: "% of unseen pictures right",
            range: [(low - 0.2).floor(), (high + 0.2).ceil()],
            log: false,
        },
        lines,
        label_width: 100.0,
    }
    .svg()
}
