//! The two lives of a batch norm: by the statistics of a batch, and by running averages.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
        record::{Record, Run, mean},
        training::{self, Data, side_by_side},
    },
    network::{Descent, Kind},
};
use residual::{
    Tensor,
    data::{Dataset, Loader},
    models::Model,
    nn::{BatchNorm2d, Layer, Mode, Path, Sequential, Slot},
    ops::batch_norm,
    rng::Generator,
};

/// Steps at which a training is examined.
const STEPS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

// ANCHOR: left
/// What is left of the first running mean, 0, after each of `steps` batches whose mean is 4.
fn left(steps: usize) -> Vec<f64> {
    let mut norm = BatchNorm2d::<f64>::new(1);
    let after = (0..steps).map(|_| {
        norm.forward(Tensor::from_vec([4, 1], vec![1.0, 3.0, 5.0, 7.0]), Mode::Train);
        let mut running = 0.0;
        norm.visit(&Path::root(), &mut |path, slot| {
            if let Slot::Buffer(buffer) = slot
                && path.to_string() == "running_mean"
            {
                running = buffer.as_slice()[0];
            }
        });
        (4.0 - running) / 4.0
    });
    after.collect()
}
// ANCHOR_END: left

pub fn report_averages(report: &mut Report) {
    let left = left(100);
    let shown = [1, 5, 10, 22, 44, 100];
    report.part("averages", |report| {
        report.line("Of the first running mean, this part is left after so many steps");
        let row = |&k: &usize| vec![k.to_string(), format!("{:.6}", left[k - 1])];
        report.table(&["steps", "left"], &shown.iter().map(row).collect::<Vec<_>>());
    });
    report.value("left-10", format!("{:.0}", 100.0 * left[9]));
    report.value("left-22", format!("{:.0}", 100.0 * left[21]));
    report.value("left-44", format!("{:.0}", 100.0 * left[43]));
    report.claim("after k steps, 0.9^k of the first running mean is left", {
        left.iter().zip(1..).all(|(left, k)| (left - 0.9f64.powi(k)).abs() < 1e-12)
    });
    report_bias(report);
}

// ANCHOR: bias
/// For batches of `m` normal numbers, the mean of their variances, biased and unbiased: a channel is a batch.
fn variances(m: usize) -> [f64; 2] {
    const BATCHES: usize = 20_000;
    let rng = &mut Generator::new(9, m as u64);
    let x = Tensor::<f64>::from_fn([m, BATCHES], |_| rng.normal());
    let (one, zero) = (Tensor::full([BATCHES], 1.0), Tensor::zeros([BATCHES]));
    let (_, saved) = batch_norm::forward(x, &one, &zero, 0.0);
    let biased = mean(saved.var.as_slice());
    [biased, biased * m as f64 / (m - 1) as f64]
}
// ANCHOR_END: bias

fn report_bias(report: &mut Report) {
    let sizes = [2, 4, 8, 32];
    let found = sizes.map(variances);
    report.part("bias", |report| {
        report.line("Mean variance of 20,000 batches of m numbers whose variance is 1");
        let rows = sizes.iter().zip(&found).map(|(m, [biased, unbiased])| {
            vec![m.to_string(), format!("~{biased:.2}"), format!("~{unbiased:.2}")]
        });
        report.table(&["m", "biased", "unbiased"], &rows.collect::<Vec<_>>());
    });
    report.value("biased-2", format!("~{:.2}", found[0][0]));
    report.claim("the biased variance is (m - 1)/m on average, the unbiased one 1, within 3 %", {
        sizes.iter().zip(&found).all(|(&m, [biased, unbiased])| {
            (biased * m as f64 / (m - 1) as f64 - 1.0).abs() < 0.03 && (unbiased - 1.0).abs() < 0.03
        })
    });
}

// ANCHOR: by_batches
/// The part of `pictures` named rightly by the statistics of 250 at a time, in percent. Leaves the running
/// averages as they were.
pub fn accuracy_by_batches(net: &mut Sequential<f32>, pictures: &Dataset) -> f64 {
    let mut kept = Vec::new();
    Model::visit(net, &mut |_, slot| {
        if let Slot::Buffer(buffer) = slot {
            kept.push(buffer.clone());
        }
    });
    let mut right = 0;
    for batch in Loader::new(pictures, 250).epoch::<f32>(0) {
        let scores = net.forward(batch.images, Mode::Train);
        let rows = scores.as_slice().chunks(scores.shape().last()).zip(&batch.labels);
        right += rows.filter(|(row, label)| row.iter().all(|&score| score <= row[**label])).count();
    }
    let mut kept = kept.into_iter();
    Model::visit(net, &mut |_, slot| {
        if let Slot::Buffer(buffer) = slot {
            *buffer = kept.next().expect("as many as were kept");
        }
    });
    100.0 * right as f64 / pictures.len() as f64
}
// ANCHOR_END: by_batches

