//! The two bodies that the chapter compares, side by side.

use residual::{
    Real,
    nn::{BatchNorm2d, Conv2d, Init, Relu, Sequential},
    rng::Generator,
};

/// Makes bodies of residual blocks, weights drawn one after the other.
pub struct Bodies {
    /// Whether the last norm starts with γ = 0.
    pub zero_init: bool,
    pub rng: Generator,
}

impl Bodies {
    // ANCHOR: bodies
    /// Two 3x3 convolutions between `n` channels.
    pub fn basic<T: Real>(&mut self, n: usize) -> Sequential<T> {
        Sequential::new()
            .add("conv1", self.conv([n, n], 3))
            .add("bn1", BatchNorm2d::new(n))
            .add("relu", Relu::new())
            .add("conv2", self.conv([n, n], 3))
            .add("bn2", self.last_norm(n))
    }

    /// One 3x3 convolution between `w` channels, `n` outside.
    pub fn bottleneck<T: Real>(&mut self, n: usize, w: usize) -> Sequential<T> {
        Sequential::new()
            .add("conv1", self.conv([n, w], 1))
            .add("bn1", BatchNorm2d::new(w))
            .add("relu", Relu::new())
            .add("conv2", self.conv([w, w], 3))
            .add("bn2", BatchNorm2d::new(w))
            .add("relu2", Relu::new())
            .add("conv3", self.conv([w, n], 1))
            .add("bn3", self.last_norm(n))
    }
    // ANCHOR_END: bodies

    fn conv<T: Real>(&mut self, [from, to]: [usize; 2], kernel: usize) -> Conv2d<T> {
        let conv = Conv2d::new(from, to, kernel).padding(kernel / 2).no_bias();
        conv.init(Init::KaimingNormal, &mut self.rng)
    }

    fn last_norm<T: Real>(&self, n: usize) -> BatchNorm2d<T> {
        let norm = BatchNorm2d::new(n);
        if self.zero_init { norm.zero_init() } else { norm }
    }
}
