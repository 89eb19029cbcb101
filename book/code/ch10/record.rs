//! The long experiment: `--full` prints it as JSON, which the book keeps and draws.

use super::{
    common::Report,
    depths::Plan,
    training::{Recipe, Run},
};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path, time::SystemTime};

/// The pictures of the small experiment, four times as many, and a longer training.
pub const LONG: Recipe = Recipe { images: 4096, batch: 64, epochs: 16, lr: 0.05 };

/// What `--full` prints.
#[derive(Serialize, Deserialize)]
pub struct Record {
    pub command: String,
    pub machine: String,
    pub date: String,
    pub recipe: Recipe,
    pub runs: Vec<Run>,
}

impl Record {
    /// The one that the book keeps.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/out/ch10-full.json");
        let text = fs::read_to_string(path).expect("the record comes with the book");
        serde_json::from_str(&text).expect("the record is what this program printed")
    }
}

/// Trains all networks, and prints what came out.
pub fn make(report: &mut Report, plan: &Plan) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let record = Record {
        command: "cargo run --release --example ch10_degradation -- --full > book/src/out/ch10-full.json"
            .into(),
        machine: format!("{threads} threads, {}", residual::simd::Isa::current()),
        date: today(),
        recipe: plan.recipe,
        runs: plan.trainings().0,
    };
    report.line(serde_json::to_string_pretty(&record).expect("plain data can be written as JSON"));
}

/// The date in Greenwich: days since 1970, taken off year by year and month by month.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (mut days, mut year, mut month) = (seconds / 86_400, 1970, 1);
    let leap = |year: u64| {
        u64::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)))
    };
    while days >= 365 + leap(year) {
        days -= 365 + leap(year);
        year += 1;
    }
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while days >= lengths[month - 1] {
        days -= lengths[month - 1];
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}
