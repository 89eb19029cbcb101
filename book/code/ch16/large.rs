//! Batches k times as large, in as many epochs: with the rate kept, times k, and after a warm-up.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::{self, Record, Run},
        training::{accuracy, side_by_side},
    },
    parallel::{each_param, pictures},
};
use residual::{
    data::{self, Batch, Dataset, Loader},
    models::Model,
    nn::{BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Linear, Relu, Sequential},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    train::{
        optim::{self, Optimizer, Sgd},
        schedule::{Schedule, Shape},
    },
};

/// Pictures of one worker in a step; every k workers make a batch of k shards.
const SHARD: usize = 8;
/// The rate that suits one worker: the best of 0.025, 0.05, 0.1 and 0.2 with one seed, by a little.
const RATE: f64 = 0.1;
const TIMES: [usize; 3] = [4, 16, 64];
const SEEDS: u64 = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// One worker's rate, however many there are.
    Kept,
    /// k times that, from the first step.
    Scaled,
    /// k times that, reached in the first eighth of the steps.
    WarmUp,
    /// The root of k times that, reached likewise.
    Root,
}

const RULES: [Rule; 4] = [Rule::Kept, Rule::Scaled, Rule::WarmUp, Rule::Root];

#[derive(Clone, Copy)]
struct Design {
    k: usize,
    rule: Rule,
}

impl Design {
    fn name(self) -> String {
        let rule = match self.rule {
            Rule::Kept => "rate kept",
            Rule::Scaled => "rate times k",
            Rule::WarmUp => "times k, warm-up",
            Rule::Root => "times √k, warm-up",
        };
        format!("{:>2} x {SHARD}, {rule}", self.k)
    }

    // ANCHOR: rate
    /// The rate of step `step` of `steps`: the warm-up leads from one worker's rate to that of k, half a cosine to 0.
    fn rate(self, step: u64, steps: u64) -> f64 {
        let k = self.k as f64;
        let (high, warmup) = match self.rule {
            Rule::Kept => (RATE, 0),
            Rule::Scaled => (RATE * k, 0),
            Rule::WarmUp => (RATE * k, steps / 8),
            Rule::Root => (RATE * k.sqrt(), steps / 8),
        };
        if step < warmup {
            return RATE + (high - RATE) * step as f64 / warmup as f64;
        }
        let cosine = Schedule { shape: Shape::Cosine, lr: high, steps: steps - warmup, warmup: 0 };
        cosine.rate(step - warmup)
    }
    // ANCHOR_END: rate
}

fn designs(times: &[usize]) -> Vec<Design> {
    let all = times.iter().flat_map(|&k| RULES.map(|rule| Design { k, rule }));
    [Design { k: 1, rule: Rule::Kept }].into_iter().chain(all).collect()
}

/// 7x7 patches, three convolutions with batch norm, an average, a classifier.
fn network(seed: u64) -> Sequential<f32> {
    const C: usize = 16;
    let rng = &mut Generator::new(seed, 16);
    let mut net = Sequential::new();
    for i in 0..4 {
        let conv = if i == 0 { Conv2d::new(1, C, 4).stride(4) } else { Conv2d::new(C, C, 3).padding(1) };
        net = net
            .push(conv.no_bias().init(Init::KaimingNormal, rng))
            .push(BatchNorm2d::new(C))
            .push(Relu::new());
    }
    net.push(GlobalAvgPool::new()).push(Flatten::new()).push(Linear::new(C, 10).init(Init::Default, rng))
}

// ANCHOR: big_step
/// What `k` workers do at once, one after the other: gradients add up. Batch norm sees one shard at a time.
fn big_step(net: &mut Sequential<f32>, batch: &Batch) -> f64 {
    let k = batch.labels.len() / SHARD;
    optim::zero_grad(|each| Model::visit(net, each));
    let mut loss = 0.0;
    for rank in 0..k {
        let shard = pictures(batch, rank * SHARD..(rank + 1) * SHARD);
        loss += net.train_step(shard.images, &shard.labels, &CrossEntropy::default()).loss;
    }
    each_param(net, |param| {
        param.grad.as_mut_slice().iter_mut().for_each(|grad| *grad /= k as f32);
    });
    loss / k as f64
}
// ANCHOR_END: big_step

