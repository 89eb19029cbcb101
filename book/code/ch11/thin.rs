//! Small networks of basic blocks and of bottlenecks, at several costs, each trained from several seeds.

use super::{
    blocks::Bodies,
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::{self, Record, Run},
        training::{Data, Recipe, each, side_by_side},
    },
    thousands,
};
use residual::{
    Shape,
    nn::{
        BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Layer, Linear, Outline, Relu, Residual, Sequential,
    },
    rng::Generator,
};
use std::time::Instant;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Basic,
    Bottleneck,
    /// A bottleneck whose last γ starts at zero.
    Closed,
}

/// Four blocks whose 3x3 convolutions have `width` channels.
#[derive(Clone, Copy)]
pub struct Design {
    pub kind: Kind,
    pub width: usize,
}

const fn widths(kind: Kind) -> [Design; 4] {
    [
        Design { kind, width: 8 },
        Design { kind, width: 12 },
        Design { kind, width: 16 },
        Design { kind, width: 24 },
    ]
}

const BASIC: [Design; 4] = widths(Kind::Basic);
const BOTTLENECK: [Design; 4] = widths(Kind::Bottleneck);
const CLOSED: Design = Design { kind: Kind::Closed, width: 16 };
const DESIGNS: [Design; 9] = {
    let ([a, b, c, d], [e, f, g, h]) = (BASIC, BOTTLENECK);
    [a, b, c, d, e, f, g, h, CLOSED]
};

impl Design {
    fn name(self) -> String {
        let kind = match self.kind {
            Kind::Basic => "basic",
            Kind::Bottleneck => "bottleneck",
            Kind::Closed => "bottleneck, γ = 0",
        };
        format!("{kind}, {}", self.width)
    }

    /// Between the blocks.
    fn channels(self) -> usize {
        if self.kind == Kind::Basic { self.width } else { 4 * self.width }
    }

    // ANCHOR: network
    /// A stem that cuts the picture into 49 patches of 4x4 pixels, four blocks, a classifier.
    pub fn network(self, seed: u64) -> Sequential<f32> {
        let n = self.channels();
        let zero_init = self.kind == Kind::Closed;
        let mut bodies = Bodies { zero_init, rng: Generator::new(seed, 0) };
        let patches = Conv2d::new(1, n, 4).stride(4).no_bias();
        let stem = Sequential::new()
            .add("conv1", patches.init(Init::KaimingNormal, &mut bodies.rng))
            .add("bn1", BatchNorm2d::new(n))
            .add("relu", Relu::new());
        let blocks = (0..4).fold(stem, |net, i| {
            let body = match self.kind {
                Kind::Basic => bodies.basic(n),
                _ => bodies.bottleneck(n, self.width),
            };
            net.add(format!("block{i}"), Residual::new(body))
        });
        blocks
            .add("avgpool", GlobalAvgPool::new())
            .add("flatten", Flatten::new())
            .add("fc", Linear::new(n, 10).init(Init::Default, &mut bodies.rng))
    }
    // ANCHOR_END: network

    fn outline(self) -> Outline {
        Layer::outline(&self.network(0), Shape::from([1, 28, 28, 1]))
    }

    fn train(self, data: &Data, seed: u64) -> Run {
        data.train(self.network(seed), self.name(), seed)
    }
}

/// The small experiment now, and the long one from its record.
pub fn run(budget: Budget, report: &mut Report) {
    report.part("thin", report_costs);
    let data = Data::of(budget, 500);
    match budget {
        Budget::Full => report.record = Some(full(&data)),
        Budget::Standard => trained(report, &data, &DESIGNS, 3),
        Budget::Quick => trained(report, &data, &[BASIC[0], BOTTLENECK[0]], 1),
    }
    if budget != Budget::Full {
        recorded(report, &Record::read("ch11"));
    }
}

fn report_costs(report: &mut Report) {
    let row = |design: &Design| {
        let Outline { parameters, macs, kept, .. } = design.outline();
        let numbers = [design.channels() as u64, parameters as u64, macs, kept as u64].map(thousands);
        [vec![design.name()], numbers.to_vec()].concat()
    };
    let rows: Vec<_> = BASIC.iter().chain(&BOTTLENECK).map(row).collect();
    report.table(&["network", "channels", "parameters", "MACs", "kept"], &rows);
    let dearer = BASIC.iter().zip(&BOTTLENECK).map(|(basic, bottleneck)| {
        (bottleneck.outline().macs as f64 / basic.outline().macs as f64 - 1.0).abs()
    });
    let most = dearer.fold(0.0, f64::max);
    report.value("apart", format!("{:.1}", 100.0 * most));
    report.claim("at equal width the small networks cost the same within 3 %", most < 0.03);
}

/// Trains designs from so many seeds, here and now.
fn trained(report: &mut Report, data: &Data, designs: &[Design], seeds: u64) {
    let runs = side_by_side(&each(designs, seeds), |(design, seed)| design.train(data, *seed));
    let learned = runs.iter().all(|run| run.accuracy > 20.0);
    let record = Record { runs, ..Record::default() };
    report.part("trained", |report| {
        let (Recipe { batch, steps, .. }, unseen) = (data.recipe, data.unseen.len());
        report.line(format!("{steps} steps of {batch} pictures, examined on {unseen}; seeds: {seeds}"));
        record.table(report, "network", &names(designs), "≈");
    });
    // Another processor rounds differently, and learns differently: these are no claims.
    let of = |design: Design| record.accuracies(&design.name());
    let quoted = [
        ("basic-16-best", record::ends(&of(BASIC[2])).1),
        ("bottleneck-16-worst", record::ends(&of(BOTTLENECK[2])).0),
        ("basic-24-worst", record::ends(&of(BASIC[3])).0),
        ("bottleneck-24-best", record::ends(&of(BOTTLENECK[3])).1),
        ("short-closed", record::mean(&of(CLOSED))),
        ("short-open", record::mean(&of(BOTTLENECK[2]))),
    ];
    for (name, accuracy) in quoted.into_iter().filter(|_| seeds > 1) {
        report.value(name, format!("≈{accuracy:.2}"));
    }
    report.claim("every small network learns", learned);
}

