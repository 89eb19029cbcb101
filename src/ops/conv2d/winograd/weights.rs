//! The gradient of the weights.

use super::{
    plan::{Row, image_of},
    *,
};
use crate::kernels::outer::{Factors, Run};

/// Tiles to sum over before the sums go back to memory.
pub(super) const TILES: usize = 56;

/// Blocks of inputs, and panels of outputs, of one chunk of the weights: its sums, 600 KB of `f32`, stay in a
/// second-level cache of 1 MB.
pub(super) const INPUT_BLOCKS: usize = 4;
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
    if x.len() == 0 {
        return Tensor::zeros(w);
    }
    let packing = blocked::packing(w, 1, Direction::Forward);
    let plan = Plan::new(x.dims(), dy.dims(), g.padding);
    let panels = packing.panels(tile::blocks::<T>(isa));
    let blocks = packing.sources.blocks();
    let inputs: Vec<_> =
        (0..blocks).step_by(INPUT_BLOCKS).map(|b| b..(b + INPUT_BLOCKS).min(blocks)).collect();
    let chunks: Vec<_> = panels.chunks(PANELS).flat_map(|p| inputs.iter().map(move |i| (p, i))).collect();
    let rows = plan.result[0] * plan.tiles[0];
    let parts = TASKS.div_ceil(chunks.len()).min(rows * plan.tiles[1] / PART).min(rows).max(1);

    let products = dy.len() * w.len() / packing.results.total();
    let sums = |task: usize| {
        let ((panels, inputs), part) = (chunks[task / parts], task % parts);
        let rows = part * rows / parts..(part + 1) * rows / parts;
        plan.products(isa, panels, inputs, rows, (x.as_slice(), dy.as_slice()))
    };
    // Sums that are whole leave the task as weights: a quarter of their size.
    let packed: Vec<Vec<Buffer<T>>> = if parts == 1 {
        threads::map(products, chunks.len(), |chunk| turned(isa, chunks[chunk], &[sums(chunk)]))
    } else {
        let sums = threads::map(products, chunks.len() * parts, sums);
        threads::map(products, chunks.len(), |chunk| {
            turned(isa, chunks[chunk], &sums[chunk * parts..][..parts])
        })
    };

    let mut dw = Tensor::scratch(w);
    let each = dw.len() / packing.results.total() * tile::blocks::<T>(isa) * BLOCK;
    let to: Vec<_> = dw.as_mut_slice().chunks_mut(each).zip(&panels).enumerate().collect();
    threads::each(
        blocked::PACKING * w.len(),
        to,
        || (),
        |(), (i, (dw, panel))| {
            let chunks = packed[i / PANELS * inputs.len()..][..inputs.len()].iter();
            let panel_of = join(chunks.map(|chunk| &chunk[i % PANELS]), packing.panel_len(panel));
            T::unpack(isa, &packing, panel, &panel_of, (dw, i * each));
        },
    );
    dw
}

/// `Gᵀ u G` of the sums `u` of all parts, for each panel [tap][block of inputs][16][V blocks].
fn turned<T: Real>(
    isa: Isa,
    (panels, inputs): (&[Panel], &Range<usize>),
    parts: &[Vec<Buffer<T>>],
) -> Vec<Buffer<T>> {
    let turn = |panel: usize| {
        let (first, rest) = parts.split_first().expect("at least one part");
        let total = (!rest.is_empty())
            .then(|| blocked::in_order(first[panel].clone(), rest.iter().map(|part| &part[panel])));
        let u = total.as_ref().unwrap_or(&first[panel]);
        let mut packed = Buffer::scratch(9 * inputs.len() * BLOCK * panels[panel].blocks * BLOCK);
        T::winograd_filter_gradients(isa, u.blocks(), packed.blocks_mut());
        packed
    };
    (0..panels.len()).map(turn).collect()
}

/// A panel, `len` numbers, from its chunks of inputs, tap by tap.
fn join<'a, T: Real>(chunks: impl Iterator<Item = &'a Buffer<T>> + Clone, len: usize) -> Buffer<T> {
    let mut panel = Buffer::scratch(len);
    let mut at = 0;
    for tap in 0..9 {
        for chunk in chunks.clone() {
            let each = chunk.len() / 9;
            panel[at..at + each].copy_from_slice(&chunk[tap * each..][..each]);
            at += each;
        }
    }
    panel
}

impl Plan {
    /// `Σ (Bᵀ d B) ⊙ (A dy Aᵀ)` over some rows of tiles, for each panel
    /// [position][block of `inputs`][16][V blocks], with a gap behind each position.
    fn products<T: Real>(
        &self,
        isa: Isa,
        panels: &[Panel],
        inputs: &Range<usize>,
        rows: Range<usize>,
        (x, dy): (&[T], &[T]),
    ) -> Vec<Buffer<T>> {
        let len = |panel: &Panel| POSITIONS * pitch(inputs.len() * BLOCK) * panel.blocks * BLOCK;
        let mut sums: Vec<_> = panels.iter().map(|panel| Buffer::scratch(len(panel))).collect();
        let step = self.rows_of(TILES).min(rows.len().max(1));
        let most = step * self.tiles[1];
        let mut v = Buffer::scratch(POSITIONS * inputs_pitch(inputs.len(), most) * BLOCK);
        let mut d = Buffer::scratch(POSITIONS * pitch(most) * tile::blocks::<T>(isa) * BLOCK);
        for first in rows.clone().step_by(step) {
            let some = first..(first + step).min(rows.end);
            let tiles = some.len() * self.tiles[1];
            self.inputs(isa, some.clone(), inputs.clone(), x, &mut v);
            for (panel, sums) in panels.iter().zip(&mut sums) {
                self.gradients(isa, some.clone(), panel, dy, &mut d);
                let each = sums.blocks().len() / POSITIONS;
                for (position, sums) in sums.blocks_mut().chunks_exact_mut(each).enumerate() {
                    let x = &v.blocks()[position * inputs_pitch(inputs.len(), tiles)..];
                    let dy = &d.blocks()[position * pitch(tiles) * panel.blocks..];
                    for (block, sums) in sums.chunks_exact_mut(BLOCK * panel.blocks).enumerate() {
                        let factors = Factors {
                            x: &x[block * pitch(tiles)..],
                            dy,
                            runs: &[Run { x: 0, dy: 0 }],
                            len: tiles,
                            depth: BLOCK,
                            onto: first > rows.start,
                            ahead: &[],
                        };
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
            let to = &mut d.blocks_mut()[i * self.tiles[1] * panel.blocks..];
            let spread = Spread { to, position: pitch(tiles) * panel.blocks, block: 1, tile: panel.blocks };
            T::winograd_gradient(isa, &image, [first as isize, 0], self.tiles[1], spread);
        }
    }
}
