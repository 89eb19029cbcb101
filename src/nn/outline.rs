//! What a network is and costs, without running it.

use super::Footprint;
use crate::tensor::Shape;

/// A layer's line in a summary, and its children's.
///
/// ```
/// use residual::nn::Outline;
/// let relu = Outline::leaf("ReLU()", [1, 28, 28, 16].into());
/// assert_eq!((relu.parameters, relu.macs), (0, 0));
/// ```
#[derive(Clone, Debug)]
pub struct Outline {
    /// The layer's name in its parent, `conv1`. Empty for the network itself, and for a child whose
    /// own children are named as if they were its parent's (the body of a residual block).
    pub name: String,
    /// The layer as PyTorch prints it: `Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1))`.
    pub kind: String,
    /// The output, in memory order: (N, H, W, C).
    pub output: Shape,
    /// Numbers learned, children's included.
    pub parameters: usize,
    /// Multiply-adds of one forward pass, children's included.
    pub macs: u64,
    /// Numbers kept from a training forward until its backward, children's included; the winners of
    /// a max pool and the mask of a dropout count as one each. A tensor that two layers keep counts for both, and once
    /// in a [`Memory`](super::Memory).
    pub kept: usize,
    /// What the layer itself does to memory, children not included.
    pub footprint: Footprint,
    /// The fewest values of a channel that a training forward takes a mean and a variance of,
    /// children's included: two at least, or batch norm panics. None without batch norm.
    pub statistics: Option<usize>,
    /// How the children are wired.
    pub wiring: Wiring,
    /// The children, in order.
    pub children: Vec<Outline>,
    /// For an auxiliary head in a chain: the sibling whose output it takes. Its own output leaves the
    /// network, and the chain goes on as if it were not there.
    pub head_of: Option<String>,
}

/// How a layer's children are wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// There are none.
    Leaf,
    /// One after another.
    Chain,
    /// Side by side on the same input, outputs added: a shortcut without layers has no child.
    Sum,
    /// Side by side on the same input, outputs concatenated along the channels.
    Concat,
}

impl Outline {
    /// A layer without parameters, multiplications or children.
    pub fn leaf(kind: impl Into<String>, output: Shape) -> Self {
        Self {
            name: String::new(),
            kind: kind.into(),
            output,
            parameters: 0,
            macs: 0,
            kept: 0,
            footprint: Footprint::default(),
            statistics: None,
            wiring: Wiring::Leaf,
            children: Vec::new(),
            head_of: None,
        }
    }

    /// The same under a name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// With so many parameters and multiply-adds of its own.
    pub fn costing(self, parameters: usize, macs: u64) -> Self {
        Self { parameters, macs, ..self }
    }

    /// With so many numbers kept of its own, on top of those already counted.
    pub fn keeping(self, numbers: usize) -> Self {
        let mut more = Self { kept: self.kept + numbers, ..self };
        more.footprint.keeps += numbers * size_of::<f32>();
        more
    }

    /// With its input kept, on top of what is already counted.
    pub fn keeping_input(self, x: Shape) -> Self {
        let footprint = Footprint { keeps_input: true, ..self.footprint };
        Self { kept: self.kept + x.len(), footprint, ..self }
    }

    /// With its output kept, on top of what is already counted.
    pub fn keeping_output(self) -> Self {
        let footprint = Footprint { keeps_output: true, ..self.footprint };
        Self { kept: self.kept + self.output.len(), footprint, ..self }
    }

    /// With results written over what is given, by forward in training, forward in evaluation, and backward.
    pub fn in_place(mut self, passes: [bool; 3]) -> Self {
        self.footprint.in_place = passes;
        self
    }

    /// With so many bytes laid aside by forward, for gradients of parameters, and for the gradient of the input.
    pub fn laying_aside(self, [forward, gradients, backward]: [usize; 3]) -> Self {
        Self { footprint: Footprint { forward, gradients, backward, ..self.footprint }, ..self }
    }

    /// A layer made of `children`, whose costs add up.
    pub fn group(kind: impl Into<String>, output: Shape, wiring: Wiring, children: Vec<Outline>) -> Self {
        Self {
            parameters: children.iter().map(|child| child.parameters).sum(),
            macs: children.iter().map(|child| child.macs).sum(),
            kept: children.iter().map(|child| child.kept).sum(),
            statistics: children.iter().filter_map(|child| child.statistics).min(),
            wiring,
            children,
            ..Self::leaf(kind, output)
        }
    }
}
