//! How fast workers are: with slow lines against the model, and by what their processors did.

use super::{
    all_reduce,
    common::{
        Report,
        chart::{Axis, Chart, Line},
        record::Record,
    },
    cost,
    group::{self, Node, Wire},
    parallel::{exchange, learn, shard},
};
use residual::{
    Tensor,
    data::Batch,
    models::{Model, Options, resnet},
    rng::Generator,
    train::optim::{Optimizer, Sgd},
};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// Lines as between homes: a hundredth of a second for a message, and two million bytes a second.
const SLOW: Wire = Wire { alpha: 10e-3, beta: 0.5e-6 };
const NUMBERS: usize = 100_000;
/// Seconds that the whole batch takes one worker.
const ALONE: f64 = 8.0;
const WORKERS: [usize; 6] = [1, 2, 4, 8, 16, 32];

type AllReduce = fn(&mut Node<f32>, &mut [f32]);

// ANCHOR: slow_step
/// Seconds of a step of `k` workers with slow lines, from the first one's start to the last one's end. Each waits for a
/// device of its own as long as its shard takes.
fn slow_step(k: usize, alone: f64, all_reduce: AllReduce) -> f64 {
    let times = group::run(k, SLOW, |mut node| {
        let mut gradient = vec![1.0; NUMBERS];
        let start = Instant::now();
        thread::sleep(Duration::from_secs_f64(alone / k as f64));
        all_reduce(&mut node, &mut gradient);
        assert!(gradient.iter().all(|&sum| sum == k as f32));
        (start, Instant::now())
    });
    let first = times.iter().map(|&(start, _)| start).min();
    let last = times.iter().map(|&(_, end)| end).max();
    first.zip(last).map_or(0.0, |(first, last)| (last - first).as_secs_f64())
}
// ANCHOR_END: slow_step

/// Seconds that this thread's processor worked for it; where no one counts that, seconds since `start`.
fn busy(start: Instant) -> f64 {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = counted.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or(start.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Pictures of the step whose work is measured.
const BATCH: usize = 64;

// ANCHOR: busy
/// The most seconds that a worker's processor worked in a step of `k` workers, of five the least: ResNet-20 on 64
/// pictures, exchange and update.
fn busy_step(k: usize, batch: &Batch) -> f64 {
    let times = group::run(k, Wire::default(), |mut node| {
        let mut net = resnet(20, &Options::default());
        let mut sgd = Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() });
        let mut step = || {
            let (start, shard) = (Instant::now(), shard(batch, node.rank, k));
            let before = busy(start);
            learn(&mut net, shard);
            exchange(&mut node, &mut net);
            sgd.step(0.1, |each| Model::visit(&mut net, each));
            busy(start) - before
        };
        (0..5).map(|_| step()).fold(f64::INFINITY, f64::min)
    });
    times.into_iter().fold(0.0, f64::max)
}
// ANCHOR_END: busy

/// The rows of the record: workers, then seconds.
pub fn measure() -> Vec<(String, Vec<f64>)> {
    let best = |k, all_reduce| (0..2).map(|_| slow_step(k, ALONE, all_reduce)).fold(f64::INFINITY, f64::min);
    let rng = &mut Generator::new(16, 0);
    let batch = Batch {
        images: Tensor::from_fn([BATCH, 32, 32, 3], |_| rng.normal() as f32),
        labels: (0..BATCH).map(|i| i % 10).collect(),
    };
    let [ring, server] =
        [all_reduce::ring as AllReduce, all_reduce::server].map(|way| WORKERS.map(|k| best(k, way)).to_vec());
    eprintln!("slow lines: ring {ring:.3?}, server {server:.3?} s");
    let rows = [("ring", ring), ("server", server), ("busy", WORKERS.map(|k| busy_step(k, &batch)).to_vec())];
    rows.map(|(name, seconds)| (name.to_string(), seconds)).into()
}

