//! One way to train for every chapter that compares networks: stochastic gradient descent with
//! momentum, half a cosine of learning rates, and nothing else that a comparison could hang on.

use super::{Budget, record::Run};
use residual::{
    data::{self, Dataset, Loader},
    models::Model,
    ops::cross_entropy::CrossEntropy,
    train::{
        optim::{self, Optimizer, Sgd},
        schedule::{Schedule, Shape},
    },
};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How long a network learns, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Pictures of a step.
    pub batch: usize,
    /// Steps in all; more than an epoch has begin the next.
    pub steps: usize,
    /// The highest learning rate.
    pub rate: f64,
}

/// What came of it.
pub struct Outcome {
    /// The training loss of every step.
    pub losses: Vec<f64>,
    /// The part of the unseen pictures that the network names rightly, in percent.
    pub accuracy: f64,
}

impl Outcome {
    /// The mean loss of the last `steps` steps.
    pub fn last_loss(&self, steps: usize) -> f64 {
        let last = &self.losses[self.losses.len() - steps..];
        last.iter().sum::<f64>() / steps as f64
    }
}

// ANCHOR: train
/// Trains `net` on `seen`, in an order that follows from `seed`, and examines it on `unseen`.
pub fn train(
    net: &mut dyn Model<f32>,
    seen: &Dataset,
    unseen: &Dataset,
    recipe: Recipe,
    seed: u64,
) -> Outcome {
    let loader = Loader::new(seen, recipe.batch).shuffle(true).drop_last(true).seed(seed);
    let steps = recipe.steps as u64;
    let schedule = Schedule { shape: Shape::Cosine, lr: recipe.rate, steps, warmup: steps / 20 };
    let mut sgd = Optimizer::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 });
    let batches = (0..).flat_map(|epoch| loader.epoch::<f32>(epoch));
    let mut losses = Vec::new();
    for (step, batch) in (0..steps).zip(batches) {
        optim::zero_grad(|each| net.visit(each));
        let loss = net.train_step(batch.images, &batch.labels, &CrossEntropy::default()).loss;
        sgd.step(schedule.rate(step), |each| net.visit(each));
        losses.push(loss);
    }
    Outcome { losses, accuracy: accuracy(net, unseen) }
}
// ANCHOR_END: train

/// `run` of every job, in their order. As many at once as there are threads, each alone on its own: for
/// networks as small as these that is faster than sharing out every layer, and results are the same.
pub fn side_by_side<J: Sync, R: Send>(jobs: &[J], run: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        while let Some((i, job)) = next_of(jobs, &next) {
            let result = alone.install(|| run(job));
            done.lock().expect("no job fails").push((i, result));
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let mut done = done.into_inner().expect("no job fails");
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

fn next_of<'a, J>(jobs: &'a [J], next: &AtomicUsize) -> Option<(usize, &'a J)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(i).map(|job| (i, job))
}

/// The part of `pictures` whose highest score is their label's, in percent.
pub fn accuracy(net: &mut dyn Model<f32>, pictures: &Dataset) -> f64 {
    let mut right = 0;
    for batch in Loader::new(pictures, 250).epoch::<f32>(0) {
        let scores = net.scores(batch.images);
        let rows = scores.as_slice().chunks(scores.shape().last()).zip(&batch.labels);
        right += rows.filter(|(row, label)| row.iter().all(|&score| score <= row[**label])).count();
    }
    100.0 * right as f64 / pictures.len() as f64
}

/// What small networks are trained on and examined on, and how.
pub struct Data {
    pub seen: Dataset,
    pub unseen: Dataset,
    pub recipe: Recipe,
}

impl Data {
    /// Fashion-MNIST; in full, with so many steps.
    pub fn of(budget: Budget, full: usize) -> Self {
        let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
        let (unseen, batch, steps) = match budget {
            Budget::Quick => (500, 32, 30),
            Budget::Standard => (2_000, 32, 200),
            Budget::Full => (10_000, 64, full),
        };
        let recipe = Recipe { batch, steps, rate: 0.1 };
        Self { unseen: sets.test.select(0..unseen), seen: sets.train, recipe }
    }

    /// Trains `net`, called `name`; says so where that takes long.
    pub fn train(&self, mut net: impl Model<f32>, name: String, seed: u64) -> Run {
        let outcome = train(&mut net, &self.seen, &self.unseen, self.recipe, seed);
        let loss = outcome.last_loss(self.recipe.steps.min(20));
        if self.recipe.steps > 200 {
            eprintln!("{name}, seed {seed}: loss {loss:.3}, {:.2} % of unseen pictures", outcome.accuracy);
        }
        Run { name, seed, loss, accuracy: outcome.accuracy }
    }
}

/// Every design with every seed below `seeds`.
pub fn each<D: Copy>(designs: &[D], seeds: u64) -> Vec<(D, u64)> {
    designs.iter().flat_map(|&design| (0..seeds).map(move |seed| (design, seed))).collect()
}
