//! Damaged, lying and missing data files: always an error that names the file, never a panic, and
//! never other images than those that were written.

mod folder;

use flate2::read::GzDecoder;
use folder::{Folder, cifar, gzip, idx};
use proptest::prelude::*;
use residual::data::{self, Sets};
use std::{fs, io::Read, path::Path};

const IMAGES: &str = "train-images-idx3-ubyte.gz";
const LABELS: &str = "t10k-labels-idx1-ubyte";

/// The message that opening `folder` ends with.
#[track_caller]
fn message(folder: &Folder) -> String {
    data::open(folder.path()).expect_err("a bad folder").to_string()
}

/// Opening `folder` must fail with a message that holds all of `parts`.
#[track_caller]
fn complains(folder: &Folder, parts: &[&str]) {
    let message = message(folder);
    assert!(parts.iter().all(|part| message.contains(part)), "{message:?} lacks one of {parts:?}");
}

fn read(folder: &Folder, name: &str) -> Vec<u8> {
    fs::read(Path::new(folder.path()).join(name)).expect("a file that was written")
}

fn remove(folder: &Folder, name: &str) {
    fs::remove_file(Path::new(folder.path()).join(name)).expect("a file that was written");
}

fn bytes(sets: &Sets) -> Vec<&[u8]> {
    [&sets.train, &sets.test].into_iter().flat_map(|set| (0..set.len()).map(|i| set.image(i))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_ends_early_is_an_error(keep in 0.0..1.0f64, packed: bool) {
        let folder = Folder::mnist("cut");
        let name = if packed { IMAGES } else { LABELS };
        let whole = read(&folder, name);
        folder.write(name, &whole[..(keep * whole.len() as f64) as usize]);
        complains(&folder, &[name]);
    }

    #[test]
    fn a_changed_byte_is_an_error_or_changes_no_image(at in 0.0..1.0f64, mask in 1..=255u8) {
        let folder = Folder::mnist("flipped");
        let before = data::open(folder.path()).expect("a good folder");
        let mut file = read(&folder, IMAGES);
        let at = (at * file.len() as f64) as usize;
        file[at] ^= mask;
        folder.write(IMAGES, &file);
        match data::open(folder.path()) {
            Ok(sets) => prop_assert_eq!(bytes(&sets), bytes(&before)),
            Err(error) => prop_assert!(error.to_string().contains(IMAGES), "{}", error),
        }
    }

    #[test]
    fn a_header_that_lies_is_an_error(extents: [u32; 3], packed: bool) {
        prop_assume!(extents != [6, 3, 2]);
        let folder = Folder::mnist("lying");
        let file = idx(&extents, &[7; 36]);
        folder.write(IMAGES, &if packed { gzip(&file) } else { file });
        complains(&folder, &[IMAGES, &format!("{} x {} x {}", extents[0], extents[1], extents[2])]);
    }

    #[test]
    fn noise_is_an_error(noise in proptest::collection::vec(any::<u8>(), 0..200), packed: bool) {
        let folder = Folder::mnist("noise");
        folder.write(IMAGES, &if packed { gzip(&noise) } else { noise });
        complains(&folder, &[IMAGES]);
    }

    #[test]
    fn cifar_of_any_odd_length_is_an_error(len in 1..8000usize) {
        prop_assume!(len % 3074 != 0);
        let folder = Folder::new("length");
        folder.write("train.bin", &vec![0; len]);
        folder.write("test.bin", &cifar(&[&[0, 0]], 0));
        complains(&folder, &["train.bin", "records of 3074 bytes", &format!("found {len} bytes")]);
    }
}

#[test]
fn the_real_file_cut_anywhere_is_an_error() {
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz");
    let whole = fs::read(real).expect("the embedded data set");
    let folder = Folder::mnist("real");
    remove(&folder, LABELS);
    for keep in (0..whole.len()).step_by(41).chain(whole.len() - 12..whole.len()) {
        folder.write("t10k-labels-idx1-ubyte.gz", &whole[..keep]);
        complains(&folder, &["t10k-labels-idx1-ubyte.gz"]);
    }
}

#[test]
fn more_bytes_than_announced_are_an_error() {
    let folder = Folder::mnist("surplus");
    let mut file = Vec::new();
    GzDecoder::new(&read(&folder, IMAGES)[..]).read_to_end(&mut file).expect("a good file");
    file.push(0);
    folder.write(IMAGES, &gzip(&file));
    complains(&folder, &[IMAGES, "6 x 3 x 2 bytes as its header announces, found more"]);
    folder.write(IMAGES, &file);
    complains(&folder, &[IMAGES, "6 x 3 x 2 bytes as its header announces, found more"]);
}

#[test]
fn extents_that_overflow_are_an_error() {
    // The last product is 2^64 + 36: cut to 64 bits, it is what the file holds.
    for extents in [[u32::MAX; 3], [1 << 22, 1 << 21, 1 << 21], [386_836, 336_349, 141_775_993]] {
        let folder = Folder::mnist("overflow");
        folder.write(IMAGES, &gzip(&idx(&extents, &[0; 36])));
        complains(&folder, &[IMAGES, "a header that announces", &extents[0].to_string()]);
    }
}

#[test]
fn files_that_do_not_fit_together_are_an_error() {
    let folder = Folder::mnist("labels");
    folder.write(LABELS, &idx(&[5], &[0; 5]));
    complains(&folder, &[LABELS, "4 labels, one for each image, found 5"]);
    folder.write(LABELS, &idx(&[4], &[0, 9, 10, 3]));
    complains(&folder, &[LABELS, "labels below 10, found 10 as label 2"]);
    folder.write(LABELS, &idx(&[4, 1, 1], &[0; 4]));
    complains(&folder, &[LABELS, "starts with [0, 0, 8, 1], found [0, 0, 8, 3]"]);

    let folder = Folder::mnist("sizes");
    folder.write("t10k-images-idx3-ubyte.gz", &gzip(&idx(&[4, 2, 2], &[0; 16])));
    complains(&folder, &["t10k-images-idx3-ubyte.gz", "3 x 2 pixels as in the training images, found 2 x 2"]);
}

#[test]
fn a_missing_file_is_named() {
    let folder = Folder::mnist("missing");
    remove(&folder, LABELS);
    complains(&folder, &[folder.path(), LABELS, "neither", "all four files"]);

    let folder = Folder::new("missing");
    folder.write("data_batch_1.bin", &cifar(&[&[0]], 0));
    complains(&folder, &["data_batch_2.bin", "cannot read"]);
}

#[test]
fn cifar_labels_and_names_are_checked() {
    let folder = Folder::new("cifar");
    folder.write("train.bin", &cifar(&[&[0, 99], &[0, 100]], 0));
    folder.write("test.bin", &cifar(&[&[0, 0]], 0));
    complains(&folder, &["train.bin", "labels below 100, found 100 in record 1"]);
    folder.write("train.bin", &cifar(&[&[0, 99]], 0));
    folder.write("test.bin", &[]);
    complains(&folder, &["test.bin", "found 0 bytes"]);
    folder.write("fine_label_names.txt", b"apple\npear\n");
    complains(&folder, &["fine_label_names.txt", "100 names, one in each line, found 2"]);
    folder.write("fine_label_names.txt", &[0xff, 0xfe, 0]);
    complains(&folder, &["fine_label_names.txt"]);
}

#[test]
fn a_folder_without_a_data_set_says_what_was_looked_for() {
    let folder = Folder::new("empty");
    let looked_for = ["train-images-idx3-ubyte", "data_batch_1.bin", "train.bin"];
    complains(&folder, &[&[folder.path(), "found none of them"], &looked_for[..]].concat());
    folder.write("data_batch_1", b"");
    complains(&folder, &[&["CIFAR's Python version", "fetch the binary version"], &looked_for[..]].concat());
}

#[test]
fn names_that_are_not_known_are_errors_that_help() {
    let message = |name: &str| data::open(name).expect_err("no such data set").to_string();
    assert!(
        message("fashon-mnist").ends_with("did you mean `fashion-mnist`?"),
        "{}",
        message("fashon-mnist")
    );
    assert!(message("cifar-10").ends_with("did you mean `cifar10`?"), "{}", message("cifar-10"));
    assert!(message("cifar10").contains("--data PATH"), "{}", message("cifar10"));
    assert!(message("no/such/folder").contains("there is no such folder"), "{}", message("no/such/folder"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(message(file).contains("a folder, found the file"), "{}", message(file));
}
