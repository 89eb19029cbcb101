//! [`Kept`]: what a training forward leaves behind for its backward.

use super::Mode;

/// Filled by a forward in [`Mode::Train`], emptied by backward.
///
/// A forward in [`Mode::Eval`] empties it too: what an earlier forward kept belongs to another input.
#[derive(Debug)]
pub(super) struct Kept<V>(Option<V>);

impl<V> Default for Kept<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V> Kept<V> {
    /// Keeps `value` if a backward is to come.
    pub fn keep(&mut self, mode: Mode, value: impl FnOnce() -> V) {
        self.0 = (mode == Mode::Train).then(value);
    }

    /// What the forward kept.
    ///
    /// # Panics
    /// If there is nothing.
    #[track_caller]
    pub fn take(&mut self) -> V {
        self.0.take().expect("backward needs a forward in Mode::Train before it, each time")
    }
}
