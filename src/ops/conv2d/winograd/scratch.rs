//! What this form lays aside, in numbers: see [`super::super::scratch`].

use super::{
    weights::{INPUT_BLOCKS, PANELS, PART, TASKS, TILES},
    *,
};

/// Of the turned filters.
fn turned<T: Real>(isa: Isa, w: Shape, direction: Direction) -> usize {
    blocked::scratch::panels::<T>(isa, w, 1, direction) / 9 * POSITIONS
}

/// Of the turned filters, and of each thread's inputs and products.
pub fn correlate<T: Real>(
    isa: Isa,
    direction: Direction,
    [source, result]: [Shape; 2],
    w: Shape,
) -> (usize, usize) {
    let plan = plan(source, result);
    let most = plan.rows_each().min(plan.result[0] * plan.tiles[0]) * plan.tiles[1];
    let blocks = plan.source[3] / BLOCK + tile::blocks::<T>(isa);
    (turned::<T>(isa, w, direction), rayon::current_num_threads() * POSITIONS * blocks * most * BLOCK)
}

/// Of all partial sums, and of each thread's inputs and gradients or, later, of the sums of a panel.
pub fn grad_weights<T: Real>(isa: Isa, dy: Shape, x: Shape, w: Shape) -> usize {
    let (plan, widest) = (plan(x, dy), tile::blocks::<T>(isa));
    let packing = blocked::packing(w, 1, Direction::Forward);
    let (blocks, panels) = (packing.sources.blocks(), packing.panels(widest));
    let chunks = blocks.div_ceil(INPUT_BLOCKS) * panels.len().div_ceil(PANELS);
    let rows = plan.result[0] * plan.tiles[0];
    let parts = TASKS.div_ceil(chunks).min(rows * plan.tiles[1] / PART).min(rows).max(1);
    let step = plan.rows_of(TILES).min(rows.div_ceil(parts).max(1)) * plan.tiles[1];
    let moving = POSITIONS * (blocks.min(INPUT_BLOCKS) + widest) * step * BLOCK;
    let panel = panels.first().map_or(0, |panel| packing.panel_len(panel));
    let adding = panel + panel / 9 * POSITIONS * blocks.min(INPUT_BLOCKS) / blocks;
    parts * turned::<T>(isa, w, Direction::Forward) + rayon::current_num_threads() * moving.max(adding)
}

/// Padding is of no matter here.
fn plan(source: Shape, result: Shape) -> Plan {
    let dims = |shape: Shape| [0, 1, 2, 3].map(|axis| shape.dims()[axis]);
    Plan::new(dims(source), dims(result), [0, 0])
}
