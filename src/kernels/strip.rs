//! A strip: the source rows that a band of outputs needs, ready for a tile.
//!
//! ```text
//! strip[row][block of 16 channels][phase][position] -> sixteen channels
//! ```
//!
//! Positions of one phase lie side by side, so that the pixels of a tile are consecutive whatever
//! the stride. Positions outside the image and channels past the last stay zero: they are zeroed
//! once, and filling a row never touches them.

use super::axis::Axis;
use crate::{
    buffer::Buffer,
    number::Number,
    simd::{BLOCK, Block, Isa, Kernel, Simd},
};

/// How channels fall into parts that are convolved apart, and each part into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// How many parts there are.
    pub parts: usize,
    /// Channels in each.
    pub each: usize,
}

impl Channels {
    /// All channels.
    pub fn total(&self) -> usize {
        self.parts * self.each
    }

    /// Blocks in each part; the last one may be partly empty.
    pub fn blocks(&self) -> usize {
        self.each.div_ceil(BLOCK)
    }

    /// How many channels of a block a kernel has to visit.
    pub fn depth(&self) -> usize {
        self.each.min(BLOCK)
    }

    /// Every block in order: its first channel, and how many channels it holds.
    pub(super) fn spans(&self) -> impl Iterator<Item = (usize, usize)> {
        let each = self.each;
        let in_part = (0..self.blocks()).map(move |b| (b * BLOCK, BLOCK.min(each - b * BLOCK)));
        (0..self.parts).flat_map(move |part| in_part.clone().map(move |(at, n)| (part * each + at, n)))
    }
}

/// The extents of a strip's rows.
#[derive(Clone, Debug)]
pub struct Layout {
    channels: Channels,
    phases: usize,
    /// The position that comes first; negative where there is padding.
    first: isize,
    width: usize,
}

impl Layout {
    /// Rows of `channels` from which `outputs` columns can be computed along `columns`.
    pub fn new(channels: Channels, columns: &Axis, outputs: usize) -> Self {
        let (first, last) = columns.span(|step| step.shift);
        let width = outputs.div_ceil(columns.output_phases()) + (last - first) as usize;
        Self { channels, phases: columns.source_phases, first, width }
    }

    /// Blocks in a row.
    pub fn row(&self) -> usize {
        self.channels.parts * self.part()
    }

    /// Blocks in one part of a row.
    pub fn part(&self) -> usize {
        self.channels.blocks() * self.phases * self.width
    }

    /// Where, in one part of a row, the position `shift` of a phase of a block is.
    pub fn offset(&self, block: usize, phase: usize, shift: isize) -> usize {
        (block * self.phases + phase) * self.width + (shift - self.first) as usize
    }
}

/// Copies at most sixteen channels; a whole block in one move, and a few without a call to `memmove`.
#[inline]
pub fn copy<T: Copy>(to: &mut Block<T>, from: &[T]) {
    match from.as_array() {
        Some(block) => *to = *block,
        None => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
    }
}

/// Asks for memory that will be copied soon.
pub fn ask_for<T: Number>(isa: Isa, pixels: &[T]) {
    T::dispatch(isa, Ask(pixels.as_chunks().0));
}

struct Ask<'a, T>(&'a [Block<T>]);

impl<T: Number> Kernel<T> for Ask<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        self.0.iter().for_each(|block| simd.prefetch(block));
    }
}

/// Rows in a [`Layout`].
#[derive(Debug)]
pub struct Strip<T: Number> {
    data: Buffer<T>,
}

impl<T: Number> Strip<T> {
    /// So many rows of zeros.
    pub fn new(layout: &Layout, rows: usize) -> Self {
        Self { data: Buffer::zeros(rows * layout.row() * BLOCK) }
    }

    /// The blocks of all rows.
    pub fn blocks(&self) -> &[Block<T>] {
        self.data.blocks()
    }

    /// Copies one row of pixels (W, C) into row `row`.
    ///
    /// Every fill of one strip has to use the same layout and the same number of pixels: what this
    /// one does not write is zero only because no other one wrote it.
    pub fn fill(&mut self, layout: &Layout, row: usize, pixels: &[T]) {
        let Layout { channels, phases, width, .. } = *layout;
        let blocks = &mut self.data.blocks_mut()[row * layout.row()..][..layout.row()];
        // Position p of phase f is pixel p·phases + f; those before pixel 0 are padding.
        let positions = -layout.first as usize..width;
        for (position, pixels) in positions.zip(pixels.chunks(phases * channels.total())) {
            for (phase, pixel) in pixels.chunks_exact(channels.total()).enumerate() {
                let column = blocks[phase * width + position..].iter_mut().step_by(phases * width);
                for (to, (channel, count)) in column.zip(channels.spans()) {
                    copy(to, &pixel[channel..][..count]);
                }
            }
        }
    }
}
