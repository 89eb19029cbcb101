//! Folders of tiny data sets, made for one test and removed after it.

use flate2::{Compression, write::GzEncoder};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// A folder that goes when this value does.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder whose name starts with `name`.
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let unique = format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    /// A set like MNIST: six training and four test images of 3 x 2 pixels.
    pub fn mnist(name: &str) -> Self {
        let folder = Self::new(name);
        for (part, count) in [("train", 6), ("t10k", 4)] {
            let pixels: Vec<_> = (0..count * 6).map(|i| (i * 37 % 256) as u8).collect();
            let labels: Vec<_> = (0..count).map(|i| i as u8 + 3).collect();
            folder.write(&format!("{part}-images-idx3-ubyte.gz"), &gzip(&idx(&[count, 3, 2], &pixels)));
            folder.write(&format!("{part}-labels-idx1-ubyte"), &idx(&[count], &labels));
        }
        folder
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).expect("a file can be written");
    }

    /// As a user writes it.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path of plain letters")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An IDX file of bytes.
pub fn idx(extents: &[u32], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| file.extend(extent.to_be_bytes()));
    file.extend(data);
    file
}

/// `data`, compressed.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// CIFAR records: the label bytes, then three planes that are `first`, `first + 1` and `first + 2`.
pub fn cifar(labels: &[&[u8]], first: u8) -> Vec<u8> {
    let planes = [[first; 1024], [first + 1; 1024], [first + 2; 1024]].concat();
    labels.iter().flat_map(|label| [label, &planes[..]].concat()).collect()
}
