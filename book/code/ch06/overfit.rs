//! Dropout on and off, where pictures are few and where they are many.

use super::common::{
    Budget, Report,
    chart::{Axis, Chart, Line},
    record::{self, Record, Run},
    training::{accuracy, each, side_by_side},
};
use residual::{
    data::{Dataset, Loader},
    models::Model,
    nn::{Conv2d, Dropout, Flatten, Init, Linear, MaxPool2d, Relu, Sequential},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    train::{
        optim::{self, Optimizer, Sgd},
        schedule::{Schedule, Shape},
    },
};

/// How many pictures a network learns from, for how many times the usual steps, and with which probability its hidden
/// units are left out.
#[derive(Clone, Copy)]
struct Design {
    pictures: usize,
    times: usize,
    p: f64,
}

const FEW: usize = 500;
const MANY: usize = 8_000;
const OFF: Design = Design { pictures: FEW, times: 1, p: 0.0 };
const ON: Design = Design { p: 0.5, ..OFF };
const LONGER: Design = Design { times: 2, ..ON };
const OFF_MANY: Design = Design { pictures: MANY, ..OFF };
const ON_MANY: Design = Design { pictures: MANY, ..ON };
const ALL: [Design; 5] = [OFF, ON, LONGER, OFF_MANY, ON_MANY];

const BATCH: usize = 32;
/// How often a network is examined on the way.
const POINTS: usize = 15;
const SEEDS: u64 = 5;

/// What an examination of a network finds: loss and accuracy, on its own pictures and on unseen ones.
#[derive(Clone, Copy)]
struct Point {
    known: [f64; 2],
    unseen: [f64; 2],
}

/// What is asked of an examination.
type Quantity = fn(&Point) -> f64;

impl Design {
    fn name(self) -> String {
        let dropout = if self.p > 0.0 { "dropout" } else { "none" };
        let longer = if self.times > 1 { ", twice as long" } else { "" };
        format!("{}: {dropout}{longer}", self.pictures)
    }

    // ANCHOR: network
    /// Two convolutions, and AlexNet's end in small: two hidden layers, dropout behind each, as in the paper.
    fn network(self, seed: u64) -> Sequential<f32> {
        let rng = &mut Generator::new(seed, 0);
        let he = Init::KaimingNormal;
        let drop = |i: u64| Dropout::new(self.p, Generator::new(seed, i));
        let net = Sequential::new().push(Conv2d::new(1, 16, 5).padding(2).init(he, rng));
        let net = net.push(Relu::new()).push(MaxPool2d::new(3).stride(2));
        let net = net.push(Conv2d::new(16, 32, 3).padding(1).init(he, rng));
        let net = net.push(Relu::new()).push(MaxPool2d::new(3).stride(2)).push(Flatten::new());
        let net = net.push(Linear::new(32 * 2 * 2, 256).init(he, rng)).push(Relu::new()).push(drop(1));
        let net = net.push(Linear::new(256, 256).init(he, rng)).push(Relu::new()).push(drop(2));
        net.push(Linear::new(256, 10).init(Init::Default, rng))
    }
    // ANCHOR_END: network

    /// Trains it, and examines it on the way.
    fn learn(self, data: &Pictures, seed: u64) -> Vec<Point> {
        let mut net = self.network(seed);
        let seen = data.seen.select(0..self.pictures);
        let known = seen.select(0..FEW);
        let steps = (self.times * data.steps) as u64;
        let loader = Loader::new(&seen, BATCH).shuffle(true).drop_last(true).seed(seed);
        let schedule = Schedule { shape: Shape::Cosine, lr: 0.03, steps, warmup: steps / 20 };
        let mut sgd = Optimizer::new(Sgd { momentum: 0.9, weight_decay: 5e-4, ..Sgd::default() });
        let mut points = Vec::new();
        for (step, batch) in (1..=steps).zip((0..).flat_map(|epoch| loader.epoch::<f32>(epoch))) {
            optim::zero_grad(|each| Model::visit(&mut net, each));
            net.train_step(batch.images, &batch.labels, &CrossEntropy::default());
            sgd.step(schedule.rate(step - 1), |each| Model::visit(&mut net, each));
            if step % (steps / POINTS as u64) == 0 {
                let [known, unseen] =
                    [&known, &data.unseen].map(|set| [loss(&mut net, set), accuracy(&mut net, set)]);
                points.push(Point { known, unseen });
            }
        }
        points
    }
}

/// The mean loss on `pictures`, judging.
fn loss(net: &mut Sequential<f32>, pictures: &Dataset) -> f64 {
    let batches = Loader::new(pictures, 250).epoch::<f32>(0);
    let losses = batches.map(|batch| {
        let count = batch.labels.len() as f64;
        count * CrossEntropy::default().forward(&net.scores(batch.images), &batch.labels).0
    });
    losses.sum::<f64>() / pictures.len() as f64
}

/// What the networks learn from and are examined on.
pub struct Pictures {
    pub seen: Dataset,
    pub unseen: Dataset,
    pub steps: usize,
}

/// Every design from so many seeds: all examinations, seed by seed.
fn learned(data: &Pictures, designs: &[Design], seeds: u64) -> Vec<Vec<Vec<Point>>> {
    let all = side_by_side(&each(designs, seeds), |(design, seed)| design.learn(data, *seed));
    all.chunks(seeds as usize).map(<[Vec<Point>]>::to_vec).collect()
}

fn last(points: &[Point]) -> Point {
    points[points.len() - 1]
}

