//! How weights start: three ways that differ by a factor.

use residual::nn::Slot;

/// The variance of a layer's weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// 2 over the fan-out: He's, as this crate and torchvision's networks draw it.
    FanOut,
    /// 2 over the fan-in: He's again.
    FanIn,
    /// 1 over the fan-in: what Caffe calls Xavier's.
    Half,
}

impl Start {
    pub fn name(self) -> &'static str {
        match self {
            Self::FanOut => "2/fan-out",
            Self::FanIn => "2/fan-in",
            Self::Half => "1/fan-in",
        }
    }

    // ANCHOR: resize
    /// Multiplies weights (O, I, …), which were drawn with a variance of 2 over the fan-out, by what gives them this one.
    pub fn resize(self, slot: Slot<'_, f32>) {
        if let Slot::Param(weights) = slot
            && let [o, i, ..] = *weights.value.shape().dims()
        {
            let fans = o as f64 / i as f64;
            let variance = match self {
                Self::FanOut => 1.0,
                Self::FanIn => fans,
                Self::Half => fans / 2.0,
            };
            let factor = variance.sqrt() as f32;
            weights.value = weights.value.map(|w| w * factor);
        }
    }
    // ANCHOR_END: resize
}
