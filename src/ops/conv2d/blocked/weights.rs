//! The gradient of the weights.

use super::*;
use crate::{
    kernels::outer::{Factors, Run},
    simd::BLOCK,
};

/// Panels times parts of the batch: enough tasks for many threads, however few panels there are.
const TASKS: usize = 16;

/// What one task keeps in the first-level cache while the taps go by.
const BAND_BYTES: usize = 24 << 10;

/// See [`super::super::grad_weights`].
#[track_caller]
pub fn grad_weights<T: Real>(isa: Isa, dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x.shape(), w), "dy has the shape of the output");
    let [outputs, inputs, kh, kw] = [0, 1, 2, 3].map(|axis| w.dims()[axis]);
    let weights = Weights { groups: g.groups, inputs, outputs: outputs / g.groups, taps: kh * kw };
    let plan = Plan::new(
        x.dims(),
        dy.dims(),
        weights,
        Pass { direction: Direction::Forward, geometry: g }.axes([kh, kw]),
    );
    let mut dw = Tensor::zeros(w);
    sum_over_images(isa, &plan, (x.as_slice(), dy.as_slice()), dw.as_mut_slice());
    dw
}

/// `dw` (O, I, KH, KW) of all images.
pub(in crate::ops) fn sum_over_images<T: Real>(isa: Isa, plan: &Plan, (x, dy): (&[T], &[T]), dw: &mut [T]) {
    let panels = plan.packing.panels(tile::blocks::<T>(isa));
    let images = plan.x[0];
    let products = dy.len() / plan.packing.results.total().max(1) * dw.len();
    let tasks = TASKS.min(products / WORTH_A_TASK);
    let parts = tasks.div_ceil(panels.len()).min(images).max(1);
    let sums = threads::map(products, panels.len() * parts, |task| {
        let part = task % parts;
        plan.sum(isa, &panels[task / parts], part * images / parts..(part + 1) * images / parts, (x, dy))
    });

    let each = dw.len() / plan.packing.results.total();
    let mut rest = dw;
    for (panel, sums) in panels.iter().zip(sums.chunks(parts)) {
        let total = in_order(sums.iter());
        let (mine, behind) = rest.split_at_mut(panel.channels * each);
        plan.packing.unpack(panel, &total, mine, panel.channel * each);
        rest = behind;
    }
}

/// The sum of the parts, first to last: it must not depend on who was ready first.
pub(in crate::ops::conv2d) fn in_order<'a, T: Real>(
    mut parts: impl Iterator<Item = &'a Buffer<T>>,
) -> Buffer<T> {
    let mut total = parts.next().expect("at least one part").clone();
    for part in parts {
        total.iter_mut().zip(part.iter()).for_each(|(total, &part)| *total += part);
    }
    total
}

/// What all tasks share.
pub(in crate::ops) struct Plan {
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
    pub fn new(x: [usize; 4], dy: [usize; 4], weights: Weights, [rows, columns]: [Axis; 2]) -> Self {
        let packing = Packing::new(weights, Direction::Forward);
        let layout = Layout::new(packing.sources, &columns, dy[2]);
        let reach = rows.span(|step| step.reach(rows.source_phases));
        Self { rows, columns, x, dy, packing, layout, reach }
    }

    /// The panel's gradient over some images, packed.
    fn sum<T: Real>(
        &self,
        isa: Isa,
        panel: &Panel,
        images: std::ops::Range<usize>,
        (x, dy): (&[T], &[T]),
    ) -> Buffer<T> {
        let [_, h, w, c] = self.x;
        let [_, oh, ow, o] = self.dy;
        let mut dw = Buffer::zeros(self.packing.panel_len(panel));
        let band = self.band::<T>(panel);
        let stride = self.rows.source_phases;
        let strip_rows = (band - 1) * stride + (self.reach.1 - self.reach.0) as usize + 1;
        let mut strip = Strip::new(&self.layout, strip_rows);
        let mut gradients = Buffer::zeros(band * ow * panel.blocks * BLOCK);
        for image in images {
            let x = &x[image * h * w * c..][..h * w * c];
            let dy = &dy[image * oh * ow * o..][..oh * ow * o];
            for first in (0..oh).step_by(band) {
                let rows = first..(first + band).min(oh);
                let start = (first * stride) as isize + self.reach.0;
                let end = ((rows.end - 1) * stride) as isize + self.reach.1 + 1;
                for row in start.max(0)..end.min(h as isize) {
                    strip.fill(&self.layout, (row - start) as usize, &x[row as usize * w * c..][..w * c]);
                }
                let pixels = dy[rows.start * ow * o..rows.end * ow * o].chunks_exact(o);
                for (to, pixel) in gradients.chunks_exact_mut(panel.blocks * BLOCK).zip(pixels) {
                    let blocks = pixel[panel.channel..][..panel.channels].chunks(BLOCK);
                    to.as_chunks_mut().0.iter_mut().zip(blocks).for_each(|(to, from)| strip::copy(to, from));
                }
                self.band_products(isa, panel, rows, (&strip, &gradients), &mut dw);
            }
        }
        dw
    }

    fn band<T>(&self, panel: &Panel) -> usize {
        let row = self.dy[2] * (panel.blocks + self.rows.source_phases) * BLOCK * size_of::<T>();
        (BAND_BYTES / row).clamp(1, self.dy[1])
    }

    /// Adds the products of a band of rows, tap by tap.
    fn band_products<T: Real>(
        &self,
        isa: Isa,
        panel: &Panel,
        rows: std::ops::Range<usize>,
        (strip, gradients): (&Strip<T>, &Buffer<T>),
        dw: &mut Buffer<T>,
    ) {
        let x = &strip.blocks()[panel.part * self.layout.part()..];
        let blocks = self.packing.sources.blocks();
        let mut taps = dw.blocks_mut().chunks_exact_mut(BLOCK * panel.blocks);
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
            for column in &self.columns.steps[0] {
                for block in 0..blocks {
                    let dw = taps.next().expect("a gradient for each tap and block");
                    let from = self.layout.offset(block, column.phase, column.shift);
                    let factors = Factors {
                        x: &x[from..],
                        dy: gradients.blocks(),
                        runs: &runs,
                        len: self.dy[2],
                        depth: self.packing.sources.depth(),
                    };
                    T::outer(isa, panel.blocks, &factors, dw);
                }
            }
        }
    }
}
