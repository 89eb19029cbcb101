//! A strip: the source rows that a band of outputs needs, ready for a tile.
//!
//! ```text
//! strip[row][block of 16 channels][phase][position] -> sixteen channels
//! strip[row][channel][phase][position] -> one channel, where there are few of them
//! ```
//!
//! Positions of one phase lie side by side, so that the pixels of a tile are consecutive whatever
//! the stride. Positions outside the image and channels past the last stay zero: they are zeroed
//! once, and filling a row never touches them.

use super::{
    axis::Axis,
    deal::{self, Pixels},
};
use crate::{
    buffer::Buffer,
    number::Number,
    simd::{BLOCK, Block, Isa},
};

/// So many channels or fewer lie in planes of their own: of a block they would leave half empty.
const FEW: usize = BLOCK / 2;

/// How channels fall into parts that are convolved apart, and each part into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// How many parts there are.
    pub parts: usize,
    /// Channels in each.
    pub each: usize,
    /// How wide the groups are that a part is a block of, if they are of the kind of [`grouped`](super::grouped).
    pub group: Option<usize>,
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

    /// How many channels lie side by side in a strip: a block, or one.
    pub fn grain(&self) -> usize {
        if self.each <= FEW { 1 } else { BLOCK }
    }

    /// How many grains each part has; the last one may be partly empty.
    pub fn grains(&self) -> usize {
        self.each.div_ceil(self.grain())
    }

    /// How many channels of a grain, or of a group, a kernel has to visit.
    pub fn depth(&self) -> usize {
        self.group.unwrap_or(self.each.min(self.grain()))
    }

    /// How many channels each result is a sum over.
    pub fn summed(&self) -> usize {
        self.group.unwrap_or(self.each)
    }

    /// How many rows of weights each part has for a tap: one for each channel of its grains, or of a group.
    pub fn rows(&self) -> usize {
        self.group.unwrap_or(self.grains() * self.grain())
    }

    /// Every grain in order: its first channel, and how many channels it holds.
    pub(super) fn spans(&self) -> impl Iterator<Item = (usize, usize)> {
        let (each, grain) = (self.each, self.grain());
        let in_part = (0..self.grains()).map(move |i| (i * grain, grain.min(each - i * grain)));
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

    /// Grains in a row.
    pub fn row(&self) -> usize {
        self.channels.parts * self.part()
    }

    /// Grains in one part of a row.
    pub fn part(&self) -> usize {
        self.channels.grains() * self.phases * self.width
    }

    /// Where, in one part of a row, the position `shift` of a phase of a grain is.
    pub fn offset(&self, grain: usize, phase: usize, shift: isize) -> usize {
        (grain * self.phases + phase) * self.width + (shift - self.first) as usize
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

/// Memory that will be copied soon. Kernels ask for it piece by piece, while they multiply.
#[derive(Debug)]
pub struct Ahead<'a, T> {
    rest: [&'a [Block<T>]; 2],
    piece: usize,
}

impl<'a, T> Ahead<'a, T> {
    /// Two stretches of memory, in about so many pieces: none reaches over the end of the first.
    pub fn new(memory: [&'a [T]; 2], pieces: usize) -> Self {
        let rest = memory.map(|numbers| numbers.as_chunks().0);
        Self { rest, piece: (rest[0].len() + rest[1].len()).div_ceil(pieces.max(1)) }
    }

    /// The next piece.
    pub fn next_piece(&mut self) -> &'a [Block<T>] {
        let from = usize::from(self.rest[0].is_empty());
        let (piece, rest) = self.rest[from].split_at(self.piece.min(self.rest[from].len()));
        self.rest[from] = rest;
        piece
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
        Self { data: Buffer::zeros(rows * layout.row() * layout.channels.grain()) }
    }

    /// The grains of all rows.
    pub fn grains<const D: usize>(&self) -> &[[T; D]] {
        self.data.as_chunks().0
    }

    /// Copies one row of pixels (W, C) into row `row`.
    ///
    /// Every fill of one strip has to use the same layout and the same number of pixels: what this
    /// one does not write is zero only because no other one wrote it.
    pub fn fill(&mut self, isa: Isa, layout: &Layout, row: usize, pixels: &[T]) {
        match layout.channels.grain() {
            1 => self.fill_planes(layout, row, pixels),
            _ if layout.channels.each.is_multiple_of(BLOCK) => self.fill_whole(isa, layout, row, pixels),
            _ => self.fill_blocks(layout, row, pixels),
        }
    }

    fn fill_planes(&mut self, layout: &Layout, row: usize, pixels: &[T]) {
        let Layout { channels, phases, width, .. } = *layout;
        let planes = &mut self.data[row * layout.row()..][..layout.row()];
        for (i, plane) in planes.chunks_exact_mut(width).enumerate() {
            let (channel, phase) = (i / phases, i % phases);
            let from = pixels.get(phase * channels.total() + channel..).unwrap_or_default();
            let to = &mut plane[-layout.first as usize..];
            to.iter_mut()
                .zip(from.iter().step_by(phases * channels.total()))
                .for_each(|(to, from)| *to = *from);
        }
    }

    fn fill_whole(&mut self, isa: Isa, layout: &Layout, row: usize, pixels: &[T]) {
        let Layout { channels, phases, width, .. } = *layout;
        let blocks = &mut self.data.blocks_mut()[row * layout.row()..][..layout.row()];
        let (total, first) = (channels.total(), -layout.first as usize);
        for phase in 0..phases {
            let numbers = pixels.get(phase * total..).unwrap_or_default();
            let count = (numbers.len() / total).div_ceil(phases).min(width - first);
            let pixels = Pixels { numbers, pitch: phases * total, count, groups: total / BLOCK };
            deal::run(isa, 1, pixels, &mut blocks[phase * width + first..], phases * width);
        }
    }

    fn fill_blocks(&mut self, layout: &Layout, row: usize, pixels: &[T]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_all_there_is_and_then_nothing() {
        let numbers = [0.0f32; 10 * BLOCK];
        for (first, second, pieces) in [(0, 0, 3), (4, 0, 2), (0, 5, 3), (4, 6, 4), (3, 1, 9)] {
            let mut ahead = Ahead::new([&numbers[..first * BLOCK], &numbers[..second * BLOCK]], pieces);
            // One more where a piece ends with the first stretch.
            let lengths: Vec<_> = (0..=pieces).map(|_| ahead.next_piece().len()).collect();
            assert_eq!(lengths.iter().sum::<usize>(), first + second, "{lengths:?}");
            assert!(lengths.iter().all(|&len| len <= (first + second).div_ceil(pieces)), "{lengths:?}");
            assert!(ahead.next_piece().is_empty());
        }
    }
}