/// What the record says, and that no step is faster than the model even here and now.
pub fn run(report: &mut Report, record: &Record) {
    let bytes = (NUMBERS * size_of::<f32>()) as f64;
    let model = |k: f64, by: fn(Wire, f64, f64) -> f64| cost::speed_up(ALONE, k, by(SLOW, k, bytes));
    let times = |name: &str| record.row(name).iter().map(|s| record.row(name)[0] / s).collect::<Vec<_>>();
    let [ring, server, busy] = ["ring", "server", "busy"].map(times);
    // What the work of 32 workers' processors leaves undivided, in parts of the whole.
    let serial = |k: f64, times: f64| (k / times - 1.0) / (k - 1.0);
    let s = serial(32.0, busy[5]);
    let amdahl = |k: f64| 1.0 / (s + (1.0 - s) / k);
    report.part("speed", |report| {
        report.line(record.origin());
        let row = |(i, k): (usize, &usize)| {
            let kf = *k as f64;
            let numbers =
                [ring[i], model(kf, cost::ring), server[i], model(kf, cost::server), busy[i], amdahl(kf)];
            [vec![k.to_string()], numbers.map(|times| format!("{times:.2}")).to_vec()].concat()
        };
        let header = ["workers", "ring", "model", "server", "model", "processors' work", "Amdahl"];
        report.table(&header, &WORKERS.iter().enumerate().map(row).collect::<Vec<_>>());
    });
    report.value("ring-16", format!("{:.1}", ring[4]));
    report.value("ring-32", format!("{:.1}", ring[5]));
    report.value("server-4", format!("{:.1}", server[2]));
    report.value("server-16", format!("{:.1}", server[4]));
    report.value("server-32", format!("{:.1}", server[5]));
    report.value("busy-2", format!("{:.2}", busy[1]));
    report.value("busy-16", format!("{:.1}", busy[4]));
    report.value("busy-32", format!("{:.1}", busy[5]));
    report.value("serial", format!("{:.1}", 100.0 * s));
    report.value("serial-limit", format!("{:.0}", 1.0 / s));
    let off = |times: &[f64], by: fn(Wire, f64, f64) -> f64| {
        let pairs = WORKERS.iter().zip(times).skip(1);
        pairs.map(|(&k, times)| (model(k as f64, by) / times - 1.0).abs()).fold(0.0, f64::max)
    };
    let worst = off(&ring, cost::ring).max(off(&server, cost::server));
    report.value("model-off", format!("{:.0}", 100.0 * worst));
    report.claim("the model foretells the recorded speed-up within a fifth", worst < 0.2);
    report.claim("32 workers with a server are slower than one", server[5] < 1.0);
    report.claim("no step is faster than the model, here and now", {
        let now = |all_reduce: AllReduce, by: fn(Wire, f64, f64) -> f64| {
            slow_step(4, 0.02, all_reduce) >= 0.02 / 4.0 + by(SLOW, 4.0, bytes)
        };
        now(all_reduce::ring, cost::ring) && now(all_reduce::server, cost::server)
    });
    let points = |times: &[f64]| WORKERS.iter().zip(times).map(|(&k, &t)| (k as f64, t)).collect::<Vec<_>>();
    let curve =
        |f: &dyn Fn(f64) -> f64| (10..=320).map(|i| i as f64 / 10.0).map(|k| (k, f(k))).collect::<Vec<_>>();
    let measured = |label: &str, color, times: &[f64]| Line {
        label: label.into(),
        color,
        dashed: false,
        points: points(times),
    };
    let modelled =
        |color, f: &dyn Fn(f64) -> f64| Line { label: String::new(), color, dashed: true, points: curve(f) };
    report.figure(
        "ch16-speed",
        Chart {
            title: "Speed-up against the number of workers: a ring rises to about seven and falls a little, a server falls \
                    below one; dashed the model"
                .into(),
            x: Axis { label: "workers K", range: [0.0, 32.0], log: false },
            y: Axis { label: "times as fast as one", range: [0.0, 8.0], log: false },
            lines: vec![
                measured("ring", 1, &ring),
                measured("server", 2, &server),
                modelled(1, &|k| model(k, cost::ring)),
                modelled(2, &|k| model(k, cost::server)),
                Line { label: String::new(), color: 6, dashed: true, points: vec![(0.0, 0.0), (8.0, 8.0)] },
            ],
            label_width: 80.0,
        }
        .svg(),
    );
}
