//! The command line: what the commands share, and how they end.
//!
//! Results go to stdout, progress and errors to stderr. The exit status is 0 when all went well, 1
//! when the work failed, 2 when the command line was wrong, and 130 after Ctrl-C.

mod args;
mod bar;
mod chapter;
mod doctor;
mod eval;
mod forward;
mod gradcheck;
mod models;
mod network;
mod predict;
mod screen;
mod summary;
mod table;
mod train;
mod usage;

use clap::{CommandFactory, Parser, Subcommand};
use residual::{Error, ops::conv2d::winograd, simd::Isa};
use std::process::ExitCode;

/// Train, evaluate and take apart the classic convolutional networks, from LeNet-5 to ResNeXt.
#[derive(Parser)]
#[command(name = "residual", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Begin with `residual train`: it trains on Fashion-MNIST, which comes with the program.

Environment: RESIDUAL_ISA=scalar|avx2|avx512|neon forces the vector instructions; RESIDUAL_CONV=direct switches
Winograd's form of convolution off; NO_COLOR turns colours off.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted by Ctrl-C.";

#[derive(Subcommand)]
enum Command {
    /// Train a network; without arguments, the usual one on Fashion-MNIST
    Train(Box<train::Args>),
    /// Say how well weights classify the test images
    Eval(eval::Args),
    /// Say what pictures show
    Predict(predict::Args),
    /// Show what a network is made of and what it costs
    Summary(summary::Args),
    /// Compare every gradient of a network with finite differences
    Gradcheck(gradcheck::Args),
    /// Run a network on the images of a tensor file
    Forward(forward::Args),
    /// List the networks
    Models(models::Args),
    /// List the chapters of the book, or run the program of one
    Chapter(chapter::Args),
    /// Say what this machine offers and whether all is in place
    Doctor(doctor::Args),
}

/// Runs the program; the exit status is the answer.
pub fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        screen::error(&error);
        // A wrong argument is bad usage; anything else is a failure of the work itself.
        ExitCode::from(if matches!(error, Error::Argument { .. }) { 2 } else { 1 })
    })
}

fn run() -> Result<ExitCode, Error> {
    Isa::from_env()?;
    winograd::allowed()?;
    let command = match Cli::try_parse() {
        Ok(Cli { command }) => command,
        Err(error) if error.use_stderr() => return Err(usage::fold(&error)),
        Err(help) => {
            // All that can fail is a reader who has gone.
            let _ = help.print();
            return Ok(ExitCode::SUCCESS);
        }
    };
    let Some(command) = command else {
        let _ = Cli::command().print_help();
        return Ok(ExitCode::SUCCESS);
    };
    match command {
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Gradcheck(args) => gradcheck::run(&args),
        Command::Forward(args) => forward::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Chapter(args) => chapter::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
    .map_err(in_flags)
}

/// The library names fields; here they are flags.
fn in_flags(error: Error) -> Error {
    let Error::Argument { name, expected, found, hint } = error else { return error };
    let name = match name.as_str() {
        "model" => "--model",
        "classes" => "--num-classes",
        "in_channels" => "--in-channels",
        "input_size" => "--input-size",
        name => name,
    };
    Error::Argument { name: name.into(), expected, found, hint }
}
