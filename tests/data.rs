//! Good files are read as they are: Fashion-MNIST itself, and tiny sets in every format.

mod folder;

use approx::assert_abs_diff_eq;
use folder::{Folder, cifar};
use residual::data::{self, Dataset};

fn counts(dataset: &Dataset) -> Vec<usize> {
    let mut counts = vec![0; dataset.classes().len()];
    (0..dataset.len()).for_each(|i| counts[dataset.label(i)] += 1);
    counts
}

fn labels<const K: usize>(dataset: &Dataset) -> [usize; K] {
    std::array::from_fn(|i| dataset.label(i))
}

#[test]
fn fashion_mnist_comes_with_the_crate() {
    let sets = data::open("fashion-mnist").expect("the embedded data set");
    assert_eq!((sets.train.len(), sets.test.len()), (60_000, 10_000));
    assert_eq!((sets.train.size(), sets.test.size()), ([28, 28, 1], [28, 28, 1]));
    assert_eq!((sets.train.name(), sets.train.classes()[9].as_str()), ("fashion-mnist", "Ankle boot"));
    assert_eq!((counts(&sets.train), counts(&sets.test)), (vec![6_000; 10], vec![1_000; 10]));
    assert_eq!(labels(&sets.train), [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(labels(&sets.test), [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    // The mean and standard deviation that are quoted for the training images.
    assert_abs_diff_eq!(sets.train.normalization().mean[0], 0.2860, epsilon = 5e-5);
    assert_abs_diff_eq!(sets.train.normalization().std[0], 0.3530, epsilon = 5e-5);
    assert_eq!(sets.train.normalization(), sets.test.normalization());
    let sum =
        |set: &Dataset| (0..set.len()).flat_map(|i| set.image(i)).map(|&byte| u64::from(byte)).sum::<u64>();
    assert_eq!([sum(&sets.train), sum(&sets.test)], [3_431_114_169, 573_469_082]);
}

#[test]
fn a_folder_like_mnist_is_read_packed_or_plain() {
    let folder = Folder::mnist("digits");
    let sets = data::open(folder.path()).expect("a good folder");
    assert_eq!((sets.train.name(), sets.train.size()), ("mnist", [3, 2, 1]));
    assert_eq!((labels(&sets.train), labels(&sets.test)), ([3, 4, 5, 6, 7, 8], [3, 4, 5, 6]));
    assert_eq!(sets.train.image(1), [222, 3, 40, 77, 114, 151]);
    assert_eq!(sets.train.classes()[7], "7");
    assert_eq!(sets.train.path(), Some(folder.path().as_ref()));
}

#[test]
fn a_folder_called_fashion_has_the_names_of_clothes() {
    let folder = Folder::mnist("Fashion");
    let sets = data::open(folder.path()).expect("a good folder");
    assert_eq!((sets.test.name(), sets.test.classes()[1].as_str()), ("fashion-mnist", "Trouser"));
}

#[test]
fn a_folder_with_cifar_10_is_read() {
    let folder = Folder::new("ten");
    for file in 1..=5u8 {
        folder.write(&format!("data_batch_{file}.bin"), &cifar(&[&[file], &[9 - file]], 10 * file));
    }
    folder.write("test_batch.bin", &cifar(&[&[7]], 200));
    let sets = data::open(folder.path()).expect("a good folder");
    assert_eq!((sets.train.name(), sets.train.size()), ("cifar10", [32, 32, 3]));
    assert_eq!(labels(&sets.train), [1, 8, 2, 7, 3, 6, 4, 5, 5, 4]);
    assert_eq!((sets.train.len(), sets.test.len(), sets.test.label(0)), (10, 1, 7));
    assert_eq!(sets.train.image(4), [30, 31, 32].repeat(1024), "planes become pixels");
    assert_eq!(sets.train.classes()[8], "ship");
    folder.write("batches.meta.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    assert_eq!(data::open(folder.path()).expect("a good folder").test.classes()[9], "j");
}

#[test]
fn a_folder_with_cifar_100_is_read_with_its_fine_labels() {
    let folder = Folder::new("hundred");
    folder.write("train.bin", &cifar(&[&[19, 99], &[3, 42]], 5));
    folder.write("test.bin", &cifar(&[&[0, 1]], 0));
    let sets = data::open(folder.path()).expect("a good folder");
    assert_eq!((sets.train.name(), sets.train.classes().len()), ("cifar100", 100));
    assert_eq!((labels(&sets.train), labels(&sets.test)), ([99, 42], [1]));
    assert_eq!(sets.train.image(1)[..4], [5, 6, 7, 5]);
}
