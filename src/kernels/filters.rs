//! Weights in the order in which a tile reads them.
//!
//! PyTorch keeps (O, I, KH, KW). A tile computes V blocks of outputs at once and walks over taps,
//! then blocks of inputs, then the sixteen channels of a block, so a *panel* of V output blocks is
//!
//! ```text
//! panel[tap][block of inputs][16 inputs][V blocks][16 outputs]
//! ```
//!
//! Backward through the input, inputs and outputs change places, and nothing else.
//!
//! Groups narrower than a block are merged until they fill one; between channels of different
//! groups the weight is zero. A depthwise convolution is sixteen groups in one block, on whose
//! diagonal the weights are.

use super::strip::Channels;
use crate::{buffer::Buffer, number::Number, simd::BLOCK};

/// The widest panel that any instruction set computes.
const MOST_LANES: usize = 2 * BLOCK;

/// The extents of weights (groups·outputs, inputs, taps).
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Groups.
    pub groups: usize,
    /// Input channels of one group.
    pub inputs: usize,
    /// Output channels of one group.
    pub outputs: usize,
    /// KH · KW.
    pub taps: usize,
}

/// Which way the weights are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From the outputs' gradients to the inputs'.
    Backward,
}

/// V output blocks of one part.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Which part.
    pub part: usize,
    /// The first channel, counted over all parts.
    pub channel: usize,
    /// How many channels there are: at most V · 16.
    pub channels: usize,
    /// V.
    pub blocks: usize,
}

/// How weights are cut into panels.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    weights: Weights,
    direction: Direction,
    /// The channels that are summed over.
    pub sources: Channels,
    /// The channels that come out.
    pub results: Channels,
}

impl Packing {
    /// For these weights, applied this way.
    pub fn new(weights: Weights, direction: Direction) -> Self {
        let Weights { groups, inputs, outputs, .. } = weights;
        let narrow = inputs.min(outputs);
        let merged = (1..=groups).rev().find(|m| groups % m == 0 && m * narrow <= BLOCK).unwrap_or(1);
        let [inputs, outputs] =
            [inputs, outputs].map(|n| Channels { parts: groups / merged, each: merged * n });
        let (sources, results) = match direction {
            Direction::Forward => (inputs, outputs),
            Direction::Backward => (outputs, inputs),
        };
        Self { weights, direction, sources, results }
    }

    /// The panels, at most `blocks` blocks wide, in order of their channels.
    pub fn panels(&self, blocks: usize) -> Vec<Panel> {
        let Channels { parts, each } = self.results;
        let in_part = |part: usize| {
            let whole = self.results.blocks() / blocks;
            let starts = (0..whole).map(move |i| (i * blocks, blocks));
            let starts = starts.chain((whole * blocks..self.results.blocks()).map(|i| (i, 1)));
            starts.map(move |(start, blocks)| Panel {
                part,
                channel: part * each + start * BLOCK,
                channels: (blocks * BLOCK).min(each - start * BLOCK),
                blocks,
            })
        };
        (0..parts).flat_map(in_part).collect()
    }

    /// How many numbers a packed panel holds.
    pub fn panel_len(&self, panel: &Panel) -> usize {
        self.weights.taps * self.sources.blocks() * BLOCK * panel.blocks * BLOCK
    }

    /// A panel of `w` (O, I, KH, KW).
    pub fn pack<T: Number>(&self, panel: &Panel, w: &[T]) -> Buffer<T> {
        let len = self.panel_len(panel);
        let whole = panel.channels == panel.blocks * BLOCK && self.sources.each.is_multiple_of(BLOCK);
        let mut packed = if whole && !self.merges() { Buffer::scratch(len) } else { Buffer::zeros(len) };
        if self.direction == Direction::Forward && !self.merges() {
            self.each_square(panel, |Square { rows, columns, at, stride }| {
                let mut square = [[T::ZERO; MOST_LANES]; BLOCK];
                for lane in 0..panel.channels {
                    let row = &w[rows + lane * stride..][..columns];
                    square.iter_mut().zip(row).for_each(|(to, &from)| to[lane] = from);
                }
                for (&at, lanes) in at[..columns].iter().zip(&square) {
                    packed[at..][..panel.channels].copy_from_slice(&lanes[..panel.channels]);
                }
            });
        } else {
            self.each_run(panel, |Run { at, len, weight, stride }| {
                let (weights, packed) = (&w[weight..], &mut packed[at..at + len]);
                match stride {
                    1 => packed.copy_from_slice(&weights[..len]),
                    _ => packed
                        .iter_mut()
                        .zip(weights.iter().step_by(stride))
                        .for_each(|(to, &from)| *to = from),
                }
            });
        }
        packed
    }

