//! IDX, the format of MNIST (LeCun, Cortes and Burges 1998) and Fashion-MNIST (Xiao et al. 2017).
//!
//! ```text
//! 0 0 8 3 | count | height | width | count · height · width bytes      images
//! 0 0 8 1 | count | count bytes                                        labels
//! ```
//!
//! The first four bytes say: unsigned bytes (8), three axes or one. Each extent is a big-endian
//! 32-bit integer. Files may be compressed by gzip, whatever their names say.

use super::{dataset::Images, split::Sets};
use crate::error::Error;
use flate2::bufread::MultiGzDecoder;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Both sets have ten classes.
const CLASSES: usize = 10;

const FASHION: [&str; CLASSES] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// One byte of compressed data becomes at most 1,032 (RFC 1951: two bits, 258 bytes).
const MOST_EXPANSION: u64 = 1032;

/// The two parts of a set, by the names of their files.
const PARTS: [&str; 2] = ["train", "t10k"];
const IMAGES: &str = "images-idx3";
const LABELS: &str = "labels-idx1";

/// Whether `folder` holds any of the files.
pub fn detect(folder: &Path) -> bool {
    PARTS.iter().any(|part| find(folder, part, IMAGES).is_ok())
}

/// Reads `train-` and `t10k-images-idx3-ubyte` and `-labels-idx1-ubyte`, each with or without `.gz`.
///
/// # Errors
/// If a file is missing, damaged, or does not fit the others.
pub fn read(folder: &Path) -> Result<Sets, Error> {
    let [train_path, test_path] = [find(folder, PARTS[0], IMAGES)?, find(folder, PARTS[1], IMAGES)?];
    let (train, test) =
        rayon::join(|| read_part(folder, PARTS[0], &train_path), || read_part(folder, PARTS[1], &test_path));
    let (train, test) = (train?, test?);
    if train.size != test.size {
        let [[h, w, _], [th, tw, _]] = [train.size, test.size];
        return Err(Error::Format {
            path: test_path,
            expected: format!("{h} x {w} pixels as in the training images"),
            found: format!("{th} x {tw}"),
            hint: "both files must come from the same data set".into(),
        });
    }
    Ok(Sets::new(train, test))
}

fn read_part(folder: &Path, part: &str, images: &Path) -> Result<Images, Error> {
    let labels = find(folder, part, LABELS)?;
    let ([count, height, width], pixels) = read_array::<3>(images)?;
    let ([label_count], label_bytes) = read_array::<1>(&labels)?;
    if label_count != count {
        return Err(Error::Format {
            path: labels,
            expected: format!("{count} labels, one for each image"),
            found: format!("{label_count}"),
            hint: "both files must come from the same data set".into(),
        });
    }
    if let Some(at) = label_bytes.iter().position(|&label| usize::from(label) >= CLASSES) {
        return Err(Error::Format {
            path: labels,
            expected: format!("labels below {CLASSES}"),
            found: format!("{} as label {at}", label_bytes[at]),
            hint: "the file is damaged, or not MNIST's or Fashion-MNIST's: fetch it again".into(),
        });
    }
    let fashion = is_fashion(folder);
    let digit = |class: usize| if fashion { FASHION[class].into() } else { class.to_string() };
    Ok(Images {
        name: if fashion { "fashion-mnist" } else { "mnist" }.into(),
        path: Some(folder.into()),
        size: [height, width, 1],
        pixels,
        labels: label_bytes.into_iter().map(usize::from).collect(),
        classes: (0..CLASSES).map(digit).collect(),
    })
}

/// The two sets have the same files; the name of the folder, or of what `raw` is in, tells them apart.
fn is_fashion(folder: &Path) -> bool {
    let mut names = folder.components().rev().map(|name| name.as_os_str().to_string_lossy().to_lowercase());
    names.find(|name| name != "raw").is_some_and(|name| name.contains("fashion"))
}

fn find(folder: &Path, part: &str, kind: &str) -> Result<PathBuf, Error> {
    let plain = folder.join(format!("{part}-{kind}-ubyte"));
    let packed = folder.join(format!("{part}-{kind}-ubyte.gz"));
    [&plain, &packed].into_iter().find(|path| path.is_file()).cloned().ok_or(Error::Format {
        path: folder.into(),
        expected: format!("a file {part}-{kind}-ubyte, or the same with .gz"),
        found: "neither".into(),
        hint: "put all four files of the data set into the folder".into(),
    })
}

/// The extents of an array of bytes with `D` axes, and the bytes. An error if the file is not that,
/// is cut off, or holds more or less than its header announces; no more memory is taken than the
/// bytes that are there need.
fn read_array<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>), Error> {
    let io = |action| move |source| Error::Io { path: path.into(), action, source };
    let file = File::open(path).map_err(io("open"))?;
    let len = file.metadata().map_err(io("read"))?.len();
    let mut file = BufReader::new(file);
    if file.fill_buf().map_err(io("read"))?.starts_with(&[0x1f, 0x8b]) {
        Array { path, most: len.saturating_mul(MOST_EXPANSION) }.read(MultiGzDecoder::new(file))
    } else {
        Array { path, most: len.saturating_sub(header_len(D)) }.read(file)
    }
}

/// The four bytes that name the format, and four for the extent of each axis.
fn header_len(axes: usize) -> u64 {
    4 * (1 + axes as u64)
}

/// An array in a file that cannot hold more than so many bytes.
struct Array<'a> {
    path: &'a Path,
    most: u64,
}

impl Array<'_> {
    fn read<const D: usize>(&self, mut from: impl Read) -> Result<([usize; D], Vec<u8>), Error> {
        let header = self.take(&mut from, header_len(D))?;
        if (header.len() as u64) < header_len(D) || header[..4] != [0, 0, 8, D as u8] {
            return Err(self.error(
                format!("an IDX file that starts with {:?}", [0, 0, 8, D]),
                format!("{:?}", &header[..header.len().min(4)]),
            ));
        }
        let extents: [usize; D] = std::array::from_fn(|axis| {
            let at = 4 * (1 + axis);
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
        });
        let announced = extents.map(|extent| extent.to_string()).join(" x ");
        let product = extents.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
        let Some(expected) = product.filter(|&bytes| bytes > 0 && bytes as u64 <= self.most) else {
            let expected = format!("a header that announces 1 to {} bytes", self.most);
            return Err(self.error(expected, announced));
        };
        // One byte more than announced: to see that there is none, and a compressed file's checksum.
        let data = self.take(&mut from, expected as u64 + 1)?;
        if data.len() != expected {
            let found = if data.len() > expected { "more".into() } else { data.len().to_string() };
            return Err(self.error(format!("{announced} bytes as its header announces"), found));
        }
        Ok((extents, data))
    }

    /// Up to `limit` bytes; the memory grows as they arrive.
    fn take(&self, from: &mut impl Read, limit: u64) -> Result<Vec<u8>, Error> {
        let mut data = Vec::new();
        match from.take(limit).read_to_end(&mut data) {
            Ok(_) => Ok(data),
            Err(source) if is_damage(&source) => {
                Err(self.error("a whole gzip file".into(), format!("damage ({source})")))
            }
            Err(source) => Err(Error::Io { path: self.path.into(), action: "read", source }),
        }
    }

    fn error(&self, expected: String, found: String) -> Error {
        let hint = "the file is damaged or another one: fetch it again".into();
        Error::Format { path: self.path.into(), expected, found, hint }
    }
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}
