//! The gradient of the weights.

use super::*;
use crate::{
    kernels::{
        deal::Pixels,
        grouped,
        outer::{Factors, Run},
        planes,
        strip::Ahead,
    },
    simd::{self, BLOCK, Block},
};
use std::{borrow::Borrow, ops::Range};

/// Shares of the panels times parts of the batch: enough tasks for many threads.
pub(super) const TASKS: usize = 16;

/// Convolutions of at most so many multiply-adds are summed in one part: each part has sums of its own, which are written
/// and added up.
pub(super) const ONE_PART: usize = 1 << 22;

/// Gradients that one task adds to, over and over: they leave the second-level cache room for a strip.
pub(super) const SHARE_BYTES: usize = 512 << 10;

/// What one task keeps in the first-level cache while the taps go by.
pub(super) const BAND_BYTES: usize = 24 << 10;

/// See [`super::super::grad_weights`].
#[track_caller]
pub fn grad_weights<T: Real>(isa: Isa, dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x.shape(), w), "dy has the shape of the output");
    if x.len() == 0 {
        return Tensor::zeros(w);
    }
    let (rows, joined) = Pass::forward(g).axes(w, dy.shape());
    let packing = packing(joined.shape(), g.groups, Direction::Forward);
    let axes = [rows, joined.columns.clone()];
    let products = dy.len() / w.dims()[0] * w.len();
    let mut dw = Tensor::scratch(joined.shape());
    let ([images, h, width, c], [_, oh, ow, outputs]) = (x.dims(), dy.dims());
    let [ow, outputs] = [ow / joined.neighbours, outputs * joined.neighbours];
    let batch = Batch::new(axes.clone(), [h, width], [oh, ow], packing);
    if let Some(chunk) = batch.gradients_chunk::<T>(images).filter(|_| !is_pointwise(w, g)) {
        images::grad_weights(isa, (&batch, chunk, products), (dy, x), &mut dw);
        return joined.gradients(dw);
    }
    // Where rows and images end is of no matter to a 1x1 convolution: a band then reaches over several.
    let rows = |[n, h, width, c]: [usize; 4]| {
        if is_pointwise(w, g) { [1, n * h, width, c] } else { [n, h, width, c] }
    };
    let plan = Plan::new(rows([images, h, width, c]), rows([images, oh, ow, outputs]), packing, axes);
    let bands = plan.bands::<T>(tile::blocks::<T>(isa));
    sum_up(isa, plan.packing, (products, x.len(), bands.len()), dw.as_mut_slice(), |share, part, sums| {
        plan.products(isa, share, &bands[part], (x.as_slice(), dy.as_slice()), sums);
    });
    joined.gradients(dw)
}

/// `dw` (O, I, KH, KW) from tasks that each add up a share of its panels over a part of the `units` that the batch
/// falls into: `add` gets the share, the part, and room for the panels' packed sums one after the other.
pub(super) fn sum_up<T: Real>(
    isa: Isa,
    packing: Packing,
    (products, inputs, units): (usize, usize, usize),
    dw: &mut [T],
    add: impl Fn(&[Panel], Range<usize>, &mut [T]) + Sync,
) {
    let panels = packing.panels(tile::blocks::<T>(isa));
    // Each share lays out all inputs anew, and each part has sums of its own that are written and added up: as many
    // shares as make the two cost the same.
    let even = (2 * TASKS * dw.len() / inputs).isqrt();
    let shares = even.max(size_of_val(dw) / SHARE_BYTES).max(1);
    let shares: Vec<_> = panels.chunks(panels.len().div_ceil(shares)).collect();
    let tasks = if products <= ONE_PART { 1 } else { TASKS };
    let parts = tasks.div_ceil(shares.len()).min(units);
    let sums = threads::map(products, shares.len() * parts, |task| {
        let (share, part) = (shares[task / parts], task % parts);
        let mut sums = Buffer::scratch(share.iter().map(|panel| packing.panel_len(panel)).sum());
        add(share, part * units / parts..(part + 1) * units / parts, &mut sums);
        sums
    });

    let each = dw.len() / packing.results.total();
    let (unpacking, mut rest, mut sums) = (PACKING * dw.len(), dw, sums.into_iter());
    let joined = shares.into_iter().map(|share| {
        let channels: usize = share.iter().map(|panel| panel.channels).sum();
        let (mine, behind) = std::mem::take(&mut rest).split_at_mut(channels * each);
        rest = behind;
        (share, sums.by_ref().take(parts).collect::<Vec<_>>(), mine)
    });
    threads::each(
        unpacking,
        joined.collect(),
        || (),
        |(), (share, sums, dw): (&[Panel], Vec<Buffer<T>>, &mut [T])| {
            let mut sums = sums.into_iter();
            let first = sums.next().expect("at least one part");
            let mut total = in_order(first, sums);
            for (panel, sums) in by_panel(packing, share, &mut total) {
                T::unpack(isa, &packing, panel, sums, (dw, share[0].channel * each));
            }
        },
    );
}

