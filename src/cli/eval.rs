//! `residual eval`: how well weights classify the test images.

use super::{
    args::{self, Threads},
    bar::Bar,
    network::{self, Network, Variant, in_folder, model_name},
    screen::{note, say},
    table::{percent, thousands},
};
use residual::{
    Error,
    checkpoint::{Metadata, Weights},
    data::{self, Dataset},
    error::clip,
    train::{Config, Evaluation, evaluate},
};
use serde_json::{Value, json};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `residual eval` takes.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    network: Option<Network>,
    /// A file of weights, safetensors or .pth, or the folder of a run, whose best weights are taken
    #[arg(long, value_name = "FILE|DIR")]
    weights: PathBuf,
    /// What to classify; what the weights were learned from, unless said
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<String>,
    #[command(flatten)]
    variant: Variant,
    /// Images to score at once
    #[arg(long, value_name = "N", default_value_t = Config::default().batch_size, value_parser = args::size,
          allow_hyphen_values = true)]
    batch_size: usize,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is judged, and on what.
struct Subject<'a> {
    name: &'a str,
    weights: &'a Path,
    data: &'a str,
}

/// Scores the test images.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    args.threads.run(|| judge(args))
}

fn judge(args: &Args) -> Result<ExitCode, Error> {
    let weights = in_folder(&args.weights)?;
    let read = Weights::read(&weights)?;
    let saved = read.metadata().cloned();
    let given = args.network.as_ref().map(Network::name);
    let name = model_name(given, saved.as_ref(), &args.weights)?;
    let data = data_name(args, saved.as_ref())?;
    let test = data::open(&data)?.test;
    let options = match &saved {
        Some(saved) => args.variant.over(network::of_saved(saved)),
        None => args.variant.over(network::of_data(&test)),
    };
    network::check_fit(&data, &test, &options)?;
    let test = match &saved {
        Some(saved) => as_learned(&weights, saved, &data, test)?,
        None => test,
    };
    let mut model = args.variant.load::<f32>(&name, &network::bare(options), read)?;
    model.fuse();
    let mut bar = Bar::new();
    bar.count("scored", 0, test.len(), "images");
    let evaluation = evaluate(&mut *model, &test, args.batch_size, &mut |done| {
        bar.count("scored", done, test.len(), "images");
        ControlFlow::Continue(())
    });
    bar.finish();
    let evaluation = evaluation.expect("nothing breaks it off");
    let subject = Subject { name: &name, weights: &weights, data: &data };
    if args.json {
        say(as_json(&subject, &evaluation))
    } else {
        say(report(&subject, &evaluation))
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said; else the data of the run, whose folder knows the path; else what the weights name.
fn data_name(args: &Args, saved: Option<&Metadata>) -> Result<String, Error> {
    let of_run = || {
        let text = fs::read(args.weights.join("config.json")).ok()?;
        Some(serde_json::from_slice::<Config>(&text).ok()?.data)
    };
    let given = args.data.clone().or_else(of_run).or_else(|| saved.map(|saved| saved.data.clone()));
    given.ok_or_else(|| Error::Argument {
        name: "--data".into(),
        expected: "the images to classify".into(),
        found: format!("none, and {} does not say them", args.weights.display()),
        hint: "try --data fashion-mnist".into(),
    })
}

/// The images as the network knows images: by the mean and deviation of those that it learned from.
/// Warns of classes with other names.
fn as_learned(weights: &Path, saved: &Metadata, data: &str, test: Dataset) -> Result<Dataset, Error> {
    let normalization = network::normalization(weights, saved, test.size()[2])?;
    let classes = &saved.classes;
    let pairs = || classes.iter().zip(test.classes()).enumerate();
    if let Some((class, (ours, theirs))) = pairs().find(|(_, (ours, theirs))| ours != theirs) {
        let differ = pairs().filter(|(_, (ours, theirs))| ours != theirs).count();
        note(format_args!(
            "warning: {differ} of {} classes have other names: class {class} is `{}` in {} and `{}` in \
             {data}; a class is judged by its number",
            classes.len(),
            clip(ours),
            weights.display(),
            clip(theirs)
        ));
    }
    Ok(test.normalized_by(normalization))
}

fn report(subject: &Subject<'_>, test: &Evaluation) -> String {
    let right = (test.accuracy * test.images as f64).round() as u64;
    let top5 =
        if test.confusion.len() > 5 { format!(", top-5 {}", percent(test.top5)) } else { String::new() };
    let lines = [
        ("model", subject.name.to_owned()),
        ("weights", subject.weights.display().to_string()),
        ("data", format!("{}, {} test images", subject.data, thousands(test.images))),
        (
            "test",
            format!(
                "accuracy {} ({} of {} images){top5}, loss {:.4}",
                percent(test.accuracy),
                thousands(right),
                thousands(test.images),
                test.loss
            ),
        ),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<11}{value}"));
    lines.join("\n")
}

fn as_json(subject: &Subject<'_>, test: &Evaluation) -> Value {
    json!({
        "model": subject.name,
        "weights": subject.weights.display().to_string(),
        "data": subject.data,
        "images": test.images,
        "loss": test.loss,
        "accuracy": test.accuracy,
        "top5": test.top5,
        "confusion": test.confusion,
    })
}
