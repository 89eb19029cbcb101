//! A file is there, whole, or is what it was before.

use crate::error::Error;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Writes beside `path`, waits until the disk has it, and renames: whoever reads `path` sees the old
/// bytes or the new, never a part. After a loss of power as well: the folder is synced too.
///
/// # Errors
/// If the system refuses; then the old file is as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, |file| file.write_all(bytes)).map_err(|source| Error::Io {
        path: path.into(),
        action: "write",
        source,
    })
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A device or a pipe has no old content to keep, and a rename would put a file in its place.
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return fs::OpenOptions::new().write(true).open(path).and_then(|mut device| write(&mut device));
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".partial");
    let beside = path.with_file_name(beside);
    let written = File::create(&beside)
        .and_then(|mut file| write(&mut file).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What failed is worth telling; that the remains could not be removed as well is not.
        let _ = fs::remove_file(&beside);
    } else if cfg!(unix) {
        // The new file is in place. A file system that cannot sync folders may still forget so.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_write_leaves_the_old_file() {
        let folder = std::env::temp_dir().join(format!("residual-atomic-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        let path = folder.join("weights");
        write_atomically(&path, b"old").expect("a file that can be written");
        let failed = replace(&path, |file| {
            file.write_all(b"half of the ne")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("the old file"), b"old");
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1, "no remains");
        fs::remove_dir_all(&folder).expect("a folder of our own");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_and_a_device_stays_one() {
        let full = Path::new("/dev/full");
        let error = write_atomically(full, b"anything").expect_err("a full disk").to_string();
        assert!(error.starts_with("/dev/full: cannot write: "), "{error}");
        assert!(!fs::metadata(full).expect("the device").is_file());
        write_atomically(Path::new("/dev/null"), b"anything").expect("a device that takes all");
    }
}
