//! `residual gradcheck MODEL`: every parameter's gradient beside finite differences.

use super::{
    args::Threads,
    bar::Bar,
    network::{self, Network, Variant},
    screen::{Paint, note, say},
    table::{Align, Table, duration, thousands},
};
use residual::{
    Error, Tensor,
    gradcheck::{self, Comparison, Report, Settings, Subject, Worst},
    models::{self, Options},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};
use serde_json::{Value, json};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Images are this small, unless the network needs larger ones or the user says: seconds, not minutes.
const SMALL: usize = 8;
/// Images to check with: two, so that batch norm has something to average.
const BATCH: usize = 2;

/// What `residual gradcheck` takes.
#[derive(clap::Args)]
#[command(mut_group("Network", |group| group.required(true)))]
pub struct Args {
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    variant: Variant,
    /// Check every entry of every parameter, instead of some of each
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks the gradients; the status is 1 if any is wrong.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    args.threads.run(|| check(args))
}

fn check(args: &Args) -> Result<ExitCode, Error> {
    let name = args.network.name();
    let options = args.variant.over(small(name));
    let mut model = models::build::<f64>(name, &options)?;
    let (mut tensors, mut entries) = (0, 0);
    let usual = Settings::default();
    let settings = Settings { entries: if args.all { usize::MAX } else { usual.entries }, ..usual };
    model.visit(&mut |_, slot| {
        if let Slot::Param(param) = slot {
            tensors += 1;
            entries += param.value.len().min(settings.entries);
        }
    });
    let mut random = Generator::new(0, 1);
    let images = Tensor::from_fn(network::images(&options, BATCH), |_| random.normal());
    let labels: Vec<_> = (0..BATCH).map(|image| image % options.classes).collect();
    note(format_args!(
        "checking {} entries of {tensors} parameters in f64, {BATCH} images of {size} x {size}",
        thousands(entries),
        size = options.input_size
    ));
    let start = Instant::now();
    let mut bar = Bar::new();
    bar.count("checked", 0, entries, "entries");
    let loss = CrossEntropy::default();
    let subject = Subject { model: &mut *model, images: &images, labels: &labels, loss: &loss };
    let report = gradcheck::watch_model(subject, &settings, &mut |done| {
        bar.count("checked", done, entries, "entries");
    });
    bar.finish();
    if args.json {
        say(as_json(name, &report))
    } else {
        print(&report, start.elapsed())
    }
    let well = report.passed() && report.checked() > 0;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The smallest images that the network takes, and not too small.
fn small(name: &str) -> Options {
    let entry = models::all().iter().find(|entry| entry.name == name);
    Options { input_size: entry.map_or(SMALL, |entry| entry.smallest.max(SMALL)), ..network::made_for(name) }
}

fn print(report: &Report, time: Duration) {
    let mut table = Table::new([
        ("parameter", Align::Left),
        ("shape", Align::Left),
        ("checked", Align::Right),
        ("worst error", Align::Right),
        ("at", Align::Left),
        ("verdict", Align::Left),
    ]);
    for tensor in &report.tensors {
        let worst = tensor.worst.as_ref();
        table.row([
            tensor.name.clone(),
            tensor.shape.to_string(),
            thousands(tensor.checked),
            worst.map_or("-".into(), |worst| format!("{:.1e}", worst.error)),
            worst.map_or("-".into(), place),
            verdict(tensor, report.tolerance).into(),
        ]);
    }
    say(table);
    let paint = Paint::stdout();
    let result = if report.checked() == 0 {
        paint.red("nothing could be checked")
    } else if report.passed() {
        paint.green("every gradient agrees with finite differences")
    } else {
        paint.red("gradients are wrong")
    };
    say(format_args!(
        "\n{result}: the worst relative error is {:.1e}, at most {:.0e} passes; {} entries in {}, {} too near \
         a kink",
        report.worst_error(),
        report.tolerance,
        thousands(report.checked()),
        duration(time),
        thousands(report.skipped())
    ));
}

fn place(worst: &Worst) -> String {
    format!("{:?}", worst.index)
}

fn verdict(tensor: &Comparison, tolerance: f64) -> &'static str {
    match &tensor.worst {
        None => "not checked",
        Some(worst) if worst.error <= tolerance => "ok",
        Some(_) => "WRONG",
    }
}

fn as_json(name: &str, report: &Report) -> Value {
    let tensors = report.tensors.iter().map(|tensor| {
        json!({
            "name": tensor.name,
            "shape": tensor.shape.dims(),
            "checked": tensor.checked,
            "skipped": tensor.skipped,
            "verdict": verdict(tensor, report.tolerance),
            "worst": tensor.worst.as_ref().map(|worst| json!({
                "error": worst.error,
                "index": worst.index,
                "backward": worst.backward,
                "difference": worst.difference,
            })),
        })
    });
    json!({
        "model": name,
        "tensors": Value::from_iter(tensors),
        "worst_error": report.worst_error(),
        "tolerance": report.tolerance,
        "passed": report.passed() && report.checked() > 0,
    })
}