/// What is trained on, how long, and what is examined on.
struct Data {
    seen: Dataset,
    unseen: Dataset,
    epochs: usize,
}

impl Data {
    fn of(pictures: usize, epochs: usize, unseen: usize) -> Self {
        let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
        Self { seen: sets.train.select(0..pictures), unseen: sets.test.select(0..unseen), epochs }
    }

    fn train(&self, design: Design, seed: u64) -> Run {
        let mut net = network(seed);
        let loader = Loader::new(&self.seen, SHARD * design.k).shuffle(true).drop_last(true).seed(seed);
        let steps = (self.epochs * loader.batches()) as u64;
        let rule = Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 };
        let mut sgd = Optimizer::new(rule);
        let batches = (0..self.epochs).flat_map(|epoch| loader.epoch::<f32>(epoch));
        let losses: Vec<_> = batches
            .zip(0..)
            .map(|(batch, step)| {
                let loss = big_step(&mut net, &batch);
                sgd.step(design.rate(step, steps), |each| Model::visit(&mut net, each));
                loss
            })
            .collect();
        let last = &losses[losses.len() - losses.len().div_ceil(8)..];
        let run = Run {
            name: design.name(),
            seed,
            loss: record::mean(last),
            accuracy: accuracy(&mut net, &self.unseen),
        };
        if self.epochs > 1 {
            eprintln!(
                "{}, seed {seed}: loss {:.3}, {:.2} % of unseen pictures",
                run.name, run.loss, run.accuracy
            );
        }
        run
    }
}

/// All designs from all seeds.
pub fn trainings() -> Vec<Run> {
    let data = Data::of(8192, 6, 5000);
    let jobs: Vec<_> =
        designs(&TIMES).into_iter().flat_map(|d| (0..SEEDS).map(move |seed| (d, seed))).collect();
    side_by_side(&jobs, |&(design, seed)| data.train(design, seed))
}

pub fn run(report: &mut Report, budget: Budget, record: &Record) {
    let (data, k) = match budget {
        Budget::Quick => (Data::of(1024, 1, 500), 4),
        _ => (Data::of(4096, 1, 2000), 16),
    };
    let few = designs(&[k]);
    let runs = side_by_side(&few, |&design| data.train(design, 0));
    report.claim("every small network learns something", runs.iter().all(|run| run.accuracy > 15.0));
    report.part("large-now", |report| {
        let names: Vec<_> = few.iter().map(|design| design.name()).collect();
        Record { runs, ..Record::default() }.table(report, "batch", &names, "≈");
    });
    recorded(report, record);
    // L = λ w² / 2 with ηλ = 0.05: what k steps leave of w, and what one of k times the rate does.
    let parabola = [4, 16, 64].map(|k| [0.95f64.powi(k), 1.0 - 0.05 * f64::from(k)]);
    report.claim("on a parabola the rule holds for 4, hardly for 16, and explodes for 64", {
        parabola
            .as_flattened()
            .iter()
            .zip([0.81, 0.80, 0.44, 0.20, 0.04, -2.2])
            .all(|(a, b)| (a - b).abs() < 0.006)
    });
}

