//! Small networks of equal cost and different cardinality, trained from several seeds.

use super::{
    common::{
        Budget, Report,
        record::{self, Record, Run},
        training::{Data, Recipe, each, side_by_side},
    },
    figures, thousands,
};
use residual::{
    Shape, Tensor,
    models::{
        Options,
        resnext_forms::{Cardinality, Form},
    },
    nn::{BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Layer, Linear, Mode, Outline, Relu, Sequential},
};
use std::time::Instant;

/// What enters and leaves every block.
const CHANNELS: usize = 64;

/// A small network: so many equal blocks.
#[derive(Clone, Copy)]
pub struct Design {
    pub paths: usize,
    pub width: usize,
    pub blocks: usize,
}

const fn design(paths: usize, width: usize) -> Design {
    Design { paths, width, blocks: 4 }
}

/// Equal cost, as near as whole channels allow.
pub const EQUAL: [Design; 5] = [design(1, 16), design(2, 10), design(4, 6), design(16, 2), design(32, 1)];
/// What doubles the cost of the first: blocks, width, or paths.
pub const DOUBLE: [Design; 3] = [Design { blocks: 8, ..design(1, 16) }, design(1, 25), design(64, 1)];
impl Design {
    pub fn name(self) -> String {
        let Self { paths, width, blocks } = self;
        format!("{blocks} blocks of {paths}x{width}d")
    }

