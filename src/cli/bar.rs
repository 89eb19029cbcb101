//! A line of progress on stderr: redrawn on a terminal, written now and then elsewhere.

use super::{
    screen::note,
    table::{duration, thousands},
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

/// How often a line is written where there is no terminal to redraw one.
const PAUSE: Duration = Duration::from_secs(5);

/// A line of progress.
pub struct Bar {
    bar: Option<ProgressBar>,
    last: Instant,
    /// When the count under way was first heard of, how far it was then, and how far it was last.
    from: Option<(Instant, usize, usize)>,
}

impl Bar {
    /// Nothing to show yet.
    pub fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {wide_msg}");
            ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, last: Instant::now(), from: None }
    }

    /// So much `of` the work is done, and these are the words.
    pub fn show(&mut self, done: u64, of: u64, text: impl Fn() -> String) {
        self.from = None;
        self.draw(done, of, text);
    }

    /// So many `of` all are done: `scored 640 of 10,000 images  213/s  44 s left`.
    pub fn count(&mut self, verb: &str, done: usize, of: usize, what: &str) {
        let under_way = self.from.filter(|&(.., last)| last <= done);
        let (start, first, _) = under_way.unwrap_or((Instant::now(), done, done));
        let rate = (done - first) as f64 / start.elapsed().as_secs_f64().max(1e-9);
        self.draw(done as u64, of as u64, || {
            let pace = match Duration::try_from_secs_f64((of - done) as f64 / rate) {
                Ok(left) => format!("  {}/s  {} left", thousands(rate.round() as u64), duration(left)),
                Err(_) => String::new(),
            };
            format!("{verb} {} of {} {what}{pace}", thousands(done), thousands(of))
        });
        self.from = Some((start, first, done));
    }

    /// Lets something else write to the screen.
    pub fn beside(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn draw(&mut self, done: u64, of: u64, text: impl Fn() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done);
            bar.set_message(text());
        } else if self.last.elapsed() >= PAUSE {
            note(text());
            self.last = Instant::now();
        }
    }
}
