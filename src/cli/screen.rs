//! Writing to the terminal: results to stdout, the rest to stderr.

use residual::Error;
use std::{
    env,
    fmt::Display,
    io::{self, ErrorKind, IsTerminal, Write},
    process,
};

/// Prints a result on stdout.
///
/// Where the reader has gone (`residual models | head -1`), there is nobody left to work for, and
/// the program ends in silence.
pub fn say(line: impl Display) {
    if let Err(error) = writeln!(io::stdout().lock(), "{line}") {
        if error.kind() != ErrorKind::BrokenPipe {
            note(format_args!("error: stdout: cannot write: {error}"));
            process::exit(1);
        }
        process::exit(0);
    }
}

/// Prints progress or advice on stderr; a closed stderr loses it.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints an error on one line of stderr.
pub fn error(error: &Error) {
    let text = error.to_string();
    let line: Vec<_> = text.lines().map(str::trim).collect();
    let line = line.join("; ") + advice(error);
    note(format_args!("{} {line}", Paint::stderr().red("error:")));
}

/// What to do where the system alone speaks; all other errors say it themselves.
fn advice(error: &Error) -> &'static str {
    let Error::Io { source, .. } = error else { return "" };
    match source.kind() {
        ErrorKind::NotFound => "; check the path",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "; check who may use it",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room, or name another disk",
        _ => "; name another path",
    }
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// For text that goes to stdout.
    pub fn stdout() -> Self {
        Self(wanted() && io::stdout().is_terminal())
    }

    /// For text that goes to stderr.
    pub fn stderr() -> Self {
        Self(wanted() && io::stderr().is_terminal())
    }

    /// Bold red: it went wrong.
    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// Green: it is well.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Bold: a heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

/// Neither `NO_COLOR` (any value but the empty one) nor a terminal that knows no colours.
fn wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
}
