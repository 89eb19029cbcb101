//! A band of output rows: fill the strip, run the tiles. Forward and grad_input are both this.

use super::{
    axis::Axis,
    filters::{Packing, Panel},
    grouped,
    strip::{Ahead, Layout, Strip},
    tile::{self, After, Tap},
};
use crate::{
    buffer::Buffer,
    number::Number,
    simd::{BLOCK, Isa},
};
use std::ops::Range;

/// The first-level caches hold a tile's work; a band's strip should leave the second level room.
const STRIP_BYTES: usize = 192 << 10;

/// Everything that the bands of one pass share.
#[derive(Debug)]
pub struct Correlation {
    rows: Axis,
    columns: Axis,
    /// The height and width of a source image.
    source: [usize; 2],
    /// The height and width of an output image.
    output: [usize; 2],
    packing: Packing,
    layout: Layout,
    /// The reach of the lowest and of the highest row tap, zero included.
    reach: (isize, isize),
    /// For each row phase and column phase, taps in order of the kernel's rows.
    taps: Vec<Vec<Vec<Tap>>>,
}

/// Weights ready for the tiles, and what is done to the sums that they make.
#[derive(Clone, Debug)]
pub struct Panels<T: Number> {
    /// Each panel and its blocks.
    pub packed: Vec<(Panel, Buffer<T>)>,
    /// What is added to each output channel; empty for nothing.
    pub bias: Vec<T>,
    /// Whether outputs are cut off below zero.
    pub relu: bool,
}

impl<T: Number> Panels<T> {
    /// With nothing done to the sums.
    pub fn new(packed: Vec<(Panel, Buffer<T>)>) -> Self {
        Self { packed, bias: Vec::new(), relu: false }
    }

    /// What is done to the sums of a panel.
    pub fn after(&self, panel: &Panel) -> After<'_, T> {
        After { bias: &self.bias, relu: self.relu, onto: false }.from(panel.channel)
    }
}

/// Some neighbouring panels.
#[derive(Clone, Copy, Debug)]
pub struct Share<'a, T: Number> {
    all: &'a Panels<T>,
    packed: &'a [(Panel, Buffer<T>)],
}

impl<'a, T: Number> Share<'a, T> {
    /// Those with these numbers.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(all: &'a Panels<T>, numbers: Range<usize>) -> Self {
        assert!(!numbers.is_empty(), "a share of at least one panel");
        Self { all, packed: &all.packed[numbers] }
    }

    /// The first channel.
    fn first(&self) -> usize {
        self.packed[0].0.channel
    }

    /// How many channels they have.
    pub fn channels(&self) -> usize {
        self.packed.iter().map(|(panel, _)| panel.channels).sum()
    }
}

impl Correlation {
    /// `rows` and `columns` say which source pixels the outputs read, `packing` which channels.
    pub fn new([rows, columns]: [Axis; 2], source: [usize; 2], output: [usize; 2], packing: Packing) -> Self {
        let layout = Layout::new(packing.sources, &columns, output[1]);
        let reach = rows.span(|step| step.reach(rows.source_phases));
        let mut plan = Self { rows, columns, source, output, packing, layout, reach, taps: Vec::new() };
        plan.taps = (0..plan.rows.output_phases())
            .map(|row| (0..plan.columns.output_phases()).map(|column| plan.tap_list(row, column)).collect())
            .collect();
        plan
    }

    // ANCHOR: tap_list
    fn tap_list(&self, row_phase: usize, column_phase: usize) -> Vec<Tap> {
        let grains = self.packing.sources.grains();
        // Tap (kh, kw) of a panel comes after kh · KW + kw others; KW is how many column taps there are.
        let kernel_width = self.columns.steps.iter().map(Vec::len).sum::<usize>();
        let mut taps = Vec::new();
        for row in &self.rows.steps[row_phase] {
            let row_offset = (row.reach(self.rows.source_phases) - self.reach.0) as usize * self.layout.row();
            for column in &self.columns.steps[column_phase] {
                for grain in 0..grains {
                    let offset = row_offset + self.layout.offset(grain, column.phase, column.shift);
                    let filter = (row.k * kernel_width + column.k) * grains + grain;
                    taps.push(Tap { offset: offset as u32, filter: filter as u32 });
                }
            }
        }
        taps
    }
    // ANCHOR_END: tap_list

    /// How many output rows to compute from one strip.
    pub fn band<T>(&self) -> usize {
        let row_bytes = self.layout.row() * self.packing.sources.grain() * size_of::<T>();
        let source_rows = (STRIP_BYTES / row_bytes).saturating_sub((self.reach.1 - self.reach.0) as usize);
        let rows = source_rows / self.rows.source_phases * self.rows.output_phases();
        // A band starts with the first phase.
        rows.max(self.rows.output_phases()).min(self.output[0].next_multiple_of(self.rows.output_phases()))
    }

    /// A strip for one band.
    pub fn strip<T: Number>(&self) -> Strip<T> {
        let rows = (self.steps(self.band::<T>()) - 1) * self.rows.source_phases
            + (self.reach.1 - self.reach.0) as usize
            + 1;
        Strip::new(&self.layout, rows)
    }