/// The small experiment, here and now.
pub fn run(budget: Budget, report: &mut Report, data: &Pictures) {
    let (designs, seeds) =
        if budget == Budget::Quick { (&[OFF, ON][..], 1) } else { (&[OFF, ON, OFF_MANY, ON_MANY][..], 2) };
    let all = learned(data, designs, seeds);
    let learns = all.iter().flatten().all(|points| last(points).unseen[1] > 20.0);
    report.part("dropped", |report| {
        report.line(format!(
            "{} steps of {BATCH} pictures; examined on {}; seeds: {seeds}",
            data.steps,
            data.unseen.len()
        ));
        let row = |(design, seeds): (&Design, &Vec<Vec<Point>>)| {
            let mean = |of: Quantity| record::mean(&seeds.iter().map(|p| of(&last(p))).collect::<Vec<_>>());
            let numbers = [mean(|p| p.known[0]), mean(|p| p.unseen[0])].map(|loss| format!("≈{loss:.3}"));
            let percents = [mean(|p| p.known[1]), mean(|p| p.unseen[1])].map(|right| format!("≈{right:.1}"));
            [vec![design.name()], numbers.to_vec(), percents.to_vec()].concat()
        };
        let rows: Vec<_> = designs.iter().zip(&all).map(row).collect();
        report.table(&HEADER[..5], &rows);
    });
    report.claim("with and without dropout, the small networks learn", learns);
}

const HEADER: [&str; 7] =
    ["pictures: dropout", "loss, own", "unseen", "% right, own", "unseen", "lowest", "highest"];

/// The long run: its trainings go into the record, with each design's mean way.
pub fn full(data: &Pictures, record: &mut Record) {
    for (design, seeds) in ALL.iter().zip(learned(data, &ALL, SEEDS)) {
        let name = design.name();
        let mean = |i: usize, of: Quantity| {
            record::mean(&seeds.iter().map(|points| of(&points[i])).collect::<Vec<_>>())
        };
        let ways: [(&str, Quantity); 4] = [
            ("own loss", |p| p.known[0]),
            ("unseen loss", |p| p.unseen[0]),
            ("own right", |p| p.known[1]),
            ("unseen right", |p| p.unseen[1]),
        ];
        for (what, of) in ways {
            record.rows.push((format!("{name}, {what}"), (0..POINTS).map(|i| mean(i, of)).collect()));
        }
        record.runs.extend(seeds.iter().zip(0..).map(|(points, seed)| {
            let Point { known, unseen } = last(points);
            Run { name: name.clone(), seed, loss: known[0], accuracy: unseen[1] }
        }));
    }
}

/// The last number of a row of the record.
fn end(record: &Record, design: Design, what: &str) -> f64 {
    record.row(&format!("{}, {what}", design.name()))[POINTS - 1]
}

/// What the long run found.
pub fn recorded(report: &mut Report, record: &Record) {
    report.part("recorded-dropout", |report| {
        report.line(record.origin());
        let row = |&design: &Design| {
            let (low, high) = record::ends(&record.accuracies(&design.name()));
            let losses = ["own loss", "unseen loss"].map(|what| format!("{:.3}", end(record, design, what)));
            let rights = [end(record, design, "own right"), end(record, design, "unseen right"), low, high];
            [vec![design.name()], losses.to_vec(), rights.map(|a| format!("{a:.1}")).to_vec()].concat()
        };
        report.table(&HEADER, &ALL.iter().map(row).collect::<Vec<_>>());
    });
    for (name, off, on) in [("few", OFF, ON), ("longer", OFF, LONGER), ("many", OFF_MANY, ON_MANY)] {
        let gains = record.gains(&off.name(), &on.name());
        report.value(&format!("gain-{name}"), format!("{:.2}", record::mean(&gains)).replace('-', "−"));
        report.value(&format!("error-{name}"), format!("{:.2}", record::standard_error(&gains)));
        report.value(&format!("for-{name}"), gains.iter().filter(|&&gain| gain > 0.0).count());
    }
    for (name, design) in [("off", OFF), ("on", ON), ("off-many", OFF_MANY), ("on-many", ON_MANY)] {
        report.value(&format!("own-{name}"), format!("{:.3}", end(record, design, "own loss")));
        report.value(&format!("unseen-{name}"), format!("{:.3}", end(record, design, "unseen loss")));
    }
    let [off, on] = [OFF, ON].map(|design| end(record, design, "unseen loss"));
    report.claim("from few pictures, dropout ends with the lower loss on unseen ones", on < off);
    report.figure("ch06-dropout", figure(record));
}

/// The loss on unseen pictures on the way.
fn figure(record: &Record) -> String {
    let line = |(label, design, color): (&str, Design, usize)| {
        let losses = record.row(&format!("{}, unseen loss", design.name()));
        let share = |i: usize| 100.0 * (i + 1) as f64 / POINTS as f64;
        Line {
            label: label.into(),
            color,
            dashed: false,
            points: losses.iter().enumerate().map(|(i, &loss)| (share(i), loss)).collect(),
        }
    };
    let designs = [
        ("500, none", OFF, 2),
        ("500, dropout", ON, 1),
        ("8,000, none", OFF_MANY, 4),
        ("8,000, dropout", ON_MANY, 3),
    ];
    let lines: Vec<_> = designs.into_iter().map(line).collect();
    let (_, high) = record::ends(&lines.iter().flat_map(|l| &l.points).map(|p| p.1).collect::<Vec<_>>());
    Chart {
        title: "Loss on unseen pictures while a network learns: from 500 pictures it rises without dropout"
            .into(),
        x: Axis { label: "% of the training", range: [0.0, 100.0], log: false },
        y: Axis { label: "loss on unseen pictures", range: [0.0, (5.0 * high).ceil() / 5.0], log: false },
        lines,
        label_width: 118.0,
    }
    .svg()
}
