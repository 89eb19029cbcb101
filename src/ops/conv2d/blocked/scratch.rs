//! What this form lays aside, in numbers: see [`super::super::scratch`].

use super::{
    weights::{BAND_BYTES, ONE_PART, SHARE_BYTES, TASKS},
    *,
};
use crate::simd::BLOCK;

/// Of packed weights.
pub fn panels<T: Real>(isa: Isa, w: Shape, groups: usize, direction: Direction) -> usize {
    let packing = packing(w, groups, direction);
    packing.panels(tile::blocks::<T>(isa)).iter().map(|panel| packing.panel_len(panel)).sum()
}

/// Of packed weights; of a strip for each thread, or, where panels are shared out, for each task, and of the parts of the
/// result.
pub fn correlate<T: Real>(
    isa: Isa,
    (direction, geometry): (Direction, Geometry),
    [source, result]: [Shape; 2],
    w: Shape,
) -> (usize, usize) {
    let pass = Pass { direction, geometry };
    let (rows, joined) = pass.axes(w, result);
    let packing = packing(joined.shape(), geometry.groups, direction);
    let [[images, height, width], [_, out_height, out_width]] =
        [source, result].map(|shape| [0, 1, 2].map(|axis| shape.dims()[axis]));
    let sizes = [[height, width], [out_height, out_width / joined.neighbours]];
    let products = pass.products(source, result, w);
    let (w, axes) = (joined.shape(), [rows, joined.columns]);
    let (threads, channels) = (rayon::current_num_threads(), packing.sources);
    let batch = Batch::new(axes.clone(), sizes[0], sizes[1], packing);
    let (strip, tasks) = if is_pointwise(w, geometry) {
        let pixels = images * height * width;
        let each = pixels_of_a_task::<T>(isa, packing, pixels);
        (each * channels.parts * channels.grains() * channels.grain(), pixels.div_ceil(each))
    } else if let Some(chunk) = batch.chunk::<T>(isa, images, threads) {
        return (panels::<T>(isa, w, geometry.groups, direction), threads * batch.strip_len(chunk));
    } else {
        let plan = Correlation::new(axes, sizes[0], sizes[1], packing);
        // Zeros fresh from the system cost nothing until they are touched.
        (plan.strip::<T>().grains::<1>().len(), images * out_height.div_ceil(plan.band::<T>()))
    };
    let many = packing.panels(tile::blocks::<T>(isa)).len();
    let shared = tasks::panels_of_a_task(products, tasks, many) < many;
    let moving = if shared { tasks * strip + result.len() } else { threads * strip };
    (panels::<T>(isa, w, geometry.groups, direction), moving)
}

/// Of all partial sums, and of the strips where all images' are laid out first.
pub fn grad_weights<T: Real>(isa: Isa, dy: Shape, x: Shape, w: Shape, g: Geometry) -> usize {
    let (rows, joined) = Pass::forward(g).axes(w, dy);
    let packing = packing(joined.shape(), g.groups, Direction::Forward);
    let [[images, height, width], [_, out_height, out_width]] =
        [x, dy].map(|shape| [0, 1, 2].map(|axis| shape.dims()[axis]));
    let out_width = out_width / joined.neighbours;
    let products = dy.len() / w.dims()[0] * w.len();
    let (w, phases) = (joined.shape(), rows.source_phases);
    let batch = Batch::new([rows, joined.columns], [height, width], [out_height, out_width], packing);
    let chunk = batch.gradients_chunk::<T>(images).filter(|_| !is_pointwise(w, g));
    let (units, strips) = match chunk {
        Some(chunk) => (images.div_ceil(chunk), images.div_ceil(chunk) * batch.strip_len(chunk)),
        None => {
            let row = out_width * (tile::blocks::<T>(isa) + phases) * BLOCK * size_of::<T>();
            // Bands of a 1x1 convolution reach over images.
            let (images, rows) =
                if is_pointwise(w, g) { (1, images * out_height) } else { (images, out_height) };
            (images * rows.div_ceil((BAND_BYTES / row).clamp(1, rows.max(1))), 0)
        }
    };
    let panels = packing.panels(tile::blocks::<T>(isa));
    let even = (2 * TASKS * w.len() / x.len().max(1)).isqrt();
    let shares = even.max(w.len() * size_of::<T>() / SHARE_BYTES).max(1);
    let shares = panels.len().div_ceil(panels.len().div_ceil(shares));
    let tasks = if products <= ONE_PART { 1 } else { TASKS };
    let parts = tasks.div_ceil(shares).min(units).max(1);
    let packed: usize = panels.iter().map(|panel| packing.panel_len(panel)).sum();
    strips + parts * packed
}
