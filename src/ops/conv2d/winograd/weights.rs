//! The gradient of the weights.

use super::*;
use crate::kernels::outer::{Factors, Run};

/// Tiles to sum over before the sums go back to memory.
pub(super) const TILES: usize = 56;

/// Blocks of inputs, and panels of outputs, of one task: its sums, 1.2 MB of `f32`, stay in a second-level
/// cache of 2 MB.
pub(super) const INPUT_BLOCKS: usize = 8;
pub(super) const PANELS: usize = 2;

/// Chunks of the weights times parts of the batch: enough tasks for many threads, as long as a part has
/// so many tiles that its sums are worth their memory.
pub(super) const TASKS: usize = 16;
pub(super) const PART: usize = 2 * TILES;

/// See [`super::super::grad_weights`].
///
/// # Panics
/// As [`super::forward`].
#[track_caller]
pub fn grad_weights<T: Real>(isa: Isa, dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x.shape(), w), "dy has the shape of the output");
    assert!(fits(w, g), "Winograd's form for weights {w} and {g:?}");
    let packing = blocked::packing(w, 1, Direction::Forward);
    let plan = Plan::new(x.dims(), dy.dims(), g.padding);
    let panels = packing.panels(tile::blocks::<T>(isa));
    let blocks = packing.sources.blocks();
    let inputs: Vec<_> =
        (0..blocks).step_by(INPUT_BLOCKS).map(|b| b..(b + INPUT_BLOCKS).min(blocks)).collect();
    let chunks = inputs.len() * panels.len().div_ceil(PANELS);
    let rows = plan.result[0] * plan.tiles[0];
    let parts = TASKS.div_ceil(chunks).min(rows * plan.tiles[1] / PART).min(rows).max(1);

    let products = dy.len() * w.len() / packing.results.total();
    let sums: Vec<Vec<Buffer<T>>> = threads::map(products, chunks * parts, |task| {
        let (chunk, part) = (task / parts, task % parts);
        let panels = panels.chunks(PANELS).nth(chunk / inputs.len()).unwrap_or_default();
        let rows = part * rows / parts..(part + 1) * rows / parts;
        plan.products(isa, panels, &inputs[chunk % inputs.len()], rows, (x.as_slice(), dy.as_slice()))
    });

    let mut dw = Tensor::zeros(w);
    let each = dw.len() / packing.results.total() * tile::blocks::<T>(isa) * BLOCK;
    let to: Vec<_> = dw.as_mut_slice().chunks_mut(each).zip(&panels).enumerate().collect();
    threads::each(
        blocked::PACKING * w.len(),
        to,
        || (),
        |(), (i, (dw, panel))| {
            let mut packed = Buffer::scratch(packing.panel_len(panel));
            let tap = blocks * BLOCK * panel.blocks;
            for (j, range) in inputs.iter().enumerate() {
                let chunk = i / PANELS * inputs.len() + j;
                let total =
                    blocked::in_order(sums[chunk * parts..][..parts].iter().map(|sums| &sums[i % PANELS]));
                let to = &mut packed.blocks_mut()[range.start * BLOCK * panel.blocks..];
                T::winograd_filter_gradients(isa, total.blocks(), to, tap);
            }
            packing.unpack(panel, &packed, dw, i * each);
        },
    );
    dw
}

impl Plan {
    /// `Σ (Bᵀ d B) ⊙ (A dy Aᵀ)` over some rows of tiles, for each panel
    /// [position][block of `inputs`][16][V blocks].
    fn products<T: Real>(
        &self,
        isa: Isa,
        panels: &[Panel],
        inputs: &Range<usize>,
        rows: Range<usize>,
        (x, dy): (&[T], &[T]),
    ) -> Vec<Buffer<T>> {
        let len = |panel: &Panel| POSITIONS * inputs.len() * BLOCK * panel.blocks * BLOCK;
        let mut sums: Vec<_> = panels.iter().map(|panel| Buffer::zeros(len(panel))).collect();
        let step = self.rows_of(TILES).min(rows.len().max(1));
        let most = step * self.tiles[1];
        let mut v = Buffer::scratch(POSITIONS * inputs.len() * most * BLOCK);
        let mut d = Buffer::scratch(POSITIONS * most * tile::blocks::<T>(isa) * BLOCK);
        for first in rows.clone().step_by(step) {
            let some = first..(first + step).min(rows.end);
            let tiles = some.len() * self.tiles[1];
            self.inputs(isa, some.clone(), inputs.clone(), x, &mut v);
            for (panel, sums) in panels.iter().zip(&mut sums) {
                self.gradients(isa, some.clone(), panel, dy, &mut d);
                let mut places = sums.blocks_mut().chunks_exact_mut(BLOCK * panel.blocks);
                for position in 0..POSITIONS {
                    for block in 0..inputs.len() {
                        let factors = Factors {
                            x: &v.blocks()[(position * inputs.len() + block) * tiles..],
                            dy: &d.blocks()[position * tiles * panel.blocks..],
                            runs: &[Run { x: 0, dy: 0 }],
                            len: tiles,
                            depth: BLOCK,
                        };
                        let sums = places.next().expect("a place for each position and block");
                        T::outer(isa, panel.blocks, &factors, sums);
                    }
                }
            }
        }
        sums
    }

    /// `A dy Aᵀ`: [position][tile][V blocks of the panel].
    fn gradients<T: Real>(&self, isa: Isa, rows: Range<usize>, panel: &Panel, dy: &[T], d: &mut Buffer<T>) {
        let tiles = rows.len() * self.tiles[1];
        let first_block = panel.channel / BLOCK;
        for (i, row) in rows.enumerate() {
            let Row { image, first, .. } = self.row(row);
            let image = image_of(dy, self.result, image, first_block..first_block + panel.blocks);
            for column in 0..self.tiles[1] {
                let corner = [first as isize, (column * OUTPUTS) as isize];
                let to = &mut d.blocks_mut()[(i * self.tiles[1] + column) * panel.blocks..];
                let spread = Spread { to, position: tiles * panel.blocks, block: 1 };
                T::winograd_gradient(isa, &image, corner, spread);
            }
        }
    }
}