fn names(designs: &[Design]) -> Vec<String> {
    designs.iter().map(|design| design.name()).collect()
}

/// The long run.
fn full(data: &Data) -> Record {
    eprintln!("45 trainings: six minutes of processor time");
    let start = Instant::now();
    let runs = side_by_side(&each(&DESIGNS, 5), |(design, seed)| design.train(data, *seed));
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    Record::new("cargo run --release --example ch11_bottlenecks -- --full --write", minutes, runs)
}

/// What the long run found.
fn recorded(report: &mut Report, record: &Record) {
    report.part("full", |report| {
        report.line(record.origin());
        record.table(report, "network", &names(&DESIGNS), "");
    });
    report.figure("ch11-accuracy", figure(record));
    let mean = |design: Design| record::mean(&record.accuracies(&design.name()));
    for (name, design) in [
        ("basic-8", BASIC[0]),
        ("basic-16", BASIC[2]),
        ("basic-24", BASIC[3]),
        ("bottleneck-8", BOTTLENECK[0]),
        ("bottleneck-16", BOTTLENECK[2]),
        ("closed-16", CLOSED),
    ] {
        report.value(name, format!("{:.2}", mean(design)));
    }
    let dearer = BASIC[3].outline().macs as f64 / BOTTLENECK[0].outline().macs as f64;
    report.value("dearer", format!("{dearer:.1}"));
    for kind in [BASIC, BOTTLENECK] {
        report.claim("more width, more right, on the mean", kind.map(mean).is_sorted());
    }
    report_gains(report, record);
    let lost = record.gains(&CLOSED.name(), &BOTTLENECK[2].name());
    report.value("lost", format!("{:.2}", record::mean(&lost)));
    report.value("lost-error", format!("{:.2}", record::standard_error(&lost)));
    let losses = [CLOSED, BOTTLENECK[2]].map(|design| record::mean(&record.losses(&design.name())));
    report.claim("closed blocks fit their training pictures worse", losses[0] > losses[1] + 0.05);
    report.claim("closed blocks lose a point and more from every seed", lost.iter().all(|&lost| lost > 1.0));
}

/// Bottlenecks against basic blocks at equal cost, width by width and all together.
fn report_gains(report: &mut Report, record: &Record) {
    let all = [0, 1, 2, 3].map(|i| record.gains(&BASIC[i].name(), &BOTTLENECK[i].name()));
    let cells =
        |gains: &[f64]| [record::mean(gains), record::standard_error(gains)].map(|x| format!("{x:.2}"));
    report.part("gains", |report| {
        let rows = BASIC.iter().zip(&all);
        let rows: Vec<_> = rows
            .map(|(design, gains)| [vec![design.width.to_string()], cells(gains).to_vec()].concat())
            .collect();
        report.table(&["width", "gain", "standard error"], &rows);
    });
    let pooled = all.concat();
    let [gain, error] = cells(&pooled);
    report.value("gain", gain);
    report.value("gain-error", error);
    let none = |gains: &[f64]| record::mean(gains).abs() < 2.0 * record::standard_error(gains);
    report.claim("every width's gain is positive", all.iter().all(|gains| record::mean(gains) > 0.0));
    report.claim("at no width, nor over all, is the gain two standard errors", {
        all.iter().all(|gains| none(gains)) && none(&pooled)
    });
}

/// Accuracy against MACs: a tick for each seed, a line through the means.
fn figure(record: &Record) -> String {
    let mut lines = Vec::new();
    for (designs, label, color, side) in [(BASIC, "basic", 2, -0.06), (BOTTLENECK, "bottleneck", 1, 0.06)] {
        let accuracies = |design: &Design| record.accuracies(&design.name());
        let macs = |design: &Design| design.outline().macs as f64 / 1e6;
        for design in &designs {
            lines.extend(accuracies(design).into_iter().map(|a| Line {
                label: String::new(),
                color,
                dashed: false,
                points: [-0.03, 0.03].map(|half| (macs(design) + side + half, a)).into(),
            }));
        }
        let means = designs.iter().map(|design| (macs(design), record::mean(&accuracies(design))));
        lines.push(Line { label: label.into(), color, dashed: true, points: means.collect() });
    }
    let (low, high) =
        record::ends(&lines.iter().flat_map(|line| &line.points).map(|p| p.1).collect::<Vec<_>>());
    Chart {
        title:
            "Accuracy on unseen pictures against multiply-adds: basic blocks and bottlenecks, five seeds each"
                .into(),
        x: Axis { label: "million MACs for a picture", range: [0.0, 2.2], log: false },
        y: Axis {
            label: "% of unseen pictures right",
            range: [(low - 0.2).floor(), (high + 0.2).ceil()],
            log: false,
        },
        lines,
        label_width: 86.0,
    }
    .svg()
}