/// The packed sums of each panel of a share.
pub(super) fn by_panel<'a, T>(
    packing: Packing,
    share: &'a [Panel],
    mut sums: &'a mut [T],
) -> impl Iterator<Item = (&'a Panel, &'a mut [T])> {
    share.iter().map(move |panel| {
        let (mine, behind) = std::mem::take(&mut sums).split_at_mut(packing.panel_len(panel));
        sums = behind;
        (panel, mine)
    })
}

// ANCHOR: in_order
/// The sum of the first part and the rest, one after the other: it must not depend on who was ready first.
pub(in crate::ops::conv2d) fn in_order<T: Real>(
    mut total: Buffer<T>,
    rest: impl Iterator<Item: Borrow<Buffer<T>>>,
) -> Buffer<T> {
    for part in rest {
        simd::vectorize(|| {
            total.iter_mut().zip(part.borrow().iter()).for_each(|(total, &part)| *total += part)
        });
    }
    total
}
// ANCHOR_END: in_order

/// Deals pixels out to so many panels like this one, or to one alone if it has empty lanes: these stay as they are.
pub(super) fn deal<T: Real>(
    isa: Isa,
    panel: &Panel,
    pixels: Pixels<'_, T>,
    to: &mut [Block<T>],
    step: usize,
) {
    if panel.is_whole() {
        return T::deal(isa, panel.blocks, pixels, to, step);
    }
    let to = to.chunks_exact_mut(panel.blocks).take(pixels.count);
    for (to, pixel) in to.zip(pixels.numbers.chunks(pixels.pitch)) {
        let from = pixel[..panel.channels].chunks(BLOCK);
        to.iter_mut().zip(from).for_each(|(to, from)| strip::copy(to, from));
    }
}

/// Output rows of one image.
struct Band {
    image: usize,
    rows: Range<usize>,
}

/// What the products of a band are made of.
#[derive(Clone, Copy)]
struct Given<'a, T: Real> {
    strip: &'a Strip<T>,
    dy: &'a [T],
    /// From one pixel's gradients to the next one's.
    pitch: usize,
    /// Whether the products are added to those of bands before.
    onto: bool,
}

/// What all tasks share.
struct Plan {
    rows: Axis,
    columns: Axis,
    x: [usize; 4],
    dy: [usize; 4],
    packing: Packing,
    layout: Layout,
    reach: (isize, isize),
}

impl Plan {
    /// For inputs `x` and gradients `dy`, (N, H, W, C), of a convolution along `rows` and `columns`.
    fn new(x: [usize; 4], dy: [usize; 4], packing: Packing, [rows, columns]: [Axis; 2]) -> Self {
        let layout = Layout::new(packing.sources, &columns, dy[2]);
        let reach = rows.span(|step| step.reach(rows.source_phases));
        Self { rows, columns, x, dy, packing, layout, reach }
    }

    /// Each image's rows in bands, for panels of so many blocks.
    fn bands<T>(&self, blocks: usize) -> Vec<Band> {
        let row = self.dy[2] * (blocks + self.rows.source_phases) * BLOCK * size_of::<T>();
        let (height, most) = (self.dy[1], (BAND_BYTES / row).clamp(1, self.dy[1].max(1)));
        let firsts = (0..height).step_by(most);
        let band =
            |image| firsts.clone().map(move |first| Band { image, rows: first..(first + most).min(height) });
        (0..self.x[0]).flat_map(band).collect()
    }