fn recorded(report: &mut Report, record: &Record) {
    let all = designs(&TIMES);
    report.part("large", |report| {
        report.line(record.origin());
        let names: Vec<_> = all.iter().map(|design| design.name()).collect();
        record.table(report, "batch", &names, "");
    });
    let one = all[0].name();
    report.part("large-losses", |report| {
        let row = |&k: &usize| {
            let cell = |rule| {
                let gains = record.gains(&one, &Design { k, rule }.name());
                format!("{:.2} ± {:.2}", record::mean(&gains), record::standard_error(&gains))
            };
            [vec![format!("{} pictures", SHARD * k)], RULES.map(cell).to_vec()].concat()
        };
        let header = ["against 8 pictures", "rate kept", "times k", "times k, warm-up", "times √k, warm-up"];
        report.table(&header, &TIMES.iter().map(row).collect::<Vec<_>>());
    });
    report.value("accuracy-1", format!("{:.2}", record::mean(&record.accuracies(&one))));
    let gain = |k, rule| record::mean(&record.gains(&one, &Design { k, rule }.name()));
    for k in [16, 64] {
        for (name, rule) in ["kept", "scaled", "warm", "root"].into_iter().zip(RULES) {
            report.value(&format!("{name}-{k}"), format!("{:.2}", -gain(k, rule)));
        }
    }
    let most = RULES.iter().map(|&rule| gain(4, rule).abs()).fold(0.0, f64::max);
    report.value("most-4", format!("{most:.2}"));
    let lowest = |rule| record::ends(&record.accuracies(&Design { k: 64, rule }.name())).0;
    report.value("scaled-lowest", format!("{:.2}", lowest(Rule::Scaled)));
    report.value("warm-lowest", format!("{:.2}", lowest(Rule::WarmUp)));
    report.claim("a batch of four shards loses nothing that five seeds can see, by any rule", most < 0.3);
    report.claim(
        "with sixteen shards the rate times k is better than the rate kept, and a warm-up better still",
        {
            let [kept, scaled, warm] = [Rule::Kept, Rule::Scaled, Rule::WarmUp].map(|rule| gain(16, rule));
            kept < scaled - 1.0 && scaled < warm
        },
    );
    report.claim(
        "with 64 shards the rate times k ends by guessing from a seed, and a warm-up does not save it",
        [Rule::Scaled, Rule::WarmUp].map(lowest).iter().all(|&accuracy| accuracy < 15.0),
    );
    report.claim("with the rate kept, larger batches learn less in as many epochs", {
        TIMES.map(|k| gain(k, Rule::Kept)).is_sorted_by(|a, b| a > b)
    });
    report.claim("with 64 shards every rule loses more than two points", {
        RULES.iter().all(|&rule| gain(64, rule) < -2.0)
    });
    report.claim("with 64 shards the root of k does best", {
        RULES[..3].iter().all(|&rule| gain(64, rule) < gain(64, Rule::Root))
    });
    report.figure("ch16-large", figure(record));
}

/// A tick for each seed, lines through the means.
fn figure(record: &Record) -> String {
    let mut lines = Vec::new();
    let rules = [("rate kept", 2), ("times k", 4), ("and warm-up", 1), ("times √k", 3)];
    let all = record.runs.iter().map(|run| run.accuracy).collect::<Vec<_>>();
    for (rule, (label, color)) in RULES.into_iter().zip(rules) {
        let of =
            |k: usize| record.accuracies(&Design { k, rule: if k == 1 { Rule::Kept } else { rule } }.name());
        for k in TIMES {
            // Side by side, so that ticks of three rules do not hide each other.
            let at = (SHARD * k) as f64 * [0.92, 0.97, 1.03, 1.08][rule as usize];
            lines.extend(of(k).into_iter().map(|a| Line {
                label: String::new(),
                color,
                dashed: false,
                points: [0.98, 1.02].map(|part| (at * part, a)).into(),
            }));
        }
        let means = [1].iter().chain(&TIMES).map(|&k| ((SHARD * k) as f64, record::mean(&of(k)))).collect();
        lines.push(Line { label: label.into(), color, dashed: true, points: means });
    }
    let (low, high) = record::ends(&all);
    Chart {
        title: "Accuracy on unseen pictures against the batch, at the same number of epochs, for four rules of the \
                learning rate, five seeds each"
            .into(),
        x: Axis { label: "pictures of a batch: 8, 32, 128, 512", range: [6.0, 700.0], log: true },
        y: Axis { label: "% of unseen pictures right", range: [(low - 1.0).floor(), (high + 1.0).ceil()], log: false },
        lines,
        label_width: 110.0,
    }
    .svg()
}