/// Learning rates of the trainings that are examined, each with its name.
const RATES: [(&str, f64); 2] = [("1/4", 0.25), ("2", 2.0)];

fn called(rate: &str, mode: &str, steps: usize) -> String {
    format!("rate {rate}, {mode}, {steps} steps")
}

/// Trains from so many seeds, and examines in both modes on the way.
pub fn runs(data: &Data, seeds: u64, most: usize) -> Vec<Run> {
    let jobs = RATES.iter().flat_map(|rate| (0..seeds).map(move |seed| (rate, seed)));
    let found = side_by_side(&jobs.collect::<Vec<_>>(), |&(&(name, rate), seed)| {
        let mut found = Vec::new();
        let mut net = Kind::Norm.network(seed);
        let of = |mode, steps, accuracy| Run { name: called(name, mode, steps), seed, loss: 0.0, accuracy };
        Descent::new(32, most, rate).run(&mut net, &data.seen, seed, |steps, net| {
            if STEPS.contains(&steps) {
                found.push(of("averages", steps, training::accuracy(net, &data.unseen)));
                found.push(of("batch", steps, accuracy_by_batches(net, &data.unseen)));
            }
        });
        settle(&mut net, &data.seen);
        found.push(of("settled", most, training::accuracy(&mut net, &data.unseen)));
        found
    });
    found.concat()
}

// ANCHOR: settle
/// Shows 44 more batches to the running averages, and learns nothing from them.
fn settle(net: &mut Sequential<f32>, seen: &Dataset) {
    let loader = Loader::new(seen, 32).shuffle(true).seed(9);
    for batch in loader.epoch::<f32>(0).take(44) {
        net.forward(batch.images, Mode::Train);
    }
}
// ANCHOR_END: settle

fn mean_of(record: &Record, rate: &str, mode: &str, steps: usize) -> f64 {
    mean(&record.accuracies(&called(rate, mode, steps)))
}

/// A row for each examination of `record`.
pub fn table(report: &mut Report, record: &Record, mark: &str) {
    let examined = STEPS.iter().filter(|&&steps| !record.accuracies(&called("2", "batch", steps)).is_empty());
    let rows = examined.map(|&steps| {
        let cells = RATES.map(|(rate, _)| {
            ["batch", "averages"].map(|mode| format!("{mark}{:.0}", mean_of(record, rate, mode, steps)))
        });
        let left = format!("{:.0}", 100.0 * 0.9f64.powi(steps as i32));
        [vec![steps.to_string(), left], cells.concat()].concat()
    });
    let header = ["steps", "% left", "1/4: by batch", "by averages", "2: by batch", "by averages"];
    report.table(&header, &rows.collect::<Vec<_>>());
}

pub fn report_recorded(report: &mut Report, record: &Record) {
    report.part("modes", |report| table(report, record, ""));
    let of = |rate, mode, steps| mean_of(record, rate, mode, steps);
    for (name, mean) in [
        ("fast-batch-16", of("2", "batch", 16)),
        ("fast-averages-16", of("2", "averages", 16)),
        ("slow-batch-256", of("1/4", "batch", 256)),
        ("slow-averages-256", of("1/4", "averages", 256)),
        ("fast-batch-256", of("2", "batch", 256)),
        ("fast-averages-256", of("2", "averages", 256)),
        ("fast-settled", of("2", "settled", 256)),
    ] {
        report.value(name, format!("{mean:.0}"));
    }
    report.claim("after 16 fast steps the batch's statistics name ten points more than the running ones", {
        of("2", "batch", 16) > of("2", "averages", 16) + 10.0
    });
    report.claim("at a high rate the averages stay behind, and settle when the weights hold still", {
        let [batch, averages, settled] = ["batch", "averages", "settled"].map(|mode| of("2", mode, 256));
        averages < batch - 4.0 && settled > averages + 4.0
    });
    report.figure("ch09-modes", figure(record));
}

fn figure(record: &Record) -> String {
    let line = |rate: &str, mode: &str, label: &str, color| Line {
        label: label.into(),
        color,
        dashed: mode == "averages",
        points: STEPS.map(|steps| (steps as f64, mean_of(record, rate, mode, steps))).to_vec(),
    };
    Chart {
        title: "Accuracy against steps at two rates: by the batch's statistics, and by running averages"
            .into(),
        x: Axis { label: "steps of training", range: [1.0, 256.0], log: true },
        y: Axis { label: "% of unseen pictures right", range: [0.0, 80.0], log: false },
        lines: vec![
            line("1/4", "batch", "1/4, batch", 1),
            line("1/4", "averages", "1/4, averages", 1),
            line("2", "batch", "2, batch", 2),
            line("2", "averages", "2, averages", 2),
        ],
        label_width: 104.0,
    }
    .svg()
}
