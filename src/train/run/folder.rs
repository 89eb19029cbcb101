//! The folder of a run: what is where, and that no run is ever written over.

use crate::{
    checkpoint::write_atomically,
    error::{Error, clip_to},
    train::Config,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where runs go unless told otherwise.
const RUNS: &str = "runs";

/// The folder of a run, which exists.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder that `config` asks for, or the next free `runs/<model>-<data>-<n>`, and writes
    /// `config.json` into it.
    pub fn create(config: &Config, data: &str) -> Result<Self, Error> {
        let folder = match &config.output {
            Some(path) => Self(path.clone()),
            None => Self::numbered(&format!("{}-{data}", config.model))?,
        };
        fs::create_dir_all(&folder.0).map_err(folder.refused("create"))?;
        if let Some(old) = [folder.config(), folder.log(), folder.state(), folder.last(), folder.best()]
            .into_iter()
            .find(|path| path.exists())
        {
            return Err(Error::Argument {
                name: "--output".into(),
                expected: "a folder without a run".into(),
                found: old.display().to_string(),
                hint: format!("go on with --resume {}, or name another folder", folder.0.display()),
            });
        }
        let mut text = serde_json::to_vec_pretty(config).expect("plain data can be written as JSON");
        text.push(b'\n');
        write_atomically(&folder.config(), &text)?;
        Ok(folder)
    }

    /// The first of `runs/<name>-1`, `-2`, ... that did not exist; now it does, so that two runs that
    /// start at once do not share it.
    fn numbered(name: &str) -> Result<Self, Error> {
        let runs = Self(RUNS.into());
        fs::create_dir_all(&runs.0).map_err(runs.refused("create"))?;
        for n in 1u64.. {
            let folder = Self(runs.0.join(format!("{name}-{n}")));
            match fs::create_dir(&folder.0) {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(folder.refused("create")(error)),
            }
        }
        unreachable!("no disk has 2⁶⁴ folders")
    }

    /// The folder of an existing run, and what the run follows from.
    pub fn open(path: &Path) -> Result<(Self, Config), Error> {
        let folder = Self(path.into());
        let text = match fs::read(folder.config()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Argument {
                    name: "--resume".into(),
                    expected: "the folder of a run".into(),
                    found: format!("no config.json in {}", path.display()),
                    hint: "give the folder that `residual train` named, such as runs/resnet8-fashion-mnist-1"
                        .into(),
                });
            }
            Err(error) => return Err(Self(folder.config()).refused("read")(error)),
        };
        let config = serde_json::from_slice(&text).map_err(|error| Error::Format {
            path: folder.config(),
            expected: "the configuration of a run".into(),
            found: clip_to(500, &error.to_string()),
            hint: "mend the file, or start a new run".into(),
        })?;
        Ok((folder, config))
    }

    fn refused(&self, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = self.0.clone();
        move |source| Error::Io { path, action, source }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("log.jsonl")
    }

    pub fn state(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    pub fn last(&self) -> PathBuf {
        self.0.join("last.safetensors")
    }

    pub fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    pub fn curves(&self) -> PathBuf {
        self.0.join("curves.svg")
    }
}
