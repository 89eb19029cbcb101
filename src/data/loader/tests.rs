//! Every image once, in an order that follows from the seed, wherever one starts.

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
