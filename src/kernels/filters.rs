//! Weights in the order in which a tile reads them.
//!
//! PyTorch keeps (O, I, KH, KW). A tile computes V blocks of outputs at once and walks over taps,
//! then blocks of inputs, then the sixteen channels of a block, so a *panel* of V output blocks is
//!
//! ```text
//! panel[tap][block of inputs][16 inputs][V blocks][16 outputs]
//! ```
//!
//! Few inputs lie in planes, and their blocks end where they do.
//!
//! Backward through the input, inputs and outputs change places, and nothing else.
//!
//! Groups narrower than a block are merged until they fill one; between channels of different
//! groups the weight is zero. Where they fill one evenly, as many inputs as outputs, these zeros are left out, as
//! [`grouped`] says:
//!
//! ```text
//! panel[tap][channel of a group][16 outputs]
//! ```

use super::{grouped, strip::Channels};
use crate::{
    buffer::Buffer,
    number::Number,
    simd::{BLOCK, Isa, Kernel, Simd, transpose},
};

/// Weights of one result that are read at a time: rows far apart are read a few cache lines each, not one in turn.
const STAGE: usize = 9 * BLOCK;

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

impl Panel {
    /// Whether no lane is empty.
    pub fn is_whole(&self) -> bool {
        self.channels == self.blocks * BLOCK
    }
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
        let even = inputs == outputs && merged > 1 && merged * narrow == BLOCK;
        let group = Some(narrow).filter(|&width| even && grouped::fits(width));
        let [inputs, outputs] =
            [inputs, outputs].map(|n| Channels { parts: groups / merged, each: merged * n, group });
        let (sources, results) = match direction {
            Direction::Forward => (inputs, outputs),
            Direction::Backward => (outputs, inputs),
        };
        Self { weights, direction, sources, results }
    }

    /// The panels, at most `blocks` blocks wide, in order of their channels.
    pub fn panels(&self, blocks: usize) -> Vec<Panel> {
        let Channels { parts, each, .. } = self.results;
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
        self.weights.taps * self.tap_len(panel)
    }

    /// How many of them belong to one tap: a row for each source channel, and for those that its last grain lacks; or
    /// for each channel of a group.
    fn tap_len(&self, panel: &Panel) -> usize {
        self.sources.rows() * panel.blocks * BLOCK
    }

    /// A panel of `w` (O, I, KH, KW).
    pub fn pack<T: Number>(&self, isa: Isa, panel: &Panel, w: &[T]) -> Buffer<T> {
        let len = self.panel_len(panel);
        let whole = panel.is_whole() && self.sources.each.is_multiple_of(self.sources.grain());
        let mut packed = if whole && !self.merges() { Buffer::scratch(len) } else { Buffer::zeros(len) };
        if self.has_squares() {
            T::dispatch(isa, Pack { packing: self, panel, w, packed: &mut packed });
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
    pub fn unpack<T: Number>(&self, isa: Isa, panel: &Panel, packed: &[T], (w, first): (&mut [T], usize)) {
        if self.has_squares() {
            T::dispatch(isa, Unpack { packing: self, panel, packed, w, before: first });
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

    /// Whether rows of neighbouring weights become columns of a panel. They do not where groups are merged, nor
    /// where the panel's rows are the weights' own.
    fn has_squares(&self) -> bool {
        !self.merges() && (self.direction == Direction::Forward || self.weights.taps > 1)
    }

    /// Cuts a panel's weights into squares of at most sixteen results by sixteen neighbouring weights of each: read along
    /// rows and written along columns, a line of the cache is used whole on both sides.
    #[inline(always)]
    fn each_square(&self, panel: &Panel, mut f: impl FnMut(Square)) {
        let Weights { inputs, taps, .. } = self.weights;
        let lanes = panel.blocks * BLOCK;
        let tap_len = self.tap_len(panel);
        // A result's weights lie side by side: forward all of them, backward those from one source.
        let (runs, run, stride) = match self.direction {
            Direction::Forward => (1, inputs * taps, inputs * taps),
            Direction::Backward => (self.sources.each, taps, taps),
        };
        for source in 0..runs {
            let weights = match self.direction {
                Direction::Forward => panel.channel * stride,
                Direction::Backward => {
                    let output = panel.part * self.sources.each + source;
                    (output * inputs + panel.channel % inputs) * taps
                }
            };
            for lane in (0..panel.channels).step_by(BLOCK) {
                let rows = BLOCK.min(panel.channels - lane);
                // Counted up: to divide by the number of taps would take longer than all the rest.
                let (mut tap, mut input) = (0, source);
                for first in (0..run).step_by(BLOCK) {
                    let mut at = [0; BLOCK];
                    for at in &mut at {
                        *at = tap * tap_len + input * lanes + lane;
                        tap += 1;
                        if tap == taps {
                            (tap, input) = (0, input + 1);
                        }
                    }
                    f(Square { weights: weights + lane * stride, stride, rows, first, run, at });
                }
            }
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
        let tap_len = self.tap_len(panel);
        let ours = panel.channel..panel.channel + panel.channels;
        for in_part in 0..self.sources.each {
            let source = panel.part * self.sources.each + in_part;
            let group = source / source_width;
            let results = ours.start.max(group * result_width)..ours.end.min((group + 1) * result_width);
            if results.is_empty() {
                continue;
            }
            let row = self.sources.group.map_or(in_part, |width| in_part % width);
            let at = row * lanes + results.start - panel.channel;
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

/// Weights of at most sixteen results, sixteen neighbours of each.
struct Square {
    /// The place of the first result's weights in (O, I, KH, KW), and the way to the next.
    weights: usize,
    stride: usize,
    /// How many results.
    rows: usize,
    /// The first of each result's `run` weights.
    first: usize,
    run: usize,
    /// Where in the packed panel each column is; there, the results follow.
    at: [usize; BLOCK],
}

struct Pack<'a, T> {
    packing: &'a Packing,
    panel: &'a Panel,
    w: &'a [T],
    packed: &'a mut [T],
}

impl<T: Number> Kernel<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { packing, panel, w, packed } = self;
        let mut stage = [[T::ZERO; STAGE]; BLOCK];
        packing.each_square(panel, |Square { weights, stride, rows, first, run, at }| {
            if first % STAGE == 0 {
                let count = STAGE.min(run - first);
                for i in 0..rows {
                    stage[i][..count].copy_from_slice(&w[weights + first + i * stride..][..count]);
                }
            }
            let mut square = [simd.splat(T::ZERO); BLOCK];
            for i in 0..BLOCK {
                square[i] = load(simd, &stage[i][first % STAGE..]);
            }
            let square = transpose(simd, square);
            for i in 0..BLOCK.min(run - first) {
                store(simd, square[i], &mut packed[at[i]..], rows);
            }
        });
    }
}

struct Unpack<'a, T> {
    packing: &'a Packing,
    panel: &'a Panel,
    packed: &'a [T],
    w: &'a mut [T],
    /// How many weights come before those of `w`.
    before: usize,
}

impl<T: Number> Kernel<T> for Unpack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { packing, panel, packed, w, before } = self;
        let mut stage = [[T::ZERO; STAGE]; BLOCK];
        packing.each_square(panel, |Square { weights, stride, rows, first, run, at }| {
            let mut square = [simd.splat(T::ZERO); BLOCK];
            for i in 0..BLOCK.min(run - first) {
                square[i] = load(simd, &packed[at[i]..]);
            }
            let square = transpose(simd, square);
            for i in 0..BLOCK {
                store(simd, square[i], &mut stage[i][first % STAGE..], BLOCK);
            }
            let end = run.min(first + BLOCK);
            if end == run || end % STAGE == 0 {
                let (from, count) = (weights - before + first - first % STAGE, end - (first - first % STAGE));
                for i in 0..rows {
                    w[from + i * stride..][..count].copy_from_slice(&stage[i][..count]);
                }
            }
        });
    }
}

/// The next sixteen numbers, or as many as there are.
#[inline(always)]
fn load<T: Number, S: Simd<T>>(simd: S, from: &[T]) -> S::V {
    match from.first_chunk() {
        Some(block) => simd.load(block),
        None => {
            let mut block = [T::ZERO; BLOCK];
            block[..from.len()].copy_from_slice(from);
            simd.load(&block)
        }
    }
}

/// The first `count` of sixteen numbers.
#[inline(always)]
fn store<T: Number, S: Simd<T>>(simd: S, v: S::V, to: &mut [T], count: usize) {
    match to.first_chunk_mut() {
        Some(block) if count == BLOCK => simd.store(v, block),
        _ => {
            let mut block = [T::ZERO; BLOCK];
            simd.store(v, &mut block);
            to[..count].copy_from_slice(&block[..count]);
        }
    }
}
