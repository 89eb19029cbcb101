//! Plain and residual networks of three depths: the experiment of the chapter, in two sizes.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        small::smaller,
        training::side_by_side,
    },
    record::{LONG, Record},
    training::{Kind, Recipe, Run, options, train},
};
use residual::{
    data::Dataset,
    models::{self, Model, Options, Shortcut},
    nn::Sequential,
};

/// In under a minute.
pub const SMALL: Recipe = Recipe { images: 1024, batch: 32, epochs: 6, lr: 0.02 };
/// In seconds.
const TINY: Recipe = Recipe { epochs: 4, ..SMALL };
pub const KINDS: [Kind; 2] = [Kind::Plain, Kind::Residual];
/// Each pixel is the mean of 4 by 4.
const SMALLER: usize = 4;

/// What a budget allows.
pub struct Plan {
    pub images: Dataset,
    pub recipe: Recipe,
    pub depths: &'static [usize],
    pub seeds: u64,
}

impl Plan {
    pub fn new(budget: Budget, source: &Dataset) -> Self {
        let (recipe, depths, seeds): (_, &[_], _) = match budget {
            Budget::Quick => (TINY, &[20, 56], 1),
            Budget::Standard => (SMALL, &[8, 20, 56], 3),
            Budget::Full => (LONG, &[8, 20, 56], 3),
        };
        Self { images: smaller(source, recipe.images, SMALLER), recipe, depths, seeds }
    }

    /// Every kind and depth from every seed, and those networks from the first seed.
    pub fn trainings(&self) -> (Vec<Run>, Vec<Trained>) {
        let kinds = || self.depths.iter().flat_map(|&depth| KINDS.map(|kind| (depth, kind)));
        let jobs: Vec<_> = (0..self.seeds).flat_map(|seed| kinds().map(move |job| (seed, job))).collect();
        let (mut runs, mut trained) = (Vec::new(), Vec::new());
        for (&(seed, (depth, kind)), (net, errors)) in
            jobs.iter().zip(side_by_side(&jobs, |job| self.train(job)))
        {
            runs.push(Run { kind, depth, seed, errors });
            if seed == 0 {
                trained.push(Trained { kind, depth, net });
            }
        }
        (runs, trained)
    }

    fn train(&self, &(seed, (depth, kind)): &(u64, (usize, Kind))) -> (Sequential<f32>, Vec<f64>) {
        train(kind, depth, &options(&self.images, seed), &self.images, self.recipe)
    }
}

/// A network at the end of its training.
pub struct Trained {
    pub kind: Kind,
    pub depth: usize,
    pub net: Sequential<f32>,
}

/// The mean error of the last epoch over seeds, in per cent.
pub fn mean(runs: &[Run], kind: Kind, depth: usize) -> f64 {
    let these = runs.iter().filter(|run| run.kind == kind && run.depth == depth);
    let (sum, count) = these.fold((0.0, 0), |(sum, count), run| (sum + run.last(), count + 1));
    100.0 * sum / f64::from(count)
}

/// The recorded experiment, and the same small enough to be run now.
pub fn run(report: &mut Report, plan: &Plan) -> (Vec<Run>, Vec<Trained>) {
    let record = Record::read();
    report.part("record", |report| {
        report.line(format!("{}, {}", record.date, record.machine));
        report_runs(report, &record.recipe, &record.runs);
    });
    report.figure("ch10-training", figure(&record.runs));
    let (runs, trained) = plan.trainings();
    report.part("small", |report| report_runs(report, &plan.recipe, &runs));
    for (runs, name) in [(&record.runs, "record"), (&runs, "small")] {
        for (kind, short) in [(Kind::Plain, "plain"), (Kind::Residual, "residual")] {
            for depth in [20, 56] {
                report.value(&format!("{name}_{short}_{depth}"), format!("≈{:.1}", mean(runs, kind, depth)));
            }
        }
    }
    conclude(report, &record.runs, &runs);
    (runs, trained)
}

fn report_runs(report: &mut Report, recipe: &Recipe, runs: &[Run]) {
    let Recipe { images, batch, epochs, lr } = recipe;
    report.line(format!("{images} images, {epochs} epochs in batches of {batch}, rate {lr}"));
    report.line("Training error of the last epoch, in per cent, from each seed");
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for run in runs {
        let name = format!("{} {}", run.kind.name(), run.depth);
        let cell = format!("≈{:.1}", 100.0 * run.last());
        match rows.iter_mut().find(|row| row.0 == name) {
            Some(row) => row.1.push(cell),
            None => rows.push((name, vec![cell])),
        }
    }
    let seeds: Vec<_> = (0..rows[0].1.len()).map(|seed| format!("seed {seed}")).collect();
    let header: Vec<_> = ["network"].into_iter().chain(seeds.iter().map(String::as_str)).collect();
    let rows: Vec<_> =
        rows.into_iter().map(|(name, cells)| [name].into_iter().chain(cells).collect()).collect();
    report.table(&header, &rows);
}

