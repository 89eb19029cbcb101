//! `residual doctor`: what this machine offers, and whether all is in place.

use super::{
    args,
    screen::{Paint, say},
};
use residual::{Error, simd::Isa};
use serde_json::json;
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

/// Looks at the machine and prints what it finds; the status is 1 where something is missing.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let isa = Isa::from_env()?;
    let available: Vec<_> = Isa::available().iter().map(|isa| isa.name()).collect();
    let folder = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let writable = try_writing(&folder);
    if args.json {
        say(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "system": format!("{} {}", env::consts::OS, env::consts::ARCH),
            "cpu": cpu(),
            "threads": args::available(),
            "isa": { "available": available, "used": isa.name() },
            "folder": { "path": folder, "writable": writable.is_ok() },
        }));
    } else {
        let line = |name: &str, value: String| say(format_args!("{name:<14}{value}"));
        line("residual", env!("CARGO_PKG_VERSION").into());
        line("system", format!("{} {}", env::consts::OS, env::consts::ARCH));
        line("CPU", cpu());
        line("threads", args::available().to_string());
        line("instructions", format!("{}, of {}", isa.name(), available.join(", ")));
        line("folder", format!("{}: {}", folder.display(), verdict(&writable)));
    }
    Ok(if writable.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verdict(writable: &io::Result<()>) -> String {
    let paint = Paint::stdout();
    match writable {
        Ok(()) => format!("{}, runs can be saved", paint.green("writable")),
        Err(error) => format!("{}: {error}; runs need --output FOLDER", paint.red("not writable")),
    }
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
