//! [`open`]: from what a user writes to a data set.

use super::{cifar, idx, split::Sets};
use crate::{
    error::{Error, clip_to},
    suggest,
};
use std::path::{Path, PathBuf};

/// The data sets that are known by name.
pub const NAMES: [&str; 4] = ["fashion-mnist", "mnist", "cifar10", "cifar100"];

/// Where the set that comes with the crate is, relative to its root.
const FASHION_MNIST: &str = "datasets/fashion-mnist";

/// Opens `fashion-mnist`, which comes with the crate, or a folder: its files tell whether it holds
/// MNIST or Fashion-MNIST (IDX), CIFAR-10 or CIFAR-100 (binary version).
///
/// ```no_run
/// let sets = residual::data::open("fashion-mnist")?;
/// assert_eq!((sets.train.len(), sets.test.len()), (60_000, 10_000));
/// # Ok::<(), residual::Error>(())
/// ```
///
/// # Errors
/// If there is no such name or folder, the folder holds none of the four sets, or a file is damaged.
pub fn open(name_or_path: &str) -> Result<Sets, Error> {
    let path = Path::new(name_or_path);
    if name_or_path == NAMES[0] {
        idx::read(&fashion_mnist()?)
    } else if path.is_dir() {
        open_folder(path)
    } else if path.exists() {
        Err(argument(
            "a folder",
            format!("the file `{name_or_path}`"),
            "give the folder that it is in".into(),
        ))
    } else {
        Err(unknown(name_or_path))
    }
}

/// In the current folder, or where the crate was built.
fn fashion_mnist() -> Result<PathBuf, Error> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(FASHION_MNIST);
    let places = [PathBuf::from(FASHION_MNIST), built];
    places.iter().find(|place| place.is_dir()).cloned().ok_or_else(|| {
        let [here, built] = places.map(|place| place.display().to_string());
        argument(
            "the folder of Fashion-MNIST",
            format!("neither {here} here nor {built}"),
            "run from the root of the repository, or give the folder: --data PATH".into(),
        )
    })
}

fn open_folder(folder: &Path) -> Result<Sets, Error> {
    if idx::detect(folder) {
        return idx::read(folder);
    }
    if let Some(kind) = cifar::Kind::detect(folder) {
        return cifar::read(folder, kind);
    }
    let python = ["data_batch_1", "train"].iter().any(|name| folder.join(name).is_file());
    Err(Error::Format {
        path: folder.into(),
        expected: "train-images-idx3-ubyte (MNIST, with or without .gz), data_batch_1.bin (CIFAR-10) or \
                   train.bin (CIFAR-100)"
            .into(),
        found: if python { "CIFAR's Python version" } else { "none of them" }.into(),
        hint: if python { "fetch the binary version" } else { "give the folder that the files are in" }
            .into(),
    })
}

fn unknown(name: &str) -> Error {
    let found = format!("`{}`", clip_to(500, name));
    if NAMES.contains(&name) {
        let hint = format!("{name} does not come with the program: fetch it, then --data PATH");
        return argument("fashion-mnist, or the folder that the files are in", found, hint);
    }
    let near = suggest::near(name, NAMES);
    let hint = match near.first() {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "there is no such folder".into(),
    };
    argument("fashion-mnist, or the folder of MNIST, CIFAR-10 or CIFAR-100", found, hint)
}

fn argument(expected: &str, found: String, hint: String) -> Error {
    Error::Argument { name: "--data".into(), expected: expected.into(), found, hint }
}
