//! Whole networks: a training step, which is forward, loss, backward and SGD with momentum, and inference.
//!
//! `cargo bench --bench training_step` measures both on one thread. `compare.py` asks the same program for
//! images a second: `training_step serve NETWORK BATCH train|infer THREADS` runs for as many seconds as each
//! line of its input says, and answers with the rate.

mod common;

use common::{Work, measure, short};
use criterion::Criterion;
use rayon::ThreadPoolBuilder;
use residual::{
    Tensor,
    models::{self, Model, Options},
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    train::optim::{Optimizer, Sgd, zero_grad},
};
use std::{env, error::Error, hint::black_box, io, time::Instant};

/// Networks and batch sizes.
const NETWORKS: &[(&str, usize)] = &[
    ("lenet5", 64),
    ("resnet20", 32),
    ("resnet18_cifar", 32),
    ("vgg16_cifar", 32),
    ("googlenet_cifar", 32),
    ("resnet50", 8),
    ("resnext50_32x4d", 8),
];

const LEARNING_RATE: f64 = 1e-3;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", name, batch, pass, threads] => {
            let (batch, threads) = (batch.parse()?, threads.parse()?);
            ThreadPoolBuilder::new().num_threads(threads).build_global()?;
            rayon::scope(|_| {
                let (mut bench, train) = (Bench::new(name, batch)?, pass == "train");
                if !train {
                    bench.model.fuse();
                }
                serve(&mut bench, train)
            })
        }
        _ => {
            ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
            let mut c = short().configure_from_args();
            NETWORKS.iter().try_for_each(|&(name, batch)| both_passes(&mut c, name, batch))?;
            c.final_summary();
            Ok(())
        }
    }
}

/// A network, one batch of images, and what a step of training needs.
struct Bench {
    model: Box<dyn Model<f32>>,
    images: Tensor,
    labels: Vec<usize>,
    sgd: Optimizer<f32>,
}

impl Bench {
    fn new(name: &str, batch: usize) -> Result<Self, residual::Error> {
        let entry = models::all().iter().find(|entry| entry.name == name);
        let options = entry.map(models::Entry::options).unwrap_or_default();
        let in_channels = if name == "lenet5" { 1 } else { 3 };
        let model = models::build(name, &Options { in_channels, ..options })?;
        let mut rng = Generator::new(0, 0);
        let side = options.input_size;
        let images = Tensor::from_fn([batch, side, side, in_channels], |_| rng.normal() as f32);
        let labels = (0..batch).map(|i| i % options.classes).collect();
        let sgd = Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() });
        Ok(Self { model, images, labels, sgd })
    }

    fn train(&mut self) {
        zero_grad(|each| self.model.visit(each));
        black_box(self.model.train_step(self.images.clone(), &self.labels, &CrossEntropy::default()).loss);
        self.sgd.step(LEARNING_RATE, |each| self.model.visit(each));
    }

    fn infer(&mut self) {
        black_box(self.model.scores(self.images.clone()));
    }
}

fn both_passes(c: &mut Criterion, name: &str, batch: usize) -> Result<(), residual::Error> {
    let mut bench = Bench::new(name, batch)?;
    let outline = bench.model.outline(bench.images.shape());
    let (flops, numbers) = (2.0 * outline.macs as f64, (outline.parameters + bench.images.len()) as f64);
    // Three passes of equal cost; parameters, gradients and momentum, read and written.
    let (train, infer) =
        (Work { flops: 3.0 * flops, bytes: 24.0 * numbers }, Work { flops, bytes: 4.0 * numbers });
    measure(c, &format!("{name}, {batch} images/train"), train, || bench.train());
    bench.model.fuse();
    measure(c, &format!("{name}, {batch} images/infer"), infer, || bench.infer());
    Ok(())
}

/// Answers each line, a number of seconds, with images a second.
fn serve(bench: &mut Bench, train: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    for line in io::stdin().lines() {
        let (seconds, start, mut steps) = (line?.trim().parse::<f64>()?, Instant::now(), 0);
        while steps == 0 || start.elapsed().as_secs_f64() < seconds {
            if train {
                bench.train()
            } else {
                bench.infer()
            }
            steps += 1;
        }
        println!("{}", (steps * bench.labels.len()) as f64 / start.elapsed().as_secs_f64());
    }
    Ok(())
}
