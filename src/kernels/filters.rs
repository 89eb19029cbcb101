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

/// How many squares before their turn weights are asked for, or how many sources where squares go by these: they lie in
/// rows far apart, which no processor foresees.
const AHEAD: usize = 8;

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
            T::dispatch(isa, PackRuns { packing: self, panel, w, packed: &mut packed });
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
    fn each_square<T, S: Simd<T>>(&self, simd: S, panel: &Panel, squares: &mut impl Squares<T>) {
        let Weights { inputs, taps, .. } = self.weights;
        let lanes = panel.blocks * BLOCK;
        let tap_len = self.tap_len(panel);
        // A result's weights lie side by side: forward all of them, backward those from one source.
        let (runs, run, stride) = match self.direction {
            Direction::Forward => (1, inputs * taps, inputs * taps),
            Direction::Backward => (self.sources.each, taps, taps),
        };
        let whole = run.next_multiple_of(BLOCK);
        let distance = whole.min(AHEAD * BLOCK);
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
                let mut columns = Columns { at: source * lanes + lane, tap: 0, taps, tap_len, lanes };
                for first in (0..run).step_by(BLOCK) {
                    let ahead = match self.direction {
                        Direction::Forward if first + distance < whole => first + distance,
                        Direction::Forward => BLOCK * stride + first + distance - whole,
                        Direction::Backward => first + AHEAD * inputs * taps,
                    };
                    let weights = weights + lane * stride;
                    let (ahead, weights) = (weights + ahead, weights + first);
                    let width = BLOCK.min(run - first);
                    squares.square(simd, Square { weights, stride, rows, width, ahead }, &mut columns);
                }
            }
        }
    }

    /// Calls `f` for every source channel's weights to the panel's results, tap by tap.
    #[inline(always)]
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

/// At most sixteen neighbouring weights of each of at most sixteen results.
struct Square {
    /// The place of the first result's weights in (O, I, KH, KW), and the way to the next.
    weights: usize,
    stride: usize,
    /// How many results.
    rows: usize,
    /// How many weights of each.
    width: usize,
    /// As `weights`, of a square to come.
    ahead: usize,
}

/// The places in a packed panel of neighbouring weights of one result: other results' follow there. Counted up, since to
/// divide by the number of taps would take longer than all the rest.
#[derive(Clone, Copy)]
struct Columns {
    /// The next weight's.
    at: usize,
    /// Its tap.
    tap: usize,
    taps: usize,
    tap_len: usize,
    /// From one input to the next.
    lanes: usize,
}

impl Columns {
    #[inline(always)]
    fn next(&mut self) -> usize {
        let at = self.at;
        self.at += self.tap_len;
        self.tap += 1;
        if self.tap == self.taps {
            self.at = self.at + self.lanes - self.taps * self.tap_len;
            self.tap = 0;
        }
        at
    }
}

/// An expression for each of sixteen numbers: what a loop would keep in memory stays in registers.
macro_rules! sixteen {
    ($i:ident => $of:expr) => {
        sixteen!($i => $of; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    ($i:ident => $of:expr; $($n:literal)*) => {
        [$({
            let $i = $n;
            $of
        }),*]
    };
}

/// What is done to each square. A closure that is not inlined would be compiled without vectors.
trait Squares<T> {
    fn square<S: Simd<T>>(&mut self, simd: S, square: Square, columns: &mut Columns);
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
    fn run<S: Simd<T>>(mut self, simd: S) {
        self.packing.each_square(simd, self.panel, &mut self);
    }
}

impl<T: Number> Squares<T> for Pack<'_, T> {
    #[inline(always)]
    fn square<S: Simd<T>>(&mut self, simd: S, square: Square, columns: &mut Columns) {
        let Square { weights, stride, rows, width, ahead } = square;
        // What lies behind a result's last weight, and behind the last result, is read too, and left out below.
        let square = sixteen!(i => simd.load_first(self.w.get(weights + i * stride..).unwrap_or_default()));
        sixteen!(i => ask_for(simd, self.w, ahead + i * stride));
        let square = transpose(simd, square);
        sixteen!(i => if i < width {
            simd.store_first(square[i], &mut self.packed[columns.next()..][..rows]);
        });
    }
}

/// Runs that stay as they are, and those of merged groups.
struct PackRuns<'a, T> {
    packing: &'a Packing,
    panel: &'a Panel,
    w: &'a [T],
    packed: &'a mut [T],
}

impl<T: Number> Kernel<T> for PackRuns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { packing, panel, w, packed } = self;
        let step = packing.weights.inputs * packing.weights.taps;
        packing.each_run(panel, |Run { at, len, weight, stride }| {
            let (weights, packed) = (&w[weight..], &mut packed[at..at + len]);
            if stride > 1 {
                let weights = weights.iter().step_by(stride);
                return packed.iter_mut().zip(weights).for_each(|(to, &from)| *to = from);
            }
            for (i, to) in packed.chunks_mut(BLOCK).enumerate() {
                simd.store_first(simd.load_first(&weights[i * BLOCK..]), to);
                ask_for(simd, w, weight + AHEAD * step + i * BLOCK);
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
    fn run<S: Simd<T>>(mut self, simd: S) {
        self.packing.each_square(simd, self.panel, &mut self);
    }
}

impl<T: Number> Squares<T> for Unpack<'_, T> {
    #[inline(always)]
    fn square<S: Simd<T>>(&mut self, simd: S, square: Square, columns: &mut Columns) {
        let Square { weights, stride, rows, width, ahead } = square;
        let square = sixteen!(i => if i < width {
            simd.load_first(&self.packed[columns.next()..])
        } else {
            simd.splat(T::ZERO)
        });
        let square = transpose(simd, square);
        sixteen!(i => if i < rows {
            simd.store_first(square[i], &mut self.w[weights - self.before + i * stride..][..width]);
        });
        sixteen!(i => ask_for(simd, self.w, ahead - self.before + i * stride));
    }
}

/// Asks for the weights around number `at`, if there are any.
#[inline(always)]
fn ask_for<T: Number, S: Simd<T>>(simd: S, w: &[T], at: usize) {
    if let Some(block) = w.as_chunks().0.get(at / BLOCK) {
        simd.prefetch(block);
    }
}