    /// The gradients of a share's panels over some bands, packed, one panel after the other.
    fn products<T: Real>(
        &self,
        isa: Isa,
        share: &[Panel],
        bands: &[Band],
        (x, dy): (&[T], &[T]),
        sums: &mut [T],
    ) {
        let most = bands.iter().map(|band| band.rows.len()).max().unwrap_or(1);
        let strip_rows = (most - 1) * self.rows.source_phases + (self.reach.1 - self.reach.0) as usize + 1;
        let mut strip = Strip::new(&self.layout, strip_rows);
        let blocks: usize = share.iter().map(|panel| panel.blocks).sum();
        // Zeros, since lanes past a panel's last channel are read, if only to be dropped.
        let mut gradients = Buffer::zeros(most * self.dy[2] * blocks * BLOCK);
        for (i, band) in bands.iter().enumerate() {
            self.fill(isa, band, x, &mut strip);
            let places: Option<Vec<_>> = share.iter().map(|panel| self.in_place(band, panel, dy)).collect();
            if places.is_none() {
                self.gather(isa, band, share, dy, &mut gradients);
            }
            let mut places = places.into_iter().flatten();
            let next = bands.get(i + 1).map_or([[].as_slice(); 2], |band| self.reads(band, x, dy));
            let mut ahead = Ahead::new(next, share.len() * self.calls());
            let (mut rest, pixels) = (gradients.blocks(), band.rows.len() * self.dy[2]);
            for (panel, dw) in by_panel(self.packing, share, sums) {
                let (mine, behind) = rest.split_at(pixels * panel.blocks);
                let (dy, pitch) = places.next().unwrap_or((mine.as_flattened(), panel.blocks * BLOCK));
                let given = Given { strip: &strip, dy, pitch, onto: i > 0 };
                self.band_products(isa, panel, band.rows.clone(), given, &mut ahead, dw.as_chunks_mut().0);
                rest = behind;
            }
        }
    }

    /// The rows of the input that a band of outputs reads.
    fn fill<T: Real>(&self, isa: Isa, band: &Band, x: &[T], strip: &mut Strip<T>) {
        let ([_, h, w, c], (start, rows)) = (self.x, self.source_rows(band));
        for row in rows {
            let pixels = &x[(band.image * h + row) * w * c..][..w * c];
            T::fill_strip(isa, strip, &self.layout, (row as isize - start) as usize, pixels);
        }
    }

    /// The first row of the input, or of its padding, that a band of outputs reads, and those that are inside.
    fn source_rows(&self, band: &Band) -> (isize, Range<usize>) {
        let step = self.rows.source_phases;
        let start = (band.rows.start * step) as isize + self.reach.0;
        let end = ((band.rows.end - 1) * step) as isize + self.reach.1 + 1;
        let inside = |row: isize| row.clamp(0, self.x[1] as isize) as usize;
        (start, inside(start)..inside(end))
    }

