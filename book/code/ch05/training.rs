//! One recipe for all networks of the chapter, watched on the way, and what is asked of a trained one.

use super::{
    common::training::{Data, accuracy},
    network::Design,
};
use residual::{
    data::{Dataset, Images, Loader},
    models::Model,
    nn::{Sequential, Slot},
    ops::cross_entropy::CrossEntropy,
    train::{
        optim::{self, Optimizer, Sgd},
        schedule::{Schedule, Shape},
    },
};

/// The largest shift, in pixels.
pub const FARTHEST: usize = 3;

/// A place on the way.
#[derive(Clone, Copy)]
pub struct Point {
    /// Steps done.
    pub step: usize,
    /// The mean training loss since the last point.
    pub loss: f64,
    /// On unseen pictures, in percent.
    pub accuracy: f64,
}

/// A trained network and its way.
pub struct Trained {
    pub design: Design,
    pub seed: u64,
    pub net: Sequential<f32>,
    pub curve: Vec<Point>,
}

impl Trained {
    pub fn accuracy(&self) -> f64 {
        self.curve.last().expect("a curve has points").accuracy
    }
}

// ANCHOR: train
/// Trains the network of `design`, and examines it every so many steps.
pub fn train(design: Design, data: &Data, seed: u64, every: usize) -> Trained {
    let mut net = design.network(seed);
    let recipe = data.recipe;
    let loader = Loader::new(&data.seen, recipe.batch).shuffle(true).drop_last(true).seed(seed);
    let steps = recipe.steps as u64;
    let schedule = Schedule { shape: Shape::Cosine, lr: recipe.rate, steps, warmup: steps / 20 };
    let mut sgd = Optimizer::new(Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 });
    let batches = (0..).flat_map(|epoch| loader.epoch::<f32>(epoch));
    let (mut curve, mut sum) = (Vec::new(), 0.0);
    for (step, batch) in (1..=recipe.steps).zip(batches) {
        optim::zero_grad(|each| Model::visit(&mut net, each));
        sum += net.train_step(batch.images, &batch.labels, &CrossEntropy::default()).loss;
        sgd.step(schedule.rate(step as u64 - 1), |each| Model::visit(&mut net, each));
        if step % every == 0 {
            curve.push(Point { step, loss: sum / every as f64, accuracy: accuracy(&mut net, &data.unseen) });
            sum = 0.0;
        }
    }
    Trained { design, seed, net, curve }
}
// ANCHOR_END: train

// ANCHOR: confusion
/// How many pictures of each class, a row, are taken for each class, a column.
pub fn confusion(net: &mut Sequential<f32>, pictures: &Dataset) -> Vec<f64> {
    let classes = pictures.classes().len();
    let mut counts = vec![0.0; classes * classes];
    for batch in Loader::new(pictures, 250).epoch::<f32>(0) {
        let scores = net.scores(batch.images);
        for (row, label) in scores.as_slice().chunks(classes).zip(batch.labels) {
            let guess = (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("some class");
            counts[label * classes + guess] += 1.0;
        }
    }
    counts
}
// ANCHOR_END: confusion

// ANCHOR: shifted
/// `pictures` moved down and right by so many pixels; black comes in from the edge.
fn shifted(pictures: &Dataset, [down, right]: [isize; 2]) -> Dataset {
    let [height, width, _] = pictures.size();
    let mut pixels = Vec::with_capacity(pictures.len() * height * width);
    for image in (0..pictures.len()).map(|i| pictures.image(i)) {
        for at in 0..height * width {
            let row = (at / width).checked_add_signed(-down).filter(|&row| row < height);
            let col = (at % width).checked_add_signed(-right).filter(|&col| col < width);
            pixels.push(row.zip(col).map_or(0, |(row, col)| image[row * width + col]));
        }
    }
    let labels = (0..pictures.len()).map(|i| pictures.label(i)).collect();
    let (name, classes) = (pictures.name().into(), pictures.classes().to_vec());
    let images = Images { name, path: None, size: pictures.size(), pixels, labels, classes };
    Dataset::new(images, pictures.normalization().clone())
}
// ANCHOR_END: shifted

/// The test pictures moved by 0 to `FARTHEST` pixels, each distance up, down, left and right.
pub fn all_shifted(pictures: &Dataset) -> Vec<Vec<Dataset>> {
    let moved = |by: isize| [[by, 0], [-by, 0], [0, by], [0, -by]].map(|to| shifted(pictures, to)).into();
    let farther = (1..=FARTHEST as isize).map(moved);
    std::iter::once(vec![pictures.clone()]).chain(farther).collect()
}

/// The accuracy at each distance, a mean over the directions.
pub fn over_shifts(net: &mut Sequential<f32>, shifted: &[Vec<Dataset>]) -> Vec<f64> {
    let mean = |sets: &Vec<Dataset>, net: &mut Sequential<f32>| {
        sets.iter().map(|set| accuracy(net, set)).sum::<f64>() / sets.len() as f64
    };
    shifted.iter().map(|sets| mean(sets, net)).collect()
}

/// The weights and biases of the first convolution: six times 25, and six.
pub fn first_filters(net: &mut Sequential<f32>) -> Vec<f64> {
    let mut numbers = Vec::new();
    Model::visit(net, &mut |name, slot| {
        if let Slot::Param(param) = slot
            && name.to_string().starts_with("conv1.")
        {
            numbers.extend(param.value.as_slice().iter().map(|&x| f64::from(x)));
        }
    });
    numbers
}
