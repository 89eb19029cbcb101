//! [`Error`]: everything that bad *input* can cause. A bug panics instead.

use std::{fmt, io, path::PathBuf};

/// What went wrong with a file, an argument or a set of weights: where, what was expected, what
/// was found, and what to do.
///
/// ```
/// use residual::Error;
/// let error = Error::Argument {
///     name: "--lr".into(),
///     expected: "a positive number".into(),
///     found: "`abc`".into(),
///     hint: "try --lr 0.1".into(),
/// };
/// assert_eq!(error.to_string(), "--lr: expected a positive number, found `abc`; try --lr 0.1");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The system refused a file.
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot *read*".
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    Format {
        /// Which file.
        path: PathBuf,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
        /// What to do.
        hint: String,
    },
    /// A value given by the user cannot be used.
    Argument {
        /// The flag, variable or field.
        name: String,
        /// What it takes.
        expected: String,
        /// What it was given.
        found: String,
        /// What to do.
        hint: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, action, source } => write!(f, "{}: cannot {action}: {source}", path.display()),
            Self::Format { path, expected, found, hint } => {
                write!(f, "{}: expected {expected}, found {found}; {hint}", path.display())
            }
            Self::Argument { name, expected, found, hint } => {
                write!(f, "{name}: expected {expected}, found {found}; {hint}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
