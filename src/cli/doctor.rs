//! `residual doctor`: what this machine offers, and whether all is in place.

use super::{
    args,
    screen::{Paint, say},
    table::{metric, thousands},
};
use residual::{
    Error,
    data::{self, Sets},
    kernels::peak,
    simd::Isa,
};
use serde_json::{Value, json};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{self, ExitCode},
};

/// What `residual doctor` takes.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was found.
struct Findings {
    isa: Isa,
    flops: f64,
    data: Result<Sets, Error>,
    folder: PathBuf,
    writable: io::Result<()>,
}

/// Looks at the machine and prints what it finds; the status is 1 where something is missing.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let isa = Isa::from_env()?;
    let folder = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let findings = Findings {
        isa,
        flops: (0..20).map(|_| peak::flops::<f32>(isa)).fold(0.0, f64::max),
        data: data::open(data::NAMES[0]),
        writable: try_writing(&folder),
        folder,
    };
    if args.json {
        say(findings.as_json())
    } else {
        findings.print()
    }
    let well = findings.data.is_ok() && findings.writable.is_ok();
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Findings {
    fn as_json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "system": system(),
            "cpu": cpu(),
            "threads": args::available(),
            "isa": { "available": instructions(), "used": self.isa.name() },
            "peak_gflops_per_thread": (self.flops / 1e8).round() / 10.0,
            "data": {
                "name": data::NAMES[0],
                "found": self.data.is_ok(),
                "error": self.data.as_ref().err().map(Error::to_string),
            },
            "folder": {
                "path": self.folder.display().to_string(),
                "writable": self.writable.is_ok(),
                "error": self.writable.as_ref().err().map(io::Error::to_string),
            },
        })
    }

    fn print(&self) {
        let line = |name: &str, value: String| say(format_args!("{name:<14}{value}"));
        line("residual", env!("CARGO_PKG_VERSION").into());
        line("system", system());
        line("CPU", cpu());
        line("threads", args::available().to_string());
        line("instructions", format!("{} (of {})", self.isa, instructions().join(", ")));
        line("peak", format!("{}FLOP/s in f32 on one thread, just measured", metric(self.flops)));
        let paint = Paint::stdout();
        line(
            data::NAMES[0],
            match &self.data {
                Ok(Sets { train, test }) => format!(
                    "{}, {} training and {} test images",
                    paint.green("readable"),
                    thousands(train.len()),
                    thousands(test.len())
                ),
                Err(error) => format!("{}: {error}", paint.red("not readable")),
            },
        );
        let folder = self.folder.display();
        line(
            "this folder",
            match &self.writable {
                Ok(()) => format!("{}: {folder}", paint.green("writable")),
                Err(error) => {
                    format!("{}: {folder}: {error}; train with --output DIR", paint.red("not writable"))
                }
            },
        );
    }
}

fn instructions() -> Vec<&'static str> {
    Isa::available().iter().map(|isa| isa.name()).collect()
}

fn system() -> String {
    format!("{} {}", env::consts::OS, env::consts::ARCH)
}

/// Permissions lie (read-only mounts, full disks); a file that was written does not.
fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".residual-doctor-{}", process::id()));
    let written = fs::write(&probe, b"probe");
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

/// The processor's name where the system tells, else its architecture.
fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| env::consts::ARCH.into(), |(_, name)| name.trim().into())
}
