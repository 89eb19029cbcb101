//! What forward changes besides its output.
//!
//! Restored before each evaluation, it makes all of them draw the same dropout masks, and it leaves
//! the network as it was found.

use super::Loss;
use crate::{nn::Slot, tensor::Tensor};

/// Running statistics, counts and positions of generators, in visiting order.
pub(super) struct State(Vec<Saved>);

enum Saved {
    Buffer(Tensor<f64>),
    Count(u64),
    Position(u64),
}

impl State {
    /// As it is now.
    pub fn of(loss: &mut dyn Loss) -> Self {
        let mut state = Vec::new();
        loss.visit(&mut |_, slot| match slot {
            Slot::Param(_) => {}
            Slot::Buffer(buffer) => state.push(Saved::Buffer(buffer.clone())),
            Slot::Count(count) => state.push(Saved::Count(*count)),
            Slot::Generator(generator) => state.push(Saved::Position(generator.position())),
        });
        Self(state)
    }

    /// Puts it back.
    pub fn restore(&self, loss: &mut dyn Loss) {
        let mut state = self.0.iter();
        loss.visit(&mut |_, slot| {
            if matches!(slot, Slot::Param(_)) {
                return;
            }
            match (slot, state.next()) {
                (Slot::Buffer(buffer), Some(Saved::Buffer(saved))) => *buffer = saved.clone(),
                (Slot::Count(count), Some(Saved::Count(saved))) => *count = *saved,
                (Slot::Generator(generator), Some(Saved::Position(saved))) => generator.seek(*saved),
                _ => unreachable!("the visiting order does not change"),
            }
        });
    }
}
