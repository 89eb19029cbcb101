//! `residual chapter`: the chapters of the book, and their programs.
//!
//! A chapter's program is a cargo example beside the crate, so cargo builds and runs it.

use super::{
    screen::{note, say},
    table::{Align, Table},
};
use residual::{Error, error::clip, suggest};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// What `residual chapter` takes.
#[derive(clap::Args)]
pub struct Args {
    /// Print the list as one JSON array
    #[arg(long)]
    json: bool,

    /// A chapter's number or name, then what its program takes: --quick, --full, --json or --write
    #[arg(value_names = ["CHAPTER", "FLAGS"], num_args = 0.., trailing_var_arg = true)]
    chapter: Vec<String>,
}

/// The book's chapters: program, title, what it runs, and the seconds on two cores that its page names.
const CHAPTERS: &[Chapter] = &[
    chapter("ch01_convolution", "What a convolution is", "filters on one picture, one learned", 3),
    chapter("ch02_backpropagation", "Backpropagation by hand", "three spirals, the price of a gradient", 13),
    chapter("ch03_gradients", "Trust, but check gradients", "error against step, seven faults", 12),
    chapter("ch04_vanishing", "Vanishing and exploding gradients", "gradients in 4 to 60 layers", 24),
    chapter("ch05_lenet", "LeNet-5", "the network taught and the paper's, moved pictures", 8),
    chapter("ch06_alexnet", "AlexNet", "ReLU and tanh, dropout, damping, two towers", 8),
    chapter("ch07_vgg", "VGG", "one 7x7 or three 3x3, where parameters sit", 20),
    chapter("ch08_googlenet", "GoogLeNet", "the price of branches, what two heads add", 50),
    chapter("ch09_batch_norm", "Batch normalisation", "learning rates, two modes, tiny batches", 17),
    chapter("ch10_degradation", "Degradation and residual learning", "deep nets, plain and residual", 43),
    chapter("ch11_bottlenecks", "Bottlenecks", "two blocks at equal cost, a closed start", 22),
    chapter("ch12_cardinality", "Cardinality: ResNeXt", "one block in three forms, more paths", 30),
    chapter("ch13_fast", "Making convolution fast", "one convolution in eleven forms, rounding", 5),
    chapter("ch14_recipe", "A training recipe", "one ingredient left out at a time, what each does", 12),
    chapter("ch15_weights", "Real weights", "a file's bytes, wrong orders, folded norms", 8),
    chapter("ch16_beyond", "Beyond one machine", "gradients of many workers, a ring, large batches", 6),
];

struct Chapter {
    program: &'static str,
    title: &'static str,
    runs: &'static str,
    seconds: u32,
}

const fn chapter(program: &'static str, title: &'static str, runs: &'static str, seconds: u32) -> Chapter {
    Chapter { program, title, runs, seconds }
}

impl Chapter {
    /// `4` of `ch04_vanishing`.
    fn number(&self) -> &'static str {
        self.program[2..4].trim_start_matches('0')
    }

    /// `vanishing` of `ch04_vanishing`.
    fn name(&self) -> &'static str {
        &self.program[5..]
    }
}

/// Lists the chapters, or runs one; the status is then its program's.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    match args.chapter.split_first() {
        Some((wanted, flags)) => start(find(wanted)?, flags),
        None if args.json => {
            say(CHAPTERS.iter().map(as_json).collect::<Value>());
            Ok(ExitCode::SUCCESS)
        }
        None => {
            list();
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn as_json(chapter: &Chapter) -> Value {
    json!({
        "number": chapter.number(),
        "name": chapter.name(),
        "title": chapter.title,
        "runs": chapter.runs,
        "seconds": chapter.seconds,
        "program": chapter.program,
    })
}

fn list() {
    let mut table = Table::new([
        ("", Align::Right),
        ("name", Align::Left),
        ("chapter", Align::Left),
        ("what it runs", Align::Left),
        ("time", Align::Right),
    ]);
    for chapter in CHAPTERS {
        table.row([
            chapter.number().into(),
            chapter.name().into(),
            chapter.title.into(),
            chapter.runs.into(),
            format!("{} s", chapter.seconds),
        ]);
    }
    say(table);
    say(
        "\n`residual chapter 4` or `residual chapter vanishing` runs one, with --quick in seconds. The time is",
    );
    say("that on two cores, once it is built.");
}

/// The chapter of this number, name or program.
fn find(wanted: &str) -> Result<&'static Chapter, Error> {
    let known = |chapter: &&Chapter| [chapter.number(), chapter.name(), chapter.program].contains(&wanted);
    CHAPTERS.iter().find(known).ok_or_else(|| {
        let wanted = clip(wanted);
        let near = suggest::near(&wanted, CHAPTERS.iter().map(Chapter::name));
        Error::Argument {
            name: "CHAPTER".into(),
            expected: "the number or name of a chapter".into(),
            found: format!("`{wanted}`"),
            hint: match near.first() {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "`residual chapter` lists them".into(),
            },
        }
    })
}

/// Has cargo build the chapter's program and run it.
fn start(chapter: &Chapter, flags: &[String]) -> Result<ExitCode, Error> {
    let root = root()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    note(format_args!("chapter {}, {}", chapter.number(), chapter.title));
    let mut command = Command::new(&cargo);
    command.current_dir(root).args(["run", "--release", "--example", chapter.program, "--"]).args(flags);
    let status = command.status().map_err(|source| match source.kind() {
        ErrorKind::NotFound => Error::Format {
            path: cargo.into(),
            expected: "cargo, which builds the chapters".into(),
            found: "no such program".into(),
            hint: "install Rust, or name cargo in the variable CARGO".into(),
        },
        _ => Error::Io { path: cargo.into(), action: "run", source },
    })?;
    // Cargo says 101 where a program does not build; of a signal there is no number.
    Ok(match status.code() {
        Some(0) => ExitCode::SUCCESS,
        Some(2) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    })
}

/// The folder of the sources: the current one, one above it, or that in which this program was built.
fn root() -> Result<PathBuf, Error> {
    let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let mut folders = here.ancestors().chain([Path::new(env!("CARGO_MANIFEST_DIR"))]);
    folders.find(|folder| holds_sources(folder)).map(Path::to_path_buf).ok_or_else(|| Error::Format {
        path: here.clone(),
        expected: "the sources of residual, here or in a folder above".into(),
        found: "none".into(),
        hint: "go to the folder that they are in".into(),
    })
}

fn holds_sources(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let package = manifest.lines().map(str::trim).skip_while(|line| *line != "[package]").skip(1);
    package.take_while(|line| !line.starts_with('[')).any(|line| line == "name = \"residual\"")
}
