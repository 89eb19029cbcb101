//! What a training says while it runs: a line of progress on stderr, a line per epoch on stdout.

use crate::cli::{
    screen::{Paint, note, say},
    table::{duration, percent, thousands},
};
use indicatif::{ProgressBar, ProgressStyle};
use residual::train::{Config, EpochReport, Event, StepReport};
use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

/// How often a line is written where there is no terminal to redraw one.
const PAUSE: Duration = Duration::from_secs(5);

/// Listens to a run.
pub struct Progress {
    epochs: usize,
    quiet: bool,
    headed: bool,
    bar: Option<ProgressBar>,
    last: Instant,
}

impl Progress {
    /// For a run of this configuration; where `quiet`, nothing goes to stdout.
    pub fn new(config: &Config, quiet: bool) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {wide_msg}");
            ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { epochs: config.epochs, quiet, headed: false, bar, last: Instant::now() }
    }

    /// Shows what happened.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Start { step, .. } if *step > 0 => {
                note(format_args!("resuming after step {}", thousands(step)));
            }
            Event::Step(report) => {
                let epochs = self.epochs;
                self.line(report.step, report.steps, || describe(report, epochs));
            }
            Event::Scoring { split, done, of } => self.line(*done as u64, *of as u64, || {
                format!("scoring  {} of {} {split} images", thousands(done), thousands(of))
            }),
            Event::Epoch(report) => self.epoch(report),
            _ => {}
        }
    }

    /// Takes the line of progress away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&mut self, done: u64, of: u64, text: impl Fn() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done);
            bar.set_message(text());
        } else if self.last.elapsed() >= PAUSE {
            note(text());
            self.last = Instant::now();
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        if self.quiet {
            return;
        }
        let heading = (!self.headed).then(|| Paint::stdout().bold(HEADING));
        self.headed = true;
        let show = || {
            if let Some(heading) = heading {
                say(heading);
            }
            say(row(report, self.epochs));
        };
        match &self.bar {
            Some(bar) => bar.suspend(show),
            None => show(),
        }
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
