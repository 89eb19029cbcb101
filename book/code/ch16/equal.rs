//! Whether the mean of the workers' gradients is the gradient of the batch, and what breaks it.

use super::{
    all_reduce::percent_apart,
    common::Report,
    group::{self, Node, Wire},
    parallel::{self, distance, exchange, gradient, learn, shard},
    scientific,
    sync_norm::SyncBatchNorm,
};
use residual::{
    Real, Tensor,
    data::{self, Batch, Loader},
    models::Model,
    nn::{BatchNorm2d, Conv2d, Dropout, Flatten, GlobalAvgPool, Init, Linear, Relu, Sequential},
    ops::conv2d::{self, Geometry},
    rng::Generator,
    train::optim::{Optimizer, Sgd},
};
use std::sync::{Arc, Mutex};

/// What stands behind each convolution, or before the classifier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Norm,
    Synced,
    /// Masks follow from a seed and from the worker's rank.
    Dropout(u64),
}

/// Pictures of a step.
const BATCH: usize = 64;
const CHANNELS: usize = 16;

/// 7x7 patches, two convolutions, an average, a classifier. All workers start with the same weights.
fn network<T: Real>(kind: Kind, rank: usize, node: &Arc<Mutex<Node<T>>>) -> Sequential<T> {
    let rng = &mut Generator::new(16, 0);
    let convs = [
        Conv2d::new(1, CHANNELS, 4).stride(4),
        Conv2d::new(CHANNELS, CHANNELS, 3).padding(1),
        Conv2d::new(CHANNELS, CHANNELS, 3).padding(1),
    ];
    let mut net = Sequential::new();
    for conv in convs {
        net = net.push(conv.no_bias().init(Init::KaimingNormal, rng));
        net = match kind {
            Kind::Norm => net.push(BatchNorm2d::new(CHANNELS)),
            Kind::Synced => net.push(SyncBatchNorm::new(CHANNELS, node.clone())),
            Kind::Plain | Kind::Dropout(_) => net,
        };
        net = net.push(Relu::new());
    }
    net = net.push(GlobalAvgPool::new()).push(Flatten::new());
    if let Kind::Dropout(seed) = kind {
        net = net.push(Dropout::new(0.5, Generator::new(seed, 1 + rank as u64)));
    }
    net.push(Linear::new(CHANNELS, 10).init(Init::Default, rng))
}

// ANCHOR: workers
/// The gradient with which each of `k` workers ends.
fn gradients<T: Real>(kind: Kind, k: usize, batch: &Batch<T>) -> Vec<Vec<T>> {
    group::run(k, Wire::default(), |node| {
        let rank = node.rank;
        let node = Arc::new(Mutex::new(node));
        let mut net = network(kind, rank, &node);
        learn(&mut net, shard(batch, rank, k));
        exchange(&mut node.lock().expect("no worker fails"), &mut net);
        gradient(&mut net)
    })
}
// ANCHOR_END: workers

/// The first batch of Fashion-MNIST.
fn batch<T: Real>() -> Batch<T> {
    let train = data::open("fashion-mnist").expect("the data set comes with the repository").train;
    Loader::new(&train, BATCH).epoch(0).next().expect("60,000 pictures")
}

const WORKERS: [usize; 4] = [2, 4, 8, 16];

/// How far the gradients of several workers lie from that of one.
fn distances<T: Real>(kind: Kind, batch: &Batch<T>) -> [f64; 4] {
    let one = gradients(kind, 1, batch).remove(0);
    WORKERS.map(|k| distance(&gradients(kind, k, batch)[0], &one))
}

pub fn run(report: &mut Report) {
    let (single, double) = (batch::<f32>(), batch::<f64>());
    let plain = distances(Kind::Plain, &single);
    let rows = [
        ("nothing, in f32", plain),
        ("nothing, in f64", distances(Kind::Plain, &double)),
        ("dropout", distances(Kind::Dropout(0), &double)),
        ("batch norm", distances(Kind::Norm, &double)),
        ("synchronised batch norm", distances(Kind::Synced, &double)),
    ];
    report.part("distances", |report| {
        let header = ["between the layers", "2 workers", "4", "8", "16"];
        let row = |(name, distances): &(&str, [f64; 4])| {
            [vec![name.to_string()], distances.map(|d| format!("≈{d:.1e}")).to_vec()].concat()
        };
        report.table(&header, &rows.iter().map(row).collect::<Vec<_>>());
    });
    let most = |i: usize| rows[i].1.iter().copied().fold(0.0, f64::max);
    report.value("plain-single", scientific(most(0)));
    report.value("plain-double", scientific(most(1)));
    report.value("synced-double", scientific(most(4)));
    report.value("norm-2", format!("~{:.0}", 100.0 * rows[3].1[0]));
    report.value("norm-16", format!("~{:.0}", 100.0 * rows[3].1[3]));
    report.value("dropout-4", format!("~{:.0}", 100.0 * rows[2].1[1]));
    report.claim("without batch statistics workers find the gradient of one, to rounding", {
        most(0) < 1e-6 && most(1) < 1e-14
    });
    report.claim("with the statistics of all workers too", most(4) < 1e-13);
    report.claim("with statistics of their own they find another", rows[3].1.iter().all(|&d| d > 0.05));
    report.claim("and the further, the smaller the shards", rows[3].1.is_sorted());
    report_bits(report, &single);
    report_shards(report, &double);
    let masks = [0, 1].map(|seed| gradients(Kind::Dropout(seed), 1, &double).remove(0));
    report.value("dropout-again", format!("~{:.0}", 100.0 * distance(&masks[1], &masks[0])));
    report_training(report);
}

