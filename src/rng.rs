//! [`Generator`]: seeded random numbers whose stream never changes between releases.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// The first of the streams for a data set's split into training and validation images.
pub const SPLIT: u64 = 1 << 56;
/// The first of the streams for the order of images: one for each epoch.
pub const SHUFFLE: u64 = 2 << 56;
/// The first of the streams for augmentation: one for each epoch.
pub const AUGMENT: u64 = 3 << 56;
/// The first of the streams for made-up images.
pub const SYNTHETIC: u64 = 4 << 56;

/// A ChaCha8 generator that can be saved and restored.
///
/// One seed has many independent streams: initialisation, shuffling, augmentation and every dropout
/// layer take one each, so that changing how many numbers one of them draws leaves the others alone.
///
/// ```
/// use residual::rng::Generator;
/// let mut a = Generator::new(7, 0);
/// a.uniform();
/// let mut b = a.clone();
/// b.seek(a.position());
/// assert_eq!(a.uniform(), b.uniform());
/// assert_ne!(a.uniform(), Generator::new(7, 1).uniform());
/// ```
#[derive(Debug)]
pub struct Generator {
    rng: ChaCha8Rng,
    idle: bool,
}

impl Clone for Generator {
    fn clone(&self) -> Self {
        Self { rng: ChaCha8Rng::deserialize_state(&self.rng.serialize_state()), ..*self }
    }
}

impl Generator {
    /// Stream `stream` of `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { rng, idle: false }
    }

    /// Marked as not to be drawn from: initialisation leaves weights zero, dropout drops nothing.
    ///
    /// Drawing the weights of a large network takes seconds, which are lost where they are only
    /// counted or about to be replaced by those of a file.
    pub fn idle(self) -> Self {
        Self { idle: true, ..self }
    }

    /// Whether it is marked as [`idle`](Self::idle).
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    /// How far the stream has been read, in 32-bit words.
    pub fn position(&self) -> u64 {
        self.rng.get_word_pos() as u64
    }

    /// Continues from a [`position`](Self::position).
    pub fn seek(&mut self, position: u64) {
        self.rng.set_word_pos(position.into());
    }

    /// A number in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.rng.random()
    }

    /// A number from the standard normal distribution (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// An integer in 0..`bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn below(&mut self, bound: usize) -> usize {
        self.rng.random_range(0..bound as u64) as usize
    }

    /// Puts `items` into a random order (Fisher and Yates).
    pub fn shuffle<U>(&mut self, items: &mut [U]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
