//! What every chapter's program is made of: a [`Budget`] comes in, a [`Report`] goes out, [`main`]
//! prints it and, when asked, writes it where the book's pages include it.
//!
//! `tests/book.rs` runs every chapter with `--quick --json` and compares with what is committed.
#![allow(dead_code, reason = "each chapter uses its part")]

pub mod chart;
pub mod picture;
pub mod record;
pub mod small;
pub mod training;

use serde::Serialize;
use serde_json::{Map, Value};
use std::{fmt::Display, fs, path::Path, process::ExitCode, time::Instant};

/// How much work a chapter's experiments may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Seconds: what the tests run.
    Quick,
    /// Under a minute on two cores: what the book shows.
    Standard,
    /// The experiment in real size.
    Full,
}

/// What a chapter's experiments found.
#[derive(Default, Serialize)]
pub struct Report {
    /// What the program prints.
    pub text: String,
    /// Name and text of every number that the prose quotes.
    pub values: Vec<(String, String)>,
    /// Name and SVG of every figure.
    pub figures: Vec<(String, String)>,
    /// What the chapter claims, and whether it came out so.
    pub claims: Vec<(String, bool)>,
    /// What a full run found, to be kept.
    #[serde(skip)]
    pub record: Option<record::Record>,
}

impl Report {
    /// Adds a line to the text.
    pub fn line(&mut self, line: impl Display) {
        self.text.push_str(line.to_string().trim_end());
        self.text.push('\n');
    }

    /// What `write` adds to the text becomes a part that a page includes as `out/chNN.txt:NAME`.
    pub fn part(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.line(format!("# ANCHOR: {name}"));
        write(self);
        self.line(format!("# ANCHOR_END: {name}"));
        self.line("");
    }

    /// Adds a table, columns aligned, the first to the left and the others to the right.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).chain([header[column].chars().count()]).max()
        };
        let widths: Vec<_> = (0..header.len()).map(|column| width(column).unwrap_or(0)).collect();
        let laid_out = |cells: &mut dyn Iterator<Item = &str>| {
            let cells = cells.zip(&widths).enumerate().map(|(i, (cell, &width))| match i {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ")
        };
        self.line(laid_out(&mut header.iter().copied()));
        for row in rows {
            self.line(laid_out(&mut row.iter().map(String::as_str)));
        }
    }

    /// Names a number that the prose quotes: there, `0.125<!-- name -->` has to show the same.
    ///
    /// A text that starts with `≈` is compared within a factor of two: rounding noise differs from
    /// one machine's vectors to another's.
    pub fn value(&mut self, name: &str, text: impl Display) {
        self.values.push((name.into(), text.to_string()));
    }

    /// States a claim. It must hold at every budget.
    pub fn claim(&mut self, claim: impl Into<String>, holds: bool) {
        self.claims.push((claim.into(), holds));
    }

    /// Adds a figure, which the page includes as `out/NAME.svg`.
    pub fn figure(&mut self, name: &str, svg: String) {
        self.figures.push((name.into(), svg));
    }

    /// The values as JSON, one a line.
    fn json(&self) -> String {
        let values: Map<_, _> =
            self.values.iter().map(|(name, text)| (name.clone(), Value::from(text.clone()))).collect();
        format!("{:#}\n", Value::Object(values))
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// What a chapter's program is asked for.
struct Arguments {
    budget: Budget,
    json: bool,
    write: bool,
}

impl Arguments {
    fn parse() -> Result<Self, String> {
        let mut all = Self { budget: Budget::Standard, json: false, write: false };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--quick" => all.budget = Budget::Quick,
                "--full" => all.budget = Budget::Full,
                "--json" => all.json = true,
                "--write" => all.write = true,
                other => {
                    let known = "--quick, --full, --json or --write (renews the book's numbers and figures)";
                    return Err(format!("{other}: expected {known}"));
                }
            }
        }
        let unfit = all.write && all.budget == Budget::Quick;
        if unfit { Err("--write: the book shows the usual size; leave out --quick".into()) } else { Ok(all) }
    }
}

/// The program of chapter `name`, "ch03": prints the report, and with `--write` writes it to `book/src/out`.
pub fn main(name: &str, run: fn(Budget) -> Report) -> ExitCode {
    // On a thread of the pool: from outside, every operation would wake one.
    let done = Arguments::parse().map(|arguments| rayon::scope(|_| print(name, run, &arguments)));
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(2)
    })
}

fn print(name: &str, run: fn(Budget) -> Report, arguments: &Arguments) -> ExitCode {
    let start = Instant::now();
    let report = run(arguments.budget);
    if arguments.json {
        println!("{}", serde_json::json!(report));
    } else {
        let is_mark = |line: &&str| line.starts_with("# ANCHOR");
        report.text.lines().filter(|line| !is_mark(line)).for_each(|line| println!("{line}"));
    }
    eprintln!("{:.1} s", start.elapsed().as_secs_f64());
    for (claim, _) in report.claims.iter().filter(|(_, holds)| !holds) {
        eprintln!("does not hold: {claim}");
    }
    if arguments.write {
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/out");
        let written = match &report.record {
            Some(record) => write_record(&out.join(format!("{name}.full.json")), record),
            None => write_all(&out, name, &report, &run(Budget::Quick)),
        };
        if let Err(error) = written {
            eprintln!("{}: cannot write: {error}", out.display());
            return ExitCode::FAILURE;
        }
    }
    if report.claims.iter().all(|(_, holds)| *holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_record(path: &Path, record: &record::Record) -> std::io::Result<()> {
    fs::write(path, format!("{:#}\n", serde_json::to_value(record)?))
}

/// The standard report's text, values and figures, and the quick one's text and values where they differ.
fn write_all(out: &Path, name: &str, standard: &Report, quick: &Report) -> std::io::Result<()> {
    fs::write(out.join(format!("{name}.txt")), &standard.text)?;
    fs::write(out.join(format!("{name}.json")), standard.json())?;
    for (figure, svg) in &standard.figures {
        fs::write(out.join(format!("{figure}.svg")), svg)?;
    }
    let same = (&standard.text, &standard.values) == (&quick.text, &quick.values);
    for (extension, content) in [("txt", &quick.text), ("json", &quick.json())] {
        let path = out.join(format!("{name}.quick.{extension}"));
        if !same {
            fs::write(path, content)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
