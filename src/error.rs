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
    /// Weights belong to another network.
    Weights {
        /// Which file.
        path: PathBuf,
        /// The network that it says it is of, if it does.
        model: Option<String>,
        /// What does not fit.
        mismatch: WeightMismatch,
    },
}

/// How the weights of a file differ from those of a network.
///
/// ```
/// use residual::error::WeightMismatch;
/// let mismatch = WeightMismatch { missing: vec!["fc.bias".into()], ..WeightMismatch::default() };
/// assert_eq!(mismatch.to_string(), "1 missing (fc.bias)");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightMismatch {
    /// The network has them, the file does not.
    pub missing: Vec<String>,
    /// The file has them, the network does not.
    pub unexpected: Vec<String>,
    /// Both have them, in different shapes.
    pub misshaped: Vec<String>,
}

impl WeightMismatch {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        [&self.missing, &self.unexpected, &self.misshaped].iter().all(|names| names.is_empty())
    }
}

impl fmt::Display for WeightMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("of another shape", &self.misshaped),
        ];
        let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
        let kinds = kinds.map(|(kind, names)| format!("{} {kind} ({})", names.len(), listed(names)));
        f.write_str(&kinds.collect::<Vec<_>>().join(", "))
    }
}

/// The first ten, and how many more there are.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown}, and {} more", names.len() - SHOWN) } else { shown }
}

/// A text from a file, such as a name, short enough for a message: its first 100 characters, and no line's end.
///
/// ```
/// use residual::error::clip;
/// assert_eq!(clip("fc.weight"), "fc.weight");
/// assert_eq!(clip("two\nlines"), r"two\nlines");
/// assert_eq!(clip("the \"first\" layer's"), "the \"first\" layer's");
/// assert_eq!(clip(&"x".repeat(1000)).chars().count(), 101);
/// ```
pub fn clip(text: &str) -> String {
    clip_to(100, text)
}

/// The same, with another length: whatever the text, no more than that of it is looked at.
pub(crate) fn clip_to(most: usize, text: &str) -> String {
    let quotes = |c: &char| ['"', '\''].contains(c);
    let escaped = |c: char| {
        let plain = Some(c).filter(quotes);
        plain.into_iter().chain(c.escape_debug().filter(move |_| plain.is_none()))
    };
    let mut escaped = text.chars().flat_map(escaped);
    let mut shown: String = escaped.by_ref().take(most).collect();
    shown.extend(escaped.next().map(|_| '…'));
    shown
}

/// A shape or an index from a file, which may have thousands of axes: the first eight.
pub(crate) fn extents(all: &[usize]) -> String {
    const SHOWN: usize = 8;
    match all.split_at_checked(SHOWN + 1) {
        None => format!("{all:?}"),
        Some(_) => {
            let shown = all[..SHOWN].iter().map(|extent| format!("{extent}, ")).collect::<String>();
            format!("[{shown}…] of {} axes", all.len())
        }
    }
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
            Self::Weights { path, model, mismatch } => {
                let found = match model {
                    Some(model) => format!("those of a {model}"),
                    None => "others".into(),
                };
                write!(
                    f,
                    "{}: expected this network's weights, found {found}: {mismatch}; nothing was loaded, name \
                     the network, classes and channels that they are for",
                    path.display()
                )
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