    // ANCHOR: network
    /// A stem that cuts a picture of 28x28 into 49 patches of 4x4, the blocks, a classifier.
    pub fn network(self, seed: u64) -> Sequential<f32> {
        let measures = Cardinality { paths: self.paths, width: self.width, channels: CHANNELS };
        let part = |i: usize| Options { seed: 1000 * seed + i as u64, ..Options::default() };
        let patches = Conv2d::new(1, CHANNELS, 4).stride(4).no_bias();
        let stem = Sequential::new()
            .add("conv1", patches.init(Init::KaimingNormal, &mut part(0).weights()))
            .add("bn1", BatchNorm2d::new(CHANNELS))
            .add("relu", Relu::new());
        let blocks = (1..=self.blocks)
            .fold(stem, |net, i| net.add(format!("block{i}"), measures.block(Form::Grouped, &part(i))));
        blocks
            .add("avgpool", GlobalAvgPool::new())
            .add("flatten", Flatten::new())
            .add("fc", Linear::new(CHANNELS, 10).init(Init::Default, &mut part(100).weights()))
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
    report.part("thimble", report_costs);
    let data = Data::of(budget, 600);
    let record = match budget {
        Budget::Full => full(&data),
        Budget::Standard => {
            trained(report, &data, &[&[EQUAL[0], EQUAL[4]], &DOUBLE[..]].concat(), 3);
            Record::read("ch12")
        }
        Budget::Quick => {
            trained(report, &data, &[EQUAL[0], EQUAL[4]], 1);
            Record::read("ch12")
        }
    };
    if budget == Budget::Full {
        report.record = Some(record);
    } else {
        recorded(report, &record);
    }
}

/// What each design costs.
fn report_costs(report: &mut Report) {
    let first = EQUAL[0].outline();
    let all = EQUAL.iter().chain(&DOUBLE);
    let rows: Vec<_> = all
        .map(|design| {
            let outline = design.outline();
            let cells = [
                (design.paths * design.width).to_string(),
                thousands(outline.parameters as u64),
                thousands(outline.macs),
                format!("{:.2}", outline.macs as f64 / first.macs as f64),
                thousands(outline.kept as u64),
            ];
            [vec![design.name()], cells.to_vec()].concat()
        })
        .collect();
    report.table(&["network", "between", "parameters", "MACs", "relative", "kept"], &rows);
    let relative = |design: &Design| design.outline().macs as f64 / first.macs as f64;
    report.value("thimble-parameters", thousands(first.parameters as u64));
    report.value("thimble-macs", thousands(first.macs));
    report.value("sixteen-relative", &rows[3][4]);
    report.value("kept-one", &rows[0][5]);
    report.value("kept-many", &rows[4][5]);
    report.claim(
        "all but one of the small networks cost the same within 1 %",
        [0, 1, 2, 4].iter().all(|&i| (relative(&EQUAL[i]) - 1.0).abs() < 0.01),
    );
    report.claim(
        "the doubled ones cost the same within 4 %",
        DOUBLE.iter().all(|design| (relative(design) / relative(&DOUBLE[0]) - 1.0).abs() < 0.04),
    );
}

/// Trains designs from so many seeds, here and now.
fn trained(report: &mut Report, data: &Data, designs: &[Design], seeds: u64) {
    let runs = side_by_side(&each(designs, seeds), |(design, seed)| design.train(data, *seed));
    let record = Record { runs, ..Record::default() };
    report.part("trained", |report| {
        let Recipe { batch, steps, .. } = data.recipe;
        let unseen = data.unseen.len();
        report.line(format!(
            "{steps} steps of {batch} pictures, examined on {unseen}, seeds 0 to {}",
            seeds - 1
        ));
        table(report, &record, designs, "≈");
    });
    for (name, design) in ["deeper", "wider", "more"].iter().zip(&DOUBLE).filter(|_| designs.len() > 2) {
        report.value(name, format!("≈{:.2}", record::mean(&record.accuracies(&design.name()))));
    }
    let learned = record.runs.iter().all(|run| run.accuracy > 20.0);
    report.claim("every small network learns", learned);
}

/// A row for each design; numbers that another processor would change are marked.
fn table(report: &mut Report, record: &Record, designs: &[Design], mark: &str) {
    let row = |design: &Design| {
        let accuracies = record.accuracies(&design.name());
        let spread = if accuracies.len() > 1 {
            format!("{mark}{:.2}", record::deviation(&accuracies))
        } else {
            "-".into()
        };
        let (lowest, highest) = record::ends(&accuracies);
        let numbers = [record::mean(&accuracies), lowest, highest].map(|a| format!("{mark}{a:.2}"));
        let [mean, lowest, highest] = numbers;
        let loss = format!("{mark}{:.3}", record::mean(&record.losses(&design.name())));
        vec![design.name(), loss, mean, spread, lowest, highest]
    };
    let rows: Vec<_> = designs.iter().map(row).collect();
    report.table(&["network", "loss", "% right", "deviation", "lowest", "highest"], &rows);
}

/// Of the long run.
const SEEDS: u64 = 12;

/// The long run: every seed of each, and what a block's step takes.
fn full(data: &Data) -> Record {
    let jobs = each(&EQUAL, SEEDS);
    eprintln!("{} trainings: about eight minutes on two cores", jobs.len());
    let start = Instant::now();
    let runs = side_by_side(&jobs, |(design, seed)| design.train(data, *seed));
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let command = "cargo run --release --example ch12_cardinality -- --full --write";
    Record { times: times(), ..Record::new(command, minutes, runs) }
}

/// The shortest of thirty training steps of one block of ResNeXt-50's first stage, in milliseconds.
fn times() -> Vec<(String, f64)> {
    let x = Tensor::from_fn([1, 56, 56, 256], |i| (i as f32).sin());
    let mut times = Vec::new();
    let measures = Cardinality { paths: 32, width: 4, channels: 256 };
    for (name, form) in
        [("(a) split", Form::Split), ("(b) concatenated", Form::Concatenated), ("(c) grouped", Form::Grouped)]
    {
        let mut block = measures.block::<f32>(form, &Options::default());
        let mut step = || {
            let start = Instant::now();
            let y = block.forward(x.clone(), Mode::Train);
            block.backward(y);
            1000.0 * start.elapsed().as_secs_f64()
        };
        let shortest = (0..30).map(|_| step()).fold(f64::INFINITY, f64::min);
        times.push((name.to_string(), (10.0 * shortest).round() / 10.0));
    }
    times
}

/// What the long run found.
fn recorded(report: &mut Report, record: &Record) {
    report.part("full", |report| {
        report.line(record.origin());
        table(report, record, &EQUAL, "");
    });
    report.part("times", |report| {
        let rows: Vec<_> =
            record.times.iter().map(|(name, ms)| vec![name.clone(), format!("{ms:.1}")]).collect();
        report.table(&["form", "milliseconds"], &rows);
    });
    report.figure("ch12-cardinality", figures::cardinality(record, &EQUAL));
    equal_cost(report, record);
    let [split, concatenated, grouped] =
        ["(a) split", "(b) concatenated", "(c) grouped"].map(|form| record.time(form));
    report.value("time-split", format!("{split:.0}"));
    report.value("time-grouped", format!("{grouped:.0}"));
    report.value("times-slower", format!("{:.0}", split / grouped));
    report.claim(
        "the grouped form is three times as fast as the others",
        split.min(concatenated) > 3.0 * grouped,
    );
}

/// What a design gains over one path at the same price, seed by seed: the mean, and its standard error.
fn gain(record: &Record, design: Design, seeds: usize) -> (f64, f64) {
    let gains = record.gains(&EQUAL[0].name(), &design.name());
    let gains = &gains[..seeds.min(gains.len())];
    (record::mean(gains), record::standard_error(gains))
}

/// One path against 32 at the same price: in the record, in its first five seeds, and in an earlier record of these
/// five, made when the kernels rounded otherwise.
fn equal_cost(report: &mut Report, record: &Record) {
    let [one, many] = [EQUAL[0], EQUAL[4]].map(|design| record.accuracies(&design.name()));
    let first = Record::read("ch12-first");
    for (name, record, seeds) in
        [("gain", record, SEEDS as usize), ("five-gain", record, 5), ("first-gain", &first, 5)]
    {
        let (gain, error) = gain(record, EQUAL[4], seeds);
        report.value(name, format!("{gain:.2}"));
        report.value(&format!("{name}-error"), format!("{error:.2}"));
    }
    let ((_, highest), (lowest, _)) = (record::ends(&one), record::ends(&many));
    report.value("mean-one", format!("{:.2}", record::mean(&one)));
    report.value("mean-many", format!("{:.2}", record::mean(&many)));
    report.value("highest-one", format!("{highest:.2}"));
    report.value("lowest-many", format!("{lowest:.2}"));
    let small = |(gain, error): (f64, f64)| gain.abs() < 2.0 * error;
    let undecided = EQUAL[1..].iter().all(|&design| small(gain(record, design, SEEDS as usize)));
    report.claim("no cardinality is two standard errors from one path", undecided);
    let (first_gain, first_error) = gain(&first, EQUAL[4], 5);
    report.claim("five seeds once said more than three", first_gain > 3.0 * first_error);
}