    /// Copies a packed panel back into `w`, which starts at the weight `first` of (O, I, KH, KW).
    pub fn unpack<T: Number>(&self, panel: &Panel, packed: &[T], w: &mut [T], first: usize) {
        if self.direction == Direction::Forward && !self.merges() {
            self.each_square(panel, |Square { rows, columns, at, stride }| {
                let lanes = at.map(|at| packed.get(at..at + panel.channels).unwrap_or_default());
                for lane in 0..panel.channels {
                    let row = &mut w[rows - first + lane * stride..][..columns];
                    row.iter_mut().zip(&lanes).for_each(|(to, from)| *to = from[lane]);
                }
            });
        } else {
            self.each_run(panel, |Run { at, len, weight, stride }| {
                let weights = w[weight - first..].iter_mut().step_by(stride);
                weights.zip(&packed[at..at + len]).for_each(|(to, &from)| *to = from);
            });
        }
    }

    /// Whether several groups share a block.
    fn merges(&self) -> bool {
        self.sources.parts < self.weights.groups
    }

    /// Cuts the weights of a forward panel, outputs by inputs and taps, into squares of at most sixteen columns:
    /// read along rows and written along columns, a line of the cache is used whole on both sides.
    fn each_square(&self, panel: &Panel, mut f: impl FnMut(Square)) {
        let Weights { inputs, taps, .. } = self.weights;
        let (stride, lanes) = (inputs * taps, panel.blocks * BLOCK);
        let tap_len = self.sources.blocks() * BLOCK * lanes;
        for first in (0..stride).step_by(BLOCK) {
            let columns = BLOCK.min(stride - first);
            let at = std::array::from_fn(|column| {
                let weight = first + column;
                weight % taps * tap_len + weight / taps * lanes
            });
            f(Square { rows: panel.channel * stride + first, columns, at, stride });
        }
    }

    /// Calls `f` for every source channel's weights to the panel's results, tap by tap.
    fn each_run(&self, panel: &Panel, mut f: impl FnMut(Run)) {
        let Weights { inputs, outputs, taps, .. } = self.weights;
        let (source_width, result_width) = match self.direction {
            Direction::Forward => (inputs, outputs),
            Direction::Backward => (outputs, inputs),
        };
        let lanes = panel.blocks * BLOCK;
        let tap_len = self.sources.blocks() * BLOCK * lanes;
        let ours = panel.channel..panel.channel + panel.channels;
        for in_part in 0..self.sources.each {
            let source = panel.part * self.sources.each + in_part;
            let group = source / source_width;
            let results = ours.start.max(group * result_width)..ours.end.min((group + 1) * result_width);
            if results.is_empty() {
                continue;
            }
            let at = in_part * lanes + results.start - panel.channel;
            let (output, input, step) = match self.direction {
                Direction::Forward => (results.start, source % inputs, inputs),
                Direction::Backward => (source, results.start % inputs, 1),
            };
            let (weight, stride) = ((output * inputs + input) * taps, step * taps);
            for tap in 0..taps {
                f(Run { at: at + tap * tap_len, len: results.len(), weight: weight + tap, stride });
            }
        }
    }
}

/// Weights from one source channel to neighbouring results, by one tap.
struct Run {
    /// The first one's place in the packed panel; there, the others follow.
    at: usize,
    len: usize,
    /// The first one's place in (O, I, KH, KW), and the way to the next.
    weight: usize,
    stride: usize,
}

/// Weights of all of a panel's outputs to a few neighbouring inputs and taps.
struct Square {
    /// The first output's place in (O, I, KH, KW), and the way to the next.
    rows: usize,
    stride: usize,
    /// How many weights of each output.
    columns: usize,
    /// Where in the packed panel each column is; there, the outputs follow.
    at: [usize; BLOCK],
}
