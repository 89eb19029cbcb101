//! What a long run found, kept: `--full --write` makes `book/src/out/chNN.full.json`, and every shorter
//! run of the chapter shows what is in it.

use super::Report;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// A long run.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// Which processor, and how many threads it gave.
    pub machine: String,
    /// The day it ended, in UTC.
    pub date: String,
    pub command: String,
    pub minutes: f64,
    /// Each training.
    pub runs: Vec<Run>,
    /// What was timed, and its milliseconds.
    pub times: Vec<(String, f64)>,
    /// What else was found: a name, and its numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<(String, Vec<f64>)>,
}

/// One training.
#[derive(Clone, Serialize, Deserialize)]
pub struct Run {
    /// Of the network.
    pub name: String,
    pub seed: u64,
    /// The mean training loss of the last steps.
    pub loss: f64,
    /// On unseen pictures, in percent.
    pub accuracy: f64,
}

impl Record {
    /// A record of what `command` did here, just now, in so many minutes.
    pub fn new(command: &str, minutes: f64, runs: Vec<Run>) -> Self {
        let (minutes, command) = ((10.0 * minutes).round() / 10.0, command.into());
        Self {
            machine: machine(),
            date: today(),
            command,
            minutes,
            runs,
            times: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The committed record of chapter `name`, "ch12".
    pub fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("book/src/out/{name}.full.json"));
        let text = fs::read_to_string(&path).map_err(|error| error.to_string());
        text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))
            .unwrap_or_else(|error| panic!("{}: {error}; --full --write makes it", path.display()))
    }

    /// Where and when, in a line.
    pub fn origin(&self) -> String {
        format!("Recorded on {} by `{}`: {}, {} minutes", self.date, self.command, self.machine, self.minutes)
    }

    /// The accuracies of the network called `name`, one for each seed.
    pub fn accuracies(&self, name: &str) -> Vec<f64> {
        self.of(name, |run| run.accuracy)
    }

    /// Its last training losses.
    pub fn losses(&self, name: &str) -> Vec<f64> {
        self.of(name, |run| run.loss)
    }

    /// What the network `to` has above `from`, in points, seed by seed.
    pub fn gains(&self, from: &str, to: &str) -> Vec<f64> {
        let [from, to] = [from, to].map(|name| self.accuracies(name));
        to.iter().zip(&from).map(|(to, from)| to - from).collect()
    }

    /// A row for each of the networks called `names`; numbers that another processor would change are marked.
    pub fn table(&self, report: &mut Report, kind: &str, names: &[String], mark: &str) {
        let row = |name: &String| {
            let accuracies = self.accuracies(name);
            let loss = format!("{mark}{:.3}", mean(&self.losses(name)));
            let (low, high) = ends(&accuracies);
            let percents = [mean(&accuracies), low, high].map(|a| format!("{mark}{a:.2}"));
            [vec![name.clone(), loss], percents.to_vec()].concat()
        };
        let rows: Vec<_> = names.iter().map(row).collect();
        report.table(&[kind, "loss", "% right", "lowest", "highest"], &rows);
    }

    fn of(&self, name: &str, what: impl Fn(&Run) -> f64) -> Vec<f64> {
        self.runs.iter().filter(|run| run.name == name).map(what).collect()
    }

    /// The numbers of `name`.
    pub fn row(&self, name: &str) -> &[f64] {
        let row = self.rows.iter().find(|(known, _)| known == name);
        &row.unwrap_or_else(|| panic!("the record has no {name}")).1
    }

    /// The milliseconds of `name`.
    pub fn time(&self, name: &str) -> f64 {
        let time = self.times.iter().find(|(timed, _)| timed == name);
        time.unwrap_or_else(|| panic!("the record has no time of {name}")).1
    }
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation, from the mean of the values themselves and so over one less than there are.
pub fn deviation(values: &[f64]) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean(values)).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// How far the mean of so many values may be off.
pub fn standard_error(values: &[f64]) -> f64 {
    deviation(values) / (values.len() as f64).sqrt()
}

/// The lowest and the highest.
pub fn ends(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0), |(low, high), &value| (value.min(low), value.max(high)))
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {threads} threads", model.map_or(std::env::consts::ARCH, |(_, model)| model))
}

/// Year, month and day in UTC.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut day) = (1970, seconds / 86_400);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for days in months {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}
