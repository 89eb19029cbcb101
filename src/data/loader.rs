//! [`Loader`]: batches in a seeded order, prepared on another thread while the last one trains.
//!
//! A batch depends on the seed, the epoch and its number, and on nothing else. So training can
//! stop in the middle of an epoch and go on from exactly there: [`Loader::epoch_from`].

use super::{
    augment::{self, Augment, CropFlip},
    dataset::{Dataset, Table},
};
use crate::{
    real::Real,
    rng::{self, Generator},
    tensor::Tensor,
};
use std::{
    panic,
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
};

/// How many batches wait, at most, to be trained on.
const READY: usize = 2;

/// Images and labels of one step.
#[derive(Clone, Debug)]
pub struct Batch<T: Real = f32> {
    /// Normalised, (N, H, W, C).
    pub images: Tensor<T>,
    /// The class of each image.
    pub labels: Vec<usize>,
}

/// Cuts a data set into batches: PyTorch's names and defaults.
///
/// ```
/// use residual::data::{Loader, synthetic};
/// let train = synthetic::bars([8, 8, 1], 4, 50, 0).train;
/// let loader = Loader::new(&train, 20).shuffle(true).seed(7);
/// let sizes: Vec<_> = loader.epoch::<f32>(0).map(|batch| batch.labels.len()).collect();
/// assert_eq!(sizes, [20, 20, 10]);
/// assert_eq!(loader.batches(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    dataset: Dataset,
    batch_size: usize,
    shuffle: bool,
    drop_last: bool,
    augment: Augment,
    seed: u64,
}

impl Loader {
    /// All images in their order, nothing done to them, the last batch as small as it comes.
    ///
    /// # Panics
    /// If the batch size is zero.
    #[track_caller]
    pub fn new(dataset: &Dataset, batch_size: usize) -> Self {
        assert!(batch_size > 0, "a batch holds at least one image");
        let dataset = dataset.clone();
        Self { dataset, batch_size, shuffle: false, drop_last: false, augment: Augment::None, seed: 0 }
    }

    /// Whether each epoch has a new order.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Self { shuffle, ..self }
    }

    /// Whether a last batch that is not full is left out.
    pub fn drop_last(self, drop_last: bool) -> Self {
        Self { drop_last, ..self }
    }

    /// What is done to the images.
    pub fn augment(self, augment: Augment) -> Self {
        Self { augment, ..self }
    }

    /// What order and augmentation follow from.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The images.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// How many batches an epoch has.
    pub fn batches(&self) -> usize {
        let images = self.dataset.len();
        if self.drop_last { images / self.batch_size } else { images.div_ceil(self.batch_size) }
    }

    /// The positions in the set, in the order of epoch `epoch`.
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.dataset.len()).collect();
        if self.shuffle {
            Generator::new(self.seed, rng::SHUFFLE + epoch as u64).shuffle(&mut order);
        }
        order
    }

    /// The batches of epoch `epoch`, counted from 0.
    pub fn epoch<T: Real>(&self, epoch: usize) -> Epoch<T> {
        self.epoch_from(epoch, 0)
    }

    /// The batches of epoch `epoch` without the first `skip`: those that a stopped run has not seen.
    pub fn epoch_from<T: Real>(&self, epoch: usize, skip: usize) -> Epoch<T> {
        let left = self.batches().saturating_sub(skip);
        let (sender, batches) = sync_channel(READY);
        let loader = self.clone();
        let worker = thread::spawn(move || {
            let order = loader.order(epoch);
            let mut kitchen = Kitchen::new(&loader, epoch);
            for positions in order.chunks(loader.batch_size).skip(skip).take(left) {
                // The receiver is gone when the epoch was dropped early: there is no more to do.
                if sender.send(kitchen.prepare(positions)).is_err() {
                    break;
                }
            }
        });
        Epoch { batches: Some(batches), worker: Some(worker), left }
    }
}

/// What the side thread needs to prepare batches.
struct Kitchen<T> {
    dataset: Dataset,
    table: Table<T>,
    augment: Augment,
    stream: Generator,
    changed: Vec<u8>,
}

impl<T: Real> Kitchen<T> {
    fn new(loader: &Loader, epoch: usize) -> Self {
        let dataset = loader.dataset.clone();
        Self {
            table: dataset.normalization().table(),
            augment: loader.augment,
            stream: augment::stream(loader.seed, epoch),
            changed: vec![0; dataset.size().iter().product()],
            dataset,
        }
    }

    fn prepare(&mut self, positions: &[usize]) -> Batch<T> {
        let size @ [height, width, channels] = self.dataset.size();
        let mut images = Tensor::zeros([positions.len(), height, width, channels]);
        let places = images.as_mut_slice().chunks_exact_mut(height * width * channels);
        for (&position, to) in positions.iter().zip(places) {
            let image = self.dataset.image(position);
            match self.augment {
                Augment::None => self.table.apply(image, to),
                Augment::CropFlip => {
                    CropFlip::draw(&mut self.stream, position).apply(image, size, &mut self.changed);
                    self.table.apply(&self.changed, to);
                }
            }
        }
        Batch { images, labels: positions.iter().map(|&position| self.dataset.label(position)).collect() }
    }
}

/// The batches of one epoch, in order. Dropping it early stops the side thread.
#[derive(Debug)]
pub struct Epoch<T: Real = f32> {
    batches: Option<Receiver<Batch<T>>>,
    worker: Option<JoinHandle<()>>,
    left: usize,
}

