//! What this form lays aside, in numbers: see [`super::super::scratch`].

use super::{
    weights::{INPUT_BLOCKS, PANELS, PART, TASKS, TILES},
    *,
};

/// Of filters, and of inputs and products.
pub fn correlate<T: Real>(
    isa: Isa,
    direction: Direction,
    [source, result]: [Shape; 2],
    w: Shape,
) -> (usize, usize) {
    let (packed, plan) = (blocked::scratch::panels::<T>(isa, w, 1, direction), plan(source, result));
    let (threads, widest) = (rayon::current_num_threads(), tile::blocks::<T>(isa));
    if turn(w, result) == Turn::OnTheWay {
        let (inputs, tiles) = (plan.source[3] / BLOCK, plan.result[0] * plan.tiles[0] * plan.tiles[1]);
        let each = (pitch(wide::BLOCKS.min(inputs) * BLOCK) + pitch(tiles)) * widest;
        let all: usize = chunks_of(inputs, wide::BLOCKS).map(|blocks| inputs_pitch(blocks, tiles)).sum();
        return (packed, POSITIONS * (all + threads * each) * BLOCK + result.len());
    }
    let most = (plan.result[0] * plan.tiles[0]).div_ceil(plan.task_count().max(1)) * plan.tiles[1];
    let each = inputs_pitch(plan.source[3] / BLOCK, most) + pitch(most) * widest;
    (packed / 9 * POSITIONS, threads * POSITIONS * each * BLOCK)
}

/// Of sums, turned back where they are whole, and of each thread's inputs and gradients or, later, of a panel.
pub fn grad_weights<T: Real>(isa: Isa, dy: Shape, x: Shape, w: Shape) -> usize {
    let (plan, widest) = (plan(x, dy), tile::blocks::<T>(isa));
    let packing = blocked::packing(w, 1, Direction::Forward);
    let (blocks, panels) = (packing.sources.blocks(), packing.panels(widest));
    let chunks = blocks.div_ceil(INPUT_BLOCKS) * panels.len().div_ceil(PANELS);
    let rows = plan.result[0] * plan.tiles[0];
    let parts = TASKS.div_ceil(chunks).min(rows * plan.tiles[1] / PART).min(rows).max(1);
    let most = plan.rows_of(TILES).min(rows.div_ceil(parts).max(1)) * plan.tiles[1];
    let moving = POSITIONS * (inputs_pitch(blocks.min(INPUT_BLOCKS), most) + pitch(most) * widest) * BLOCK;
    let packed = blocked::scratch::panels::<T>(isa, w, 1, Direction::Forward);
    let gapped: usize = chunks_of(blocks, INPUT_BLOCKS).map(|blocks| pitch(blocks * BLOCK)).sum();
    let turned = packed / 9 * POSITIONS * gapped / (blocks * BLOCK);
    let (threads, sums) = (rayon::current_num_threads(), turned / chunks);
    let summing = match parts {
        1 => packed + threads * (moving + sums),
        _ => parts * turned + packed.max(threads * moving),
    };
    // The result is there when the chunks are joined, and not before.
    let joining = packed + threads * packed / panels.len().max(1);
    joining.max(summing.saturating_sub(w.len()))
}

/// How many blocks of inputs each chunk has, of at most so many.
fn chunks_of(blocks: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..blocks).step_by(most).map(move |first| most.min(blocks - first))
}

/// Padding is of no matter here.
fn plan(source: Shape, result: Shape) -> Plan {
    let dims = |shape: Shape| [0, 1, 2, 3].map(|axis| shape.dims()[axis]);
    Plan::new(dims(source), dims(result), [0, 0])
}
