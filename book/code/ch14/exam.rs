//! Three examinations of a network that has been trained.

use super::common::training::accuracy;
use residual::{
    data::{
        Dataset, Images, Loader,
        augment::{self, CropFlip},
    },
    models::Model,
    nn::{Sequential, Slot},
    ops::{cross_entropy::CrossEntropy, softmax},
};

/// Unseen pictures, and the same moved about.
pub struct Exam {
    plain: Dataset,
    moved: Dataset,
}

/// What came of it.
pub struct Marks {
    /// In percent.
    pub accuracy: f64,
    /// On pictures that are cropped and mirrored as in training, in percent.
    pub moved: f64,
    /// The mean of -log p(label), without any smoothing.
    pub surprise: f64,
    /// The mean probability of the answer that it gives, in percent.
    pub sure: f64,
}

impl Exam {
    /// On the first `count` pictures of `test`; a quarter of them moved, each once.
    pub fn new(test: &Dataset, count: usize) -> Self {
        let plain = test.select(0..count);
        let moved = moved(&plain, count / 4);
        Self { plain, moved }
    }

    pub fn len(&self) -> [usize; 2] {
        [self.plain.len(), self.moved.len()]
    }

    pub fn of(&self, net: &mut Sequential<f32>) -> Marks {
        let (mut surprise, mut sure) = (0.0, 0.0);
        let (mut right, count) = (0, self.plain.len() as f64);
        for batch in Loader::new(&self.plain, 250).epoch::<f32>(0) {
            let scores = net.scores(batch.images);
            surprise += CrossEntropy::default().forward(&scores, &batch.labels).0 * batch.labels.len() as f64;
            let p = softmax::forward(scores);
            for (row, &label) in p.as_slice().chunks(p.shape().last()).zip(&batch.labels) {
                let most = row.iter().fold(0.0f32, |most, &p| most.max(p));
                sure += f64::from(most);
                right += usize::from(row[label] == most);
            }
        }
        Marks {
            accuracy: 100.0 * right as f64 / count,
            moved: accuracy(net, &self.moved),
            surprise: surprise / count,
            sure: 100.0 * sure / count,
        }
    }
}

/// The first `count` pictures, each cropped at random, every second one mirrored.
fn moved(pictures: &Dataset, count: usize) -> Dataset {
    let size = pictures.size();
    let mut stream = augment::stream(14, 0);
    let numbers: usize = size.iter().product();
    let mut pixels = vec![0; count * numbers];
    for (i, out) in pixels.chunks_mut(numbers).enumerate() {
        CropFlip::draw(&mut stream, i).apply(pictures.image(i), size, out);
    }
    let images = Images {
        name: pictures.name().into(),
        path: None,
        size,
        pixels,
        labels: (0..count).map(|i| pictures.label(i)).collect(),
        classes: pictures.classes().to_vec(),
    };
    Dataset::new(images, pictures.normalization().clone())
}

/// The length of all weights that a norm follows, taken as one vector.
pub fn length(net: &mut Sequential<f32>) -> f64 {
    let mut squares = 0.0;
    Model::visit(net, &mut |path, slot| {
        let path = path.to_string();
        if let Slot::Param(param) = slot
            && path.contains("conv")
        {
            squares += param.value.as_slice().iter().map(|&w| f64::from(w).powi(2)).sum::<f64>();
        }
    });
    squares.sqrt()
}
