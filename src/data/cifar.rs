//! CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary format.
//!
//! ```text
//! label | 1,024 red bytes | 1,024 green | 1,024 blue                  CIFAR-10, 3,073 bytes
//! coarse label | fine label | red | green | blue                      CIFAR-100, 3,074 bytes
//! ```
//!
//! Files are records end to end, without a header. Of CIFAR-100's labels the fine one counts.

use super::{dataset::Images, split::Sets};
use crate::error::Error;
use rayon::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};

const SIDE: usize = 32;
const CHANNELS: usize = 3;
const PIXELS: usize = SIDE * SIDE;

const CIFAR10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ten classes.
    Cifar10,
    /// A hundred classes.
    Cifar100,
}

impl Kind {
    /// Whether `folder` holds the first training file of either.
    pub fn detect(folder: &Path) -> Option<Self> {
        let kinds = [Self::Cifar10, Self::Cifar100];
        kinds.into_iter().find(|kind| folder.join(kind.train_files()[0]).is_file())
    }

    /// The names of the training files.
    pub fn train_files(self) -> &'static [&'static str] {
        match self {
            Self::Cifar10 => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Self::Cifar100 => &["train.bin"],
        }
    }

    /// The name of the test file.
    pub fn test_file(self) -> &'static str {
        match self {
            Self::Cifar10 => "test_batch.bin",
            Self::Cifar100 => "test.bin",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
        }
    }

    fn classes(self) -> usize {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
        }
    }

    /// How many label bytes a record starts with; the last one counts.
    fn label_bytes(self) -> usize {
        match self {
            Self::Cifar10 => 1,
            Self::Cifar100 => 2,
        }
    }

    fn record(self) -> usize {
        self.label_bytes() + CHANNELS * PIXELS
    }

    /// Where the names of the classes are, one in each line.
    fn names_file(self) -> &'static str {
        match self {
            Self::Cifar10 => "batches.meta.txt",
            Self::Cifar100 => "fine_label_names.txt",
        }
    }
}

/// Reads the training and test files in `folder`.
///
/// # Errors
/// If a file is missing, is no whole number of records, or has a label that is too large.
pub fn read(folder: &Path, kind: Kind) -> Result<Sets, Error> {
    let classes = class_names(folder, kind)?;
    let part = |names: &[&str]| -> Result<Images, Error> {
        let files: Vec<_> = names.par_iter().map(|name| read_file(&folder.join(name), kind)).collect();
        let (mut labels, mut pixels) = (Vec::new(), Vec::new());
        for file in files {
            let (file_labels, file_pixels) = file?;
            labels.extend(file_labels);
            pixels.extend(file_pixels);
        }
        let (name, size) = (kind.name().into(), [SIDE, SIDE, CHANNELS]);
        Ok(Images { name, path: Some(folder.into()), size, pixels, labels, classes: classes.clone() })
    };
    Ok(Sets::new(part(kind.train_files())?, part(&[kind.test_file()])?))
}

/// Labels, and pixels with their channels together.
fn read_file(path: &Path, kind: Kind) -> Result<(Vec<usize>, Vec<u8>), Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.into(), action: "read", source })?;
    let error = |expected, found| {
        let hint = "the file is damaged or another one: fetch the binary version again".into();
        Error::Format { path: path.into(), expected, found, hint }
    };
    if bytes.is_empty() || bytes.len() % kind.record() != 0 {
        let expected = format!("one or more records of {} bytes ({})", kind.record(), kind.name());
        return Err(error(expected, format!("{} bytes", bytes.len())));
    }
    let mut labels = Vec::new();
    let mut pixels = vec![0; bytes.len() / kind.record() * CHANNELS * PIXELS];
    let images = pixels.as_chunks_mut::<CHANNELS>().0.chunks_exact_mut(PIXELS);
    for (at, (record, image)) in bytes.chunks_exact(kind.record()).zip(images).enumerate() {
        let (label, planes) = record.split_at(kind.label_bytes());
        let label = usize::from(label[label.len() - 1]);
        if label >= kind.classes() {
            let found = format!("{label} in record {at}");
            return Err(error(format!("labels below {}", kind.classes()), found));
        }
        labels.push(label);
        let (red, rest) = planes.split_at(PIXELS);
        let (green, blue) = rest.split_at(PIXELS);
        for (pixel, ((&r, &g), &b)) in image.iter_mut().zip(red.iter().zip(green).zip(blue)) {
            *pixel = [r, g, b];
        }
    }
    Ok((labels, pixels))
}

/// From the file of names if it is there; else CIFAR-10's own, and numbers for CIFAR-100.
fn class_names(folder: &Path, kind: Kind) -> Result<Vec<String>, Error> {
    let path: PathBuf = folder.join(kind.names_file());
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) if !path.exists() => {
            return Ok(match kind {
                Kind::Cifar10 => CIFAR10.map(String::from).into(),
                Kind::Cifar100 => (0..kind.classes()).map(|class| class.to_string()).collect(),
            });
        }
        Err(source) => return Err(Error::Io { path, action: "read", source }),
    };
    let names: Vec<_> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    if names.len() != kind.classes() {
        return Err(Error::Format {
            path,
            expected: format!("{} names, one in each line", kind.classes()),
            found: format!("{}", names.len()),
            hint: "remove the file to go without, or fetch it again".into(),
        });
    }
    Ok(names)
}
