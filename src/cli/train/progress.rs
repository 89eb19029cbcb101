//! What a training says while it runs: a line of progress on stderr, a line per epoch on stdout.

use crate::cli::{
    bar::Bar,
    screen::{Paint, note, say},
    table::{duration, percent, thousands},
};
use residual::train::{EpochReport, Event, StepReport};
use std::time::Duration;

/// Listens to a run.
pub struct Progress {
    epochs: usize,
    quiet: bool,
    headed: bool,
    bar: Bar,
}

impl Progress {
    /// For a run of so many epochs; where `quiet`, nothing goes to stdout.
    pub fn new(epochs: usize, quiet: bool) -> Self {
        Self { epochs, quiet, headed: false, bar: Bar::new() }
    }

    /// Shows what happened.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Start { step, steps, .. } => {
                if *step > 0 {
                    note(format_args!("resuming after step {}", thousands(step)));
                }
                self.bar.show(*step, *steps, || "starting".into());
            }
            Event::Step(report) => {
                self.bar.show(report.step, report.steps, || describe(report, self.epochs));
            }
            Event::Scoring { split, done, of } => {
                self.bar.count("scored", *done, *of, &format!("{split} images"));
            }
            Event::Epoch(report) => self.epoch(report),
            _ => {}
        }
    }

    /// Takes the line of progress away.
    pub fn finish(&self) {
        self.bar.finish();
    }

    fn epoch(&mut self, report: &EpochReport) {
        if self.quiet {
            return;
        }
        let heading = (!self.headed).then(|| Paint::stdout().bold(HEADING));
        self.headed = true;
        self.bar.beside(|| {
            if let Some(heading) = heading {
                say(heading);
            }
            say(row(report, self.epochs));
        });
    }
}

const HEADING: &str = "  epoch   train loss  accuracy     val loss  accuracy         time";

fn row(report: &EpochReport, epochs: usize) -> String {
    let row = format!(
        "{:>7}   {:>10.4}  {:>8}   {:>10.4}  {:>8}   {:>10}  {}",
        format!("{}/{epochs}", report.epoch),
        report.train_loss,
        percent(report.train_accuracy),
        report.val_loss,
        percent(report.val_accuracy),
        duration(Duration::from_secs_f64(report.seconds)),
        if report.best { "best" } else { "" }
    );
    row.trim_end().into()
}

fn describe(report: &StepReport, epochs: usize) -> String {
    format!(
        "epoch {}/{epochs}  step {}/{}  loss {:.4}  {}  {} img/s  {} left",
        report.epoch,
        thousands(report.step),
        thousands(report.steps),
        report.loss,
        percent(report.accuracy),
        thousands(report.images_per_second.round() as u64),
        duration(Duration::try_from_secs_f64(report.seconds_left).unwrap_or_default())
    )
}
