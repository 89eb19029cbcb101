//! `residual train`: from nothing to tested weights.

mod progress;
mod recipe;
mod report;

use super::{
    args::Threads,
    network::Network,
    screen::{self, note, say},
    table::thousands,
};
use progress::Progress;
use recipe::Recipe;
use report::{ending, plan, quoted};
use residual::{
    Error,
    train::{Outcome, Run},
};
use serde_json::json;
use std::{
    path::PathBuf,
    process::{self, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The status of a program that an interrupt ended.
const INTERRUPTED: u8 = 130;

/// What `residual train` takes.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    network: Option<Network>,
    #[command(flatten)]
    recipe: Recipe,
    /// Go on with the run in this folder, as it was configured
    #[arg(long, value_name = "DIR", conflicts_with_all = ["Recipe", "Network"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object at the end, and nothing else on stdout
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Ctrl-C finishes the step, saves everything and exits with status 130; `--resume DIR` goes on from
there. A second Ctrl-C quits at once.";

/// Trains.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    args.threads.run(|| train(args))
}

fn train(args: &Args) -> Result<ExitCode, Error> {
    let mut run = match &args.resume {
        Some(folder) => Run::resume(folder)?,
        None => {
            let config = args.recipe.config(args.network.as_ref())?;
            args.recipe.check_fit(&config)?;
            Run::new(config)?
        }
    };
    run.skipped().iter().for_each(note);
    let plan = plan(&mut run);
    if args.json {
        note(plan)
    } else {
        say(plan)
    }
    if let Some(summary) = run.summary() {
        let weights = quoted(&summary.weights);
        note(format_args!("this run has finished; a new one goes on from it with --weights {weights}"));
    }
    let stop = stop_on_interrupt();
    let mut progress = Progress::new(run.epochs(), args.json);
    let outcome = run.train(&stop, &mut |event| progress.observe(event));
    progress.finish();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        // The command line was taken; whatever it names now, the work has failed.
        Err(error) => {
            screen::error(&error);
            return Ok(ExitCode::FAILURE);
        }
    };
    Ok(match outcome {
        Outcome::Finished(summary) => {
            if args.json {
                say(json!(summary))
            } else {
                say(ending(&summary))
            }
            ExitCode::SUCCESS
        }
        Outcome::Stopped { step, steps } => {
            let folder = run.folder();
            if args.json {
                say(json!({ "stopped": true, "step": step, "steps": steps, "folder": folder }));
            }
            note(format_args!(
                "stopped after step {} of {}; all is saved",
                thousands(step),
                thousands(steps)
            ));
            note(format_args!("go on with: residual train --resume {}", quoted(folder)));
            ExitCode::from(INTERRUPTED)
        }
    })
}

/// The first interrupt asks for an end, the second ends.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let handler = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
        note("\nfinishing the step and saving; press Ctrl-C again to quit at once");
    });
    if let Err(error) = handler {
        note(format_args!("warning: Ctrl-C will not save: {error}"));
    }
    stop
}