fn report_bits(report: &mut Report, batch: &Batch<f32>) {
    let one = gradients(Kind::Plain, 1, batch).remove(0);
    let four = gradients(Kind::Plain, 4, batch);
    report.value("bits-apart", percent_apart(&four[0], &one));
    report.value("parameters", one.len());
    report.claim("all workers end with the same bits", four.iter().all(|each| *each == four[0]));
    // Whole numbers, small enough to be exact whichever way they are added.
    let whole = |shape: [usize; 4], k: usize| Tensor::from_fn(shape, |i| ((i * k) % 7) as f32 - 3.0);
    let part = |x: &Tensor<f32>, i: usize| {
        let [n, h, w, c] = x.dims();
        let len = x.len() / 4;
        Tensor::from_vec([n / 4, h, w, c], x.as_slice()[i * len..(i + 1) * len].to_vec())
    };
    let (x, dy) = (whole([32, 7, 7, CHANNELS], 31), whole([32, 7, 7, CHANNELS], 17));
    let grad = |x: &Tensor<f32>, dy: &Tensor<f32>| {
        conv2d::grad_weights(dy, x, [CHANNELS, CHANNELS, 5, 5].into(), Geometry::default().padding([2, 2]))
    };
    let mut sum = Tensor::zeros([CHANNELS, CHANNELS, 5, 5]);
    for i in 0..4 {
        let of_shard = grad(&part(&x, i), &part(&dy, i));
        sum.as_mut_slice().iter_mut().zip(of_shard.as_slice()).for_each(|(sum, &dw)| *sum += dw);
    }
    report.claim("on whole numbers a convolution's gradient is the shards' sum, bit for bit", {
        sum == grad(&x, &dy)
    });
}

/// A batch of 64 in shards of 40, 8, 8 and 8.
fn report_shards(report: &mut Report, batch: &Batch<f64>) {
    let ends = [0, 40, 48, 56, 64];
    let shards: Vec<_> = ends.windows(2).map(|ends| ends[0]..ends[1]).collect();
    let whole = gradients(Kind::Plain, 1, batch).remove(0);
    let mean = |weight: &dyn Fn(usize) -> f64| {
        let mut sum = vec![0.0; whole.len()];
        for range in &shards {
            let of_shard = gradients(Kind::Plain, 1, &parallel::pictures(batch, range.clone())).remove(0);
            sum.iter_mut().zip(of_shard).for_each(|(sum, g)| *sum += weight(range.len()) * g);
        }
        distance(&sum, &whole)
    };
    let (plain, weighted) = (mean(&|_| 0.25), mean(&|n| n as f64 / BATCH as f64));
    report.value("unequal", format!("~{:.0}", 100.0 * plain));
    report.value("weighted", scientific(weighted));
    report.claim("unequal shards need their weights", plain > 0.05 && weighted < 1e-14);
}

/// The weights after 20 steps of four workers, or one.
fn trained<T: Real>(kind: Kind, k: usize) -> Vec<T> {
    let train = data::open("fashion-mnist").expect("the data set comes with the repository").train;
    let all = group::run(k, Wire::default(), |node| {
        let rank = node.rank;
        let node = Arc::new(Mutex::new(node));
        let mut net = network(kind, rank, &node);
        let mut sgd = Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() });
        for batch in Loader::new(&train, BATCH).epoch(0).take(20) {
            learn(&mut net, shard(&batch, rank, k));
            exchange(&mut node.lock().expect("no worker fails"), &mut net);
            sgd.step(0.05, |each| Model::visit(&mut net, each));
        }
        parallel::weights(&mut net)
    });
    assert!(all.iter().all(|weights| *weights == all[0]), "all workers have the same weights for ever");
    all.into_iter().next().expect("one worker")
}

fn report_training(report: &mut Report) {
    let apart = |kind| distance(&trained::<f64>(kind, 4), &trained(kind, 1));
    let single = distance(&trained::<f32>(Kind::Plain, 4), &trained(Kind::Plain, 1));
    let [plain, norm, synced] = [Kind::Plain, Kind::Norm, Kind::Synced].map(apart);
    report.part("trained", |report| {
        let rows = [("nothing, in f64", plain), ("batch norm", norm), ("synchronised batch norm", synced)];
        let rows = rows.map(|(name, apart)| vec![name.into(), format!("≈{apart:.1e}")]);
        report.table(&["between the layers", "four workers' weights from one's"], &rows);
    });
    report.value("trained-double", scientific(plain));
    report.claim("after 20 steps four workers have the weights of one, to rounding", {
        plain < 1e-11 && single < 1e-3 && synced < 1e-9
    });
}