impl<T: Real> Epoch<T> {
    fn join(&mut self) -> thread::Result<()> {
        self.batches = None;
        self.worker.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl<T: Real> Iterator for Epoch<T> {
    type Item = Batch<T>;

    fn next(&mut self) -> Option<Batch<T>> {
        let batch = self.batches.as_ref().and_then(|batches| batches.recv().ok());
        match batch {
            Some(_) => self.left -= 1,
            None => self.join().unwrap_or_else(|cause| panic::resume_unwind(cause)),
        }
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Real> ExactSizeIterator for Epoch<T> {}

impl<T: Real> Drop for Epoch<T> {
    fn drop(&mut self) {
        // A panic of the side thread has been passed on by `next`, or its batches are not wanted.
        let _ = self.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Normalization, dataset::Images, synthetic};

    /// `count` images of one pixel, each its own class: a label tells which image it is.
    fn numbered(count: usize) -> Dataset {
        let images = Images {
            name: "numbered".into(),
            path: None,
            size: [1, 1, 1],
            pixels: (0..count).map(|i| i as u8).collect(),
            labels: (0..count).collect(),
            classes: (0..count).map(|i| i.to_string()).collect(),
        };
        Dataset::new(images, Normalization { mean: vec![0.0], std: vec![1.0 / 255.0] })
    }

    fn labels(epoch: Epoch<f32>) -> Vec<Vec<usize>> {
        epoch.map(|batch| batch.labels).collect()
    }

    #[test]
    fn an_epoch_shows_every_image_once_beside_its_label() {
        let loader = Loader::new(&numbered(103), 10).shuffle(true).seed(3);
        let mut seen = Vec::new();
        for batch in loader.epoch::<f32>(1) {
            for (&x, &label) in batch.images.as_slice().iter().zip(&batch.labels) {
                assert_eq!(x.round() as usize, label);
            }
            seen.extend(batch.labels);
        }
        assert_ne!(seen, (0..103).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..103).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_follows_from_seed_and_epoch() {
        let order = |seed, epoch| Loader::new(&numbered(50), 8).shuffle(true).seed(seed).order(epoch);
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        assert_eq!(Loader::new(&numbered(50), 8).order(9), (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_batch_is_short_or_left_out() {
        let loader = Loader::new(&numbered(10), 4);
        assert_eq!(labels(loader.epoch(0)), [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        assert_eq!((loader.batches(), loader.epoch::<f32>(0).len()), (3, 3));
        let loader = loader.drop_last(true);
        assert_eq!(labels(loader.epoch(0)), [[0, 1, 2, 3], [4, 5, 6, 7]]);
        assert_eq!((loader.batches(), loader.epoch::<f32>(0).len()), (2, 2));
        assert_eq!(Loader::new(&numbered(0), 4).epoch::<f32>(0).count(), 0);
    }

    #[test]
    fn a_resumed_epoch_is_the_tail_of_the_whole() {
        let train = synthetic::bars([10, 8, 3], 4, 70, 0).train;
        let loader = Loader::new(&train, 16).shuffle(true).augment(Augment::CropFlip).seed(5);
        let whole: Vec<_> = loader.epoch::<f32>(2).collect();
        for skip in 0..=6 {
            let epoch = loader.epoch_from::<f32>(2, skip);
            assert_eq!(epoch.len(), whole.len().saturating_sub(skip));
            let tail: Vec<_> = epoch.collect();
            assert_eq!(tail.len(), whole.len().saturating_sub(skip));
            for (resumed, batch) in tail.iter().zip(&whole[skip.min(5)..]) {
                assert_eq!((&resumed.images, &resumed.labels), (&batch.images, &batch.labels));
            }
        }
    }

    #[test]
    fn an_image_is_changed_alike_in_batches_of_any_size() {
        let train = synthetic::bars([10, 8, 3], 4, 30, 0).train;
        let pixels = |batch_size| -> Vec<f64> {
            let loader = Loader::new(&train, batch_size).augment(Augment::CropFlip);
            loader.epoch::<f64>(0).flat_map(|batch| batch.images.as_slice().to_vec()).collect()
        };
        assert_eq!(pixels(7), pixels(30));
        let plain: Vec<f64> =
            Loader::new(&train, 30).epoch(0).flat_map(|batch| batch.images.as_slice().to_vec()).collect();
        assert_ne!(pixels(30), plain);
    }

    #[test]
    fn batches_do_not_depend_on_the_number_of_threads() {
        let train = synthetic::bars([10, 8, 3], 4, 60, 0).train;
        let loader = Loader::new(&train, 16).shuffle(true).augment(Augment::CropFlip).seed(5);
        let on = |threads| -> Vec<_> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| loader.epoch::<f32>(1).map(|batch| (batch.images, batch.labels)).collect())
        };
        let one = on(1);
        assert!([2, 3, 8].into_iter().all(|threads| on(threads) == one));
    }

    #[test]
    fn an_epoch_can_be_dropped_at_any_time() {
        let loader = Loader::new(&numbered(100), 1);
        for taken in [0, 1, 5, 100] {
            let mut epoch = loader.epoch::<f32>(0);
            assert_eq!(epoch.by_ref().take(taken).count(), taken);
            drop(epoch);
        }
        let mut finished = loader.epoch::<f32>(0);
        finished.by_ref().for_each(drop);
        assert!(finished.next().is_none(), "an epoch stays finished");
    }
}