    /// Lays out what the output `rows`, at most one [band](Self::band), read of `source`, which begins with the image. Hands
    /// back what the next band will read.
    pub fn lay_out<'a, T: Number>(
        &self,
        isa: Isa,
        rows: Range<usize>,
        source: &'a [T],
        strip: &mut Strip<T>,
    ) -> &'a [T] {
        let filled = self.fill(isa, &rows, source, strip);
        let behind = source.get(filled * self.source_row()..).unwrap_or_default();
        let next = self.steps(rows.len()) * self.rows.source_phases * self.source_row();
        &behind[..behind.len().min(next)]
    }

    /// Computes the output rows `first..` that `out` holds, from a strip in which they are [laid out](Self::lay_out):
    /// `first` is a multiple of [`band`](Self::band), and the pixels of `out` have the channels of these `panels` and no
    /// others. Memory that will be needed `next` is asked for ahead of its time.
    pub fn run<T: Number>(
        &self,
        isa: Isa,
        panels: Share<'_, T>,
        (strip, next): (&Strip<T>, &[T]),
        to: (usize, &mut [T]),
    ) {
        match self.packing.sources.grain() {
            1 => self.run_grains::<T, 1>(isa, panels, (strip, next), to),
            _ => self.run_grains::<T, BLOCK>(isa, panels, (strip, next), to),
        }
    }

    fn run_grains<T: Number, const D: usize>(
        &self,
        isa: Isa,
        panels: Share<'_, T>,
        (strip, next): (&Strip<T>, &[T]),
        (first, out): (usize, &mut [T]),
    ) {
        let pixel = panels.channels();
        let row_len = self.output[1] * pixel;
        let rows = first..first + out.len() / row_len;
        let mut ahead = Ahead::new([next, &[]], panels.packed.len() * rows.len() * self.tiles::<T>(isa));
        for (panel, weights) in panels.packed {
            let grains = strip.grains::<D>().get(panel.part * self.layout.part()..).unwrap_or_default();
            let after = panels.all.after(panel);
            let channel = panel.channel - panels.first();
            for row in rows.clone() {
                let out = &mut out[(row - first) * row_len + channel..(row - first + 1) * row_len];
                let from = (row - first) / self.rows.output_phases() * self.rows.source_phases;
                let strip = &grains[from * self.layout.row()..];
                self.row(isa, row, (strip, panel, weights, after), &mut ahead, (out, pixel));
            }
        }
    }

    /// How many times the kernel moves on, down the rows of a band.
    fn steps(&self, rows: usize) -> usize {
        rows.div_ceil(self.rows.output_phases())
    }

    /// The most pixels of a tile of so many blocks.
    fn most<T: Number>(&self, isa: Isa, blocks: usize) -> usize {
        match self.packing.sources.group {
            Some(_) => grouped::pixels::<T>(isa),
            None => tile::pixels::<T>(isa, blocks),
        }
    }

    /// How many tiles a row has for each panel.
    fn tiles<T: Number>(&self, isa: Isa) -> usize {
        let phases = self.columns.output_phases();
        phases * self.output[1].div_ceil(phases).div_ceil(self.most::<T>(isa, tile::blocks::<T>(isa)))
    }

    fn source_row(&self) -> usize {
        self.source[1] * self.packing.sources.total()
    }

    /// Returns how many of the image's rows are done with.
    fn fill<T: Number>(&self, isa: Isa, rows: &Range<usize>, source: &[T], strip: &mut Strip<T>) -> usize {
        let height = self.source[0];
        let step = |row: usize| row / self.rows.output_phases() * self.rows.source_phases;
        let start = step(rows.start) as isize + self.reach.0;
        let end = step(rows.end - 1) as isize + self.reach.1 + 1;
        let end = end.min(height as isize);
        for row in start.max(0)..end {
            let pixels = &source[row as usize * self.source_row()..][..self.source_row()];
            strip.fill(isa, &self.layout, (row - start) as usize, pixels);
        }
        end.max(0) as usize
    }

    fn row<T: Number, const D: usize>(
        &self,
        isa: Isa,
        row: usize,
        (strip, panel, weights, after): (&[[T; D]], &Panel, &Buffer<T>, After<'_, T>),
        ahead: &mut Ahead<'_, T>,
        (out, pitch): (&mut [T], usize),
    ) {
        let phases = self.columns.output_phases();
        let inside = self.rows_inside(row);
        for (phase, taps) in self.taps[row % self.rows.output_phases()].iter().enumerate() {
            let pixels = (self.output[1] + phases - 1 - phase) / phases;
            let per_row = self.columns.steps[phase].len() * self.packing.sources.grains();
            let taps = &taps[inside.start * per_row..inside.end * per_row];
            for tile in split(pixels, self.most::<T>(isa, panel.blocks)) {
                let at = (tile.start * phases + phase) * pitch;
                let input = tile::Input {
                    strip: &strip[tile.start..],
                    taps,
                    panel: weights.blocks(),
                    depth: self.packing.sources.depth(),
                    ahead: ahead.next_piece(),
                };
                let (values, stride, channels) = (&mut out[at..], phases * pitch, panel.channels);
                let mut output = tile::Output { values, stride, channels, after };
                match self.packing.sources.group {
                    Some(_) => grouped::run(isa, tile.len(), &input, &mut output),
                    None => tile::run(isa, tile.len(), panel.blocks, &input, &mut output),
                }
            }
        }
    }

    /// Which row taps of an output row read the image and not its padding.
    fn rows_inside(&self, row: usize) -> Range<usize> {
        let phases = self.rows.output_phases();
        let from = (row / phases * self.rows.source_phases) as isize;
        let steps = &self.rows.steps[row % phases];
        let inside = |i: &usize| {
            let at = from + steps[*i].reach(self.rows.source_phases);
            (0..self.source[0] as isize).contains(&at)
        };
        let start = (0..steps.len()).find(inside).unwrap_or(0);
        let end = (0..steps.len()).rev().find(inside).map_or(start, |last| last + 1);
        start..end
    }
}

/// Cuts `pixels` into tiles of at most `most`, as even as can be.
pub fn split(pixels: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let tiles = pixels.div_ceil(most);
    (0..tiles).map(move |i| i * pixels / tiles..(i + 1) * pixels / tiles)
}
