//! Wide layers with few tiles: their weights are turned on the way, those of a few inputs at a time.
//!
//! `G g Gᵀ` is four times as large as `g`, 38 MB for 512 inputs and outputs, and a few tiles make little use of it: to
//! write it to memory and to read it again would take longer than the products. So a task owns a panel of outputs
//! over all tiles, and the weights that it has just turned are used from the second-level cache:
//!
//! ```text
//! v[chunk of inputs][position][block][tile][16]     all inputs, first
//! u[position][block][16][V blocks of outputs]       of one chunk and one panel
//! m[position][tile][V blocks of outputs]            of one panel, to which each chunk adds v · u
//! ```
//!
//! Behind each position there is a gap, as [`pitch`] says.

use super::*;
use crate::kernels::filters::Packing;

/// Blocks of inputs in a chunk: `u`, 300 KB of `f32`, stays in the cache together with as large an `m`.
pub(super) const BLOCKS: usize = 4;

/// `out` from `source`, with panels that are packed and not turned.
pub(super) fn correlate<T: Real>(
    isa: Isa,
    (plan, packing, direction): (&Plan, Packing, Direction),
    panels: &Panels<T>,
    source: &[T],
    out: &mut [T],
) {
    let (rows, blocks) = (0..plan.result[0] * plan.tiles[0], packing.sources.blocks());
    let tiles = rows.len() * plan.tiles[1];
    let chunks: Vec<_> = (0..blocks).step_by(BLOCKS).map(|first| first..blocks.min(first + BLOCKS)).collect();
    let products = tiles * POSITIONS * packing.sources.total() * packing.results.total();
    let v = threads::map(products, chunks.len(), |i| {
        let mut v = Buffer::scratch(POSITIONS * inputs_pitch(chunks[i].len(), tiles) * BLOCK);
        plan.inputs(isa, rows.clone(), chunks[i].clone(), source, &mut v);
        v
    });
    let widest = tile::blocks::<T>(isa) * BLOCK;
    let pixels = out.len() / packing.results.total();
    let mut parts: Vec<_> =
        panels.packed.iter().map(|(panel, _)| Buffer::scratch(pixels * panel.blocks * BLOCK)).collect();
    threads::each(
        products,
        panels.packed.iter().zip(&mut parts).collect(),
        || [BLOCKS.min(blocks) * BLOCK, tiles].map(|rows| Buffer::scratch(POSITIONS * pitch(rows) * widest)),
        |[u, m], ((panel, packed), part)| {
            let width = panel.blocks * BLOCK;
            // ANCHOR: on_the_way
            for (chunk, v) in chunks.iter().zip(&v) {
                let range = chunk.start * width..chunk.end * width;
                let turned = direction == Direction::Backward;
                let packed = Packed { blocks: packed.blocks(), range, turned };
                let u = &mut u.blocks_mut()[..POSITIONS * pitch(chunk.len() * BLOCK) * panel.blocks];
                T::winograd_filters(isa, packed, u);
                plan.multiply(isa, tiles, (v, chunk.clone()), (panel, u), m);
            }
            // ANCHOR_END: on_the_way
            let to = Out { values: part, channels: width };
            plan.outputs(isa, rows.clone(), (panel, panels.after(panel)), m, to);
        },
    );
    threads::each_row(out, packing.results.total(), |i, pixel| {
        for ((panel, _), part) in panels.packed.iter().zip(&parts) {
            let width = panel.blocks * BLOCK;
            pixel[panel.channel..][..width].copy_from_slice(&part[i * width..][..width]);
        }
    });
}