fn conclude(report: &mut Report, record: &[Run], runs: &[Run]) {
    let last = |runs: &[Run], kind, depth, seed| {
        let run = runs.iter().find(|run| (run.kind, run.depth, run.seed) == (kind, depth, seed));
        run.expect("such a run").last()
    };
    let seeds = |runs: &[Run]| 1 + runs.iter().map(|run| run.seed).max().unwrap_or(0);
    let degrades = |runs: &[Run], kind, margin: f64| {
        (0..seeds(runs)).all(|seed| last(runs, kind, 56, seed) > last(runs, kind, 20, seed) + margin)
    };
    let below_plain = |runs: &[Run]| {
        (0..seeds(runs)).all(|seed| last(runs, Kind::Residual, 56, seed) < last(runs, Kind::Plain, 20, seed))
    };
    report.claim(
        "recorded: from every seed, plain 56 ends far above plain 20",
        degrades(record, Kind::Plain, 0.1),
    );
    report.claim("recorded: from every seed, residual 56 ends below plain 20", below_plain(record));
    let excess = mean(record, Kind::Residual, 56) - mean(record, Kind::Residual, 20);
    report.value("record_excess", format!("≈{excess:.1}"));
    report.claim("recorded: residual 56 ends within half a point of residual 20", excess.abs() < 0.5);
    report.claim("now: from every seed, plain 56 ends far above plain 20", degrades(runs, Kind::Plain, 0.1));
    report.claim("now: from every seed, residual 56 ends below plain 20", below_plain(runs));
}

/// Training error over epochs, the mean over seeds.
fn figure(runs: &[Run]) -> String {
    let line = |(kind, depth, color): (Kind, usize, usize)| {
        let these: Vec<_> = runs.iter().filter(|run| run.kind == kind && run.depth == depth).collect();
        let mean = |epoch: usize| these.iter().map(|run| run.errors[epoch]).sum::<f64>() / these.len() as f64;
        Line {
            label: format!("{} {depth}", kind.name()),
            color,
            dashed: kind == Kind::Residual,
            points: (0..these[0].errors.len()).map(|e| ((e + 1) as f64, 100.0 * mean(e))).collect(),
        }
    };
    let lines = [
        (Kind::Plain, 8, 6),
        (Kind::Plain, 20, 1),
        (Kind::Plain, 56, 2),
        (Kind::Residual, 8, 6),
        (Kind::Residual, 20, 1),
        (Kind::Residual, 56, 2),
    ];
    Chart {
        title: "Training error over epochs: plain networks get worse with depth, residual ones do not".into(),
        x: Axis { label: "epoch", range: [1.0, LONG.epochs as f64], log: false },
        y: Axis { label: "training error, %", range: [0.0, 90.0], log: false },
        lines: lines.map(line).into(),
        label_width: 96.0,
    }
    .svg()
}

/// What the networks are made of, on these pictures and on CIFAR-10's.
pub fn report_sizes(report: &mut Report, images: &Dataset) {
    let [side, _, channels] = images.size();
    let options = options(images, 0);
    report.part("shapes", |report| {
        let outline = Model::outline(&models::resnet::<f32>(20, &options), [1, side, side, channels].into());
        let row = |child: &residual::nn::Outline| {
            let shape = match *child.output.dims() {
                [_, h, w, c] => format!("{c} x {h} x {w}"),
                ref dims => dims[1].to_string(),
            };
            vec![child.name.clone(), shape, child.parameters.to_string(), child.macs.to_string()]
        };
        let rows: Vec<_> =
            outline.children.iter().filter(|c| c.name != "flatten" && c.name != "relu").map(row).collect();
        report.line("ResNet-20 for one picture");
        report.table(&["layer", "C x H x W", "parameters", "MACs"], &rows);
    });
    report.part("sizes", |report| {
        let row = |&(depth, shortcut): &(usize, Shortcut)| {
            let size = |options: &Options| {
                let Options { input_size, in_channels, .. } = *options;
                let net = models::resnet::<f32>(depth, options);
                let outline = Model::outline(&net, [1, input_size, input_size, in_channels].into());
                (outline.parameters, outline.macs)
            };
            let bare = Options { shortcut, init: false, ..options };
            let cifar = Options { shortcut, init: false, ..Options::default() };
            let ((parameters, macs), (_, cifar_macs)) = (size(&bare), size(&cifar));
            let millions = |macs: u64| format!("{:.2} M", macs as f64 / 1e6);
            vec![
                format!("{depth}, {shortcut:?}"),
                parameters.to_string(),
                millions(macs),
                millions(cifar_macs),
            ]
        };
        let nets =
            [(8, Shortcut::A), (20, Shortcut::A), (20, Shortcut::B), (56, Shortcut::A), (56, Shortcut::B)];
        report.table(
            &["depth, shortcut", "parameters", "MACs, 7 x 7", "MACs, CIFAR-10"],
            &nets.iter().map(row).collect::<Vec<_>>(),
        );
    });
}

/// Residual 20 with shortcuts that have weights, against those without.
pub fn report_projection(report: &mut Report, plan: &Plan, runs: &[Run]) {
    let with_weights = |&seed: &u64| {
        let options = Options { shortcut: Shortcut::B, ..options(&plan.images, seed) };
        let (_, errors) = train(Kind::Residual, 20, &options, &plan.images, plan.recipe);
        errors.last().copied().unwrap_or(1.0)
    };
    let seeds: Vec<_> = (0..plan.seeds).collect();
    let b = 100.0 * side_by_side(&seeds, with_weights).iter().sum::<f64>() / plan.seeds as f64;
    let a = mean(runs, Kind::Residual, 20);
    report.part("projection", |report| {
        report.line(format!("Residual 20, training error: ≈{a:.1} % with shortcut A, ≈{b:.1} % with B"));
    });
    report.value("projection", format!("≈{b:.1}"));
    report.claim("B is within a factor of two of A", b < 2.0 * a && a < 2.0 * b);
}
