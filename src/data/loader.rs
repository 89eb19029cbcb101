//! [`Loader`]: batches in a seeded order, prepared on another thread while the last one trains.
//!
//! A batch depends on the seed, the epoch and its number, and on nothing else. So training can
//! stop in the middle of an epoch and go on from exactly there: [`Loader::epoch_from`].

use super::{
    augment::{self, Augment, CropFlip},
    dataset::Dataset,
    normalization::Table,
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
mod tests;
