//! `log.jsonl`: one line of JSON for every step, every epoch, and the end.
//!
//! Lines go to the system one by one, so that a killed run has told all it did; [`Log::sync`] makes
//! them outlast a loss of power. A resumed run first cuts off what it is about to do again.

use super::event::{EpochReport, Summary};
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// A line of the log.
///
/// ```
/// use residual::train::log::Line;
/// let line = Line::Step { step: 1, epoch: 1, loss: 2.5, lr: 0.1 };
/// assert_eq!(serde_json::to_string(&line)?, r#"{"kind":"step","step":1,"epoch":1,"loss":2.5,"lr":0.1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// A step was taken.
    Step {
        /// Steps taken, this one included.
        step: u64,
        /// The epoch that it belongs to, counted from one.
        epoch: usize,
        /// The mean loss of the batch.
        loss: f64,
        /// The learning rate that it was taken at.
        lr: f64,
    },
    /// An epoch ended.
    Epoch(EpochReport),
    /// The training ended.
    End(Summary),
}

/// The log of a run, open for appending.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the log at `path`. Of an old one, the lines up to the first that `keep` refuses stay; they
    /// are returned. A line that is no JSON, as a crash may leave at the end, ends the log as well.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn open(path: &Path, keep: impl Fn(&Line) -> bool) -> Result<(Self, Vec<Line>), Error> {
        let error = |action| move |source| Error::Io { path: path.into(), action, source };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(error("open"))?;
        let old = fs::read(path).map_err(error("read"))?;
        let (mut lines, mut kept) = (Vec::new(), 0);
        for text in old.split_inclusive(|&byte| byte == b'\n') {
            let line = serde_json::from_slice(text).ok().filter(|_| text.ends_with(b"\n"));
            let Some(line) = line.filter(&keep) else { break };
            lines.push(line);
            kept += text.len() as u64;
        }
        file.set_len(kept).map_err(error("cut"))?;
        Ok((Self { path: path.into(), file }, lines))
    }

    /// Appends a line.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line).expect("plain data can be written as JSON");
        text.push(b'\n');
        self.file.write_all(&text).map_err(|source| Error::Io {
            path: self.path.clone(),
            action: "append to",
            source,
        })
    }

    /// Waits until the disk has every line.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::Io { path: self.path.clone(), action: "write", source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_log_is_cut_where_it_goes_on() -> Result<(), Error> {
        let path = std::env::temp_dir().join(format!("residual-log-{}.jsonl", std::process::id()));
        let line = |step| Line::Step { step, epoch: 1, loss: 0.1 + 0.2, lr: 1e-3 / 3.0 };
        let (mut log, old) = Log::open(&path, |_| true)?;
        assert_eq!(old, []);
        (1..=5).try_for_each(|step| log.write(&line(step)))?;
        log.file.write_all(b"{\"kind\":\"st").expect("a torn line");

        let (mut log, old) = Log::open(&path, |_| true)?;
        assert_eq!(old, (1..=5).map(line).collect::<Vec<_>>(), "numbers come back bit for bit");
        log.write(&line(6))?;
        let (mut log, _) = Log::open(&path, |line| !matches!(line, Line::Step { step: 4.., .. }))?;
        log.write(&line(40))?;
        let (_, lines) = Log::open(&path, |_| true)?;
        assert_eq!(lines, [1, 2, 3, 40].map(line));
        fs::remove_file(&path).expect("a file of our own");
        Ok(())
    }
}
