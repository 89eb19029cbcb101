//! What `residual train` says before the first step and after the last.

use crate::cli::table::{duration, metric, percent, thousands};
use residual::{
    Shape,
    data::Splits,
    simd::Isa,
    train::{Config, Run, Summary, config::OptimizerName, schedule},
};
use std::{path::Path, time::Duration};

/// What is about to happen.
pub fn plan(run: &mut Run) -> String {
    let [height, width, channels] = run.splits().train.size();
    let network = run.model().outline(Shape::from([1, height, width, channels]));
    let config = run.config();
    let lines = [
        (
            "model",
            format!(
                "{}, {} parameters, {} multiply-adds for an image",
                config.model,
                thousands(network.parameters),
                metric(network.macs as f64)
            ),
        ),
        ("data", data(run.splits())),
        ("optimizer", optimizer(config)),
        ("schedule", schedule(config)),
        ("length", length(config, run.epochs())),
        ("device", device()),
        ("output", run.folder().display().to_string()),
    ];
    lines.map(|(name, value)| format!("{name:<11}{value}\n")).concat()
}

/// What came of it, and what to do next.
pub fn ending(summary: &Summary) -> String {
    let Summary { test_loss, test_accuracy, test_images, best_epoch, .. } = *summary;
    let right = (test_accuracy * test_images as f64).round() as u64;
    let folder = &summary.folder;
    let results = [
        (
            "test",
            format!(
                "accuracy {} ({} of {} images), loss {test_loss:.4}",
                percent(test_accuracy),
                thousands(right),
                thousands(test_images)
            ),
        ),
        ("weights", format!("{}, of epoch {best_epoch}", summary.weights.display())),
        ("log", folder.join("log.jsonl").display().to_string()),
        ("curves", folder.join("curves.svg").display().to_string()),
        ("time", duration(Duration::from_secs_f64(summary.seconds))),
        ("next", format!("residual eval --weights {}", quoted(folder))),
    ];
    let lines = results.map(|(name, value)| format!("\n{name:<11}{value}"));
    lines.concat()
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:=@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn data(splits: &Splits) -> String {
    let Splits { train, validation, test } = splits;
    let [height, width, channels] = train.size();
    let [train_images, validation, test] = [train.len(), validation.len(), test.len()].map(thousands);
    format!(
        "{}, ({channels}, {height}, {width}), {} classes: {train_images} to train on, {validation} to \
         validate, {test} to test",
        train.name(),
        train.classes().len(),
    )
}

fn length(config: &Config, epochs: usize) -> String {
    let s = if epochs == 1 { "" } else { "s" };
    let limit = config.steps.map(|steps| format!(", at most {} steps", thousands(steps)));
    let limit = limit.unwrap_or_default();
    format!("{epochs} epoch{s}{limit}, batches of {}, seed {}", config.batch_size, config.seed)
}

fn optimizer(config: &Config) -> String {
    let name = match config.optimizer {
        OptimizerName::Sgd if config.nesterov => format!("sgd, momentum {} (Nesterov)", config.momentum),
        OptimizerName::Sgd => format!("sgd, momentum {}", config.momentum),
        OptimizerName::Adam => "adam".into(),
        OptimizerName::AdamW => "adamw".into(),
    };
    format!("{name}, weight decay {}", config.weight_decay)
}

fn schedule(config: &Config) -> String {
    let shape = match &config.schedule {
        schedule::Shape::Constant => "constant",
        schedule::Shape::Step { .. } => "step",
        schedule::Shape::Cosine => "cosine",
        schedule::Shape::OneCycle => "one-cycle",
    };
    let warmup = match config.warmup_epochs {
        0.0 => String::new(),
        epochs => format!(", warm-up over {epochs} epochs"),
    };
    format!("{shape}, learning rate {}{warmup}", config.lr)
}

fn device() -> String {
    let threads = rayon::current_num_threads();
    format!("CPU, {threads} thread{}, {}", if threads == 1 { "" } else { "s" }, Isa::current())
}
