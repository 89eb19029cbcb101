//! How fast it goes, and how long it will take.

use std::{collections::VecDeque, time::Instant};

/// How many of the latest steps count.
const STEPS: usize = 20;

/// The pace of the latest steps.
pub(super) struct Speed {
    /// When each of them ended, and how many images had been seen by then.
    ends: VecDeque<(Instant, usize)>,
    /// How long scoring the validation images took last time.
    pub validation_seconds: f64,
}

impl Speed {
    pub fn new() -> Self {
        Self { ends: VecDeque::new(), validation_seconds: 0.0 }
    }

    /// The steps before do not count: they ended before a pause.
    pub fn restart(&mut self) {
        self.ends = [(Instant::now(), 0)].into();
    }

    /// A step of so many images ended.
    pub fn step(&mut self, images: usize) {
        let seen = self.ends.back().map_or(0, |&(_, seen)| seen);
        self.ends.push_back((Instant::now(), seen + images));
        if self.ends.len() > STEPS + 1 {
            self.ends.pop_front();
        }
    }

    pub fn images_per_second(&self) -> f64 {
        self.pace(|(_, from), (_, to)| (to - from) as f64)
    }

    pub fn steps_per_second(&self) -> f64 {
        self.pace(|_, _| (self.ends.len() - 1) as f64)
    }

    /// So much of something between the first and the last end, for each second.
    fn pace(&self, amount: impl Fn((Instant, usize), (Instant, usize)) -> f64) -> f64 {
        let (Some(&first), Some(&last)) = (self.ends.front(), self.ends.back()) else { return 0.0 };
        amount(first, last) / (last.0 - first.0).as_secs_f64().max(1e-9)
    }
}