    /// The inputs and the gradients that a band takes.
    fn reads<'a, T>(&self, band: &Band, x: &'a [T], dy: &'a [T]) -> [&'a [T]; 2] {
        let rows_of = |numbers: &'a [T], [_, h, w, c]: [usize; 4], rows: Range<usize>| {
            &numbers[(band.image * h + rows.start) * w * c..(band.image * h + rows.end) * w * c]
        };
        [rows_of(x, self.x, self.source_rows(band).1), rows_of(dy, self.dy, band.rows.clone())]
    }

    /// How many times a panel's products ask for what comes next.
    fn calls(&self) -> usize {
        let [rows, columns] = [&self.rows, &self.columns].map(|axis| axis.steps[0].len());
        match self.packing.sources.group {
            Some(_) => rows,
            // Planes do not: a first layer's inputs are few.
            None if self.packing.sources.grain() == 1 => 0,
            None => rows * columns * self.packing.sources.grains(),
        }
    }

    /// The band's gradients of a panel's outputs where they are, and the way from one pixel to the next: products of
    /// planes do not mind what is behind the last channel, if there is anything.
    fn in_place<'a, T>(&self, band: &Band, panel: &Panel, dy: &'a [T]) -> Option<(&'a [T], usize)> {
        let [_, height, width, o] = self.dy;
        let first = (band.image * height + band.rows.start) * width * o + panel.channel;
        let len = (band.rows.len() * width - 1) * o + panel.blocks * BLOCK;
        let planes = self.packing.sources.grain() == 1;
        dy.get(first..first + len).filter(|_| planes).map(|dy| (dy, o))
    }

    /// The band's gradients of a share's outputs, in whole blocks: one panel's pixels after the other's.
    fn gather<T: Real>(&self, isa: Isa, band: &Band, share: &[Panel], dy: &[T], gradients: &mut Buffer<T>) {
        let [_, height, width, o] = self.dy;
        let (first, count) = ((band.image * height + band.rows.start) * width * o, band.rows.len() * width);
        let (dy, mut to) = (&dy[first..][..count * o], gradients.blocks_mut());
        let alike = |a: &Panel, b: &Panel| a.blocks == b.blocks && a.is_whole() && b.is_whole();
        for panels in share.chunk_by(alike) {
            let (step, numbers) = (count * panels[0].blocks, &dy[panels[0].channel..]);
            deal(isa, &panels[0], Pixels { numbers, pitch: o, count, groups: panels.len() }, to, step);
            to = &mut to[panels.len() * step..];
        }
    }

    /// The products of a band of rows, tap by tap.
    fn band_products<T: Real>(
        &self,
        isa: Isa,
        panel: &Panel,
        rows: Range<usize>,
        given: Given<'_, T>,
        ahead: &mut Ahead<'_, T>,
        dw: &mut [Block<T>],
    ) {
        let sources = self.packing.sources;
        let row_len = self.columns.steps[0].len() * sources.rows() * panel.blocks;
        let mut kernel_rows = dw.chunks_exact_mut(row_len);
        let mut runs = Vec::with_capacity(rows.len());
        for row_tap in &self.rows.steps[0] {
            let reach = row_tap.reach(self.rows.source_phases);
            runs.clear();
            runs.extend(rows.clone().filter_map(|row| {
                let source = (row * self.rows.source_phases) as isize + reach;
                let strip_row =
                    (row - rows.start) * self.rows.source_phases + (reach - self.reach.0) as usize;
                let inside = (0..self.x[1] as isize).contains(&source);
                let dy = (row - rows.start) * self.dy[2];
                inside.then_some(Run { x: (strip_row * self.layout.row()) as u32, dy: dy as u32 })
            }));
            let dw = kernel_rows.next().expect("gradients for each row of the kernel");
            self.row_products(isa, panel, &runs, given, ahead, dw);
        }
    }

    /// The products of some runs of pixels for the gradients of one row of the kernel.
    fn row_products<T: Real>(
        &self,
        isa: Isa,
        panel: &Panel,
        runs: &[Run],
        Given { strip, dy, pitch, onto }: Given<'_, T>,
        ahead: &mut Ahead<'_, T>,
        dw: &mut [Block<T>],
    ) {
        let (part, sources) = (panel.part * self.layout.part(), self.packing.sources);
        let (len, depth) = (self.dy[2], sources.depth());
        let offsets = self.columns.steps[0].iter().flat_map(|column| {
            (0..sources.grains()).map(|grain| part + self.layout.offset(grain, column.phase, column.shift))
        });
        if let Some(width) = sources.group {
            let offsets: Vec<_> = offsets.map(|offset| offset as u32).collect();
            let (x, dy) = (strip.grains(), dy.as_chunks().0);
            let ahead = ahead.next_piece();
            let factors = grouped::Factors { x, offsets: &offsets, width, dy, runs, len, onto, ahead };
            T::grouped(isa, &factors, dw);
        } else if sources.grain() == 1 {
            let offsets: Vec<_> = offsets.map(|offset| offset as u32).collect();
            let x = strip.grains::<1>().as_flattened();
            let factors = planes::Factors { x, offsets: &offsets, dy, pitch, runs, len, onto };
            T::planes(isa, panel.blocks, &factors, dw);
        } else {
            for (offset, dw) in offsets.zip(dw.chunks_exact_mut(BLOCK * panel.blocks)) {
                let (x, dy) = (&strip.grains()[offset..], dy.as_chunks().0);
                let factors = Factors { x, dy, runs, len, depth, onto, ahead: ahead.next_piece() };
                T::outer(isa, panel.blocks, &factors, dw);
            }
        }
    }
}
