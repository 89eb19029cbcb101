//! Values that several commands take, and what makes one valid.

use clap::Args;
use residual::Error;
use std::{fmt, num::NonZeroUsize};

/// How many threads work.
#[derive(Args)]
pub struct Threads {
    /// How many threads to use; as many as the machine has, unless said
    #[arg(long, value_name = "N", value_parser = threads, allow_hyphen_values = true)]
    threads: Option<usize>,
}

impl Threads {
    /// Builds the pool that all operations share, and does the work on one of its threads: from any other, each
    /// operation would have to wake one.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> Result<R, Error> + Send) -> Result<R, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads.unwrap_or_else(available));
        pool.build_global().map_err(|error| Error::Argument {
            name: "--threads".into(),
            expected: "a number of threads that the system can start".into(),
            found: error.to_string(),
            hint: "try --threads 1".into(),
        })?;
        rayon::scope(|_| work())
    }
}

/// How many threads the machine runs at once.
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Why a value is refused: what is wanted, and an example.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// As in "expected *a number above 0*".
    pub what: &'static str,
    /// A value that works.
    pub example: &'static str,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, such as {}", self.what, self.example)
    }
}

impl std::error::Error for Wanted {}

/// A whole number of at least 1.
pub fn count(text: &str) -> Result<usize, Wanted> {
    let wanted = Wanted { what: "a whole number of at least 1", example: "4" };
    text.parse().ok().filter(|&n| n > 0).ok_or(wanted)
}

/// A number of classes, channels, pixels or images that memory can hold.
pub fn size(text: &str) -> Result<usize, Wanted> {
    let wanted = Wanted { what: "a whole number from 1 to 65,536", example: "32" };
    text.parse().ok().filter(|n| (1..=1 << 16).contains(n)).ok_or(wanted)
}

/// A number of threads; more than a machine has are fine.
fn threads(text: &str) -> Result<usize, Wanted> {
    let wanted = Wanted { what: "a whole number from 1 to 1024", example: "2" };
    text.parse().ok().filter(|n| (1..=1024).contains(n)).ok_or(wanted)
}

/// A whole number.
pub fn whole(text: &str) -> Result<u64, Wanted> {
    text.parse().map_err(|_| Wanted { what: "a whole number of at least 0", example: "7" })
}

/// A finite number above 0.
pub fn positive(text: &str) -> Result<f64, Wanted> {
    let wanted = Wanted { what: "a number above 0", example: "0.1" };
    number(text).filter(|&x| x > 0.0).ok_or(wanted)
}

/// A finite number of at least 0.
pub fn not_negative(text: &str) -> Result<f64, Wanted> {
    let wanted = Wanted { what: "a number of at least 0", example: "0.0005" };
    number(text).filter(|&x| x >= 0.0).ok_or(wanted)
}

/// A number from 0 up to, but not, 1.
pub fn fraction(text: &str) -> Result<f64, Wanted> {
    let wanted = Wanted { what: "a number of at least 0 and below 1", example: "0.9" };
    number(text).filter(|x| (0.0..1.0).contains(x)).ok_or(wanted)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|x: &f64| x.is_finite())
}
