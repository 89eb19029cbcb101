//! The fast form: tasks over threads, and in each task the kernels of [`crate::kernels`].
//!
//! A task owns a band of output rows of one image, or some of their channels where bands are few; some small images; or
//! some panels of weight gradients over a fixed part of the batch. No result depends on how many threads there are.

use super::Geometry;
use crate::{
    buffer::Buffer,
    kernels::{
        axis::Axis,
        batch::Batch,
        correlate::{Correlation, Panels},
        filters::{Direction, Packing, Panel, Weights},
        strip::{self, Layout, Strip},
        tile,
    },
    ops::threads,
    real::Real,
    simd::Isa,
    tensor::{Shape, Tensor},
};

mod images;
mod joined;
pub(super) mod scratch;
mod tasks;
mod weights;
use joined::Joined;
use tasks::Task;
pub use weights::grad_weights;
pub(super) use weights::in_order;

/// The most memory that the channels of a 1x1 convolution's task take: a second-level cache then has room for the weights.
const MOST_BYTES: usize = 64 << 10;

/// Tasks for each thread, if there are as many: one that wakes late then leaves others more of them.
const TASKS_EACH: usize = 16;

/// Multiply-adds that are worth a task of their own.
const WORTH_A_TASK: usize = 1 << 18;

/// Multiply-adds in the time that it takes to pack a weight.
pub(super) const PACKING: usize = 64;

/// See [`super::forward`].
#[track_caller]
pub fn forward<T: Real>(isa: Isa, x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
    let y = g.output_shape(x.shape(), w.shape());
    forward_packed(isa, x, (w.shape(), &packed(isa, w, g, y)), g)
}

/// See [`super::grad_input`].
#[track_caller]
pub fn grad_input<T: Real>(isa: Isa, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x, w.shape()), "dy has the shape of the output");
    let pass = Pass { direction: Direction::Backward, geometry: g };
    correlate(isa, pass, dy, (w.shape(), &pass.panels(isa, w, x)), x)
}

#[derive(Clone, Copy)]
struct Pass {
    direction: Direction,
    geometry: Geometry,
}

impl Pass {
    const fn forward(geometry: Geometry) -> Self {
        Self { direction: Direction::Forward, geometry }
    }

    /// Which source rows the results read, and which columns, with weights `w` and results (N, H, W, C).
    fn axes(self, w: Shape, result: Shape) -> (Axis, Joined) {
        let &[outputs, inputs, kh, kw] = w.dims() else { unreachable!("output_shape checked the ranks") };
        let Geometry { stride, padding, dilation, groups } = self.geometry;
        let axis = |i: usize, kernel| match self.direction {
            Direction::Forward => Axis::forward(kernel, stride[i], padding[i], dilation[i]),
            Direction::Backward => Axis::backward(kernel, stride[i], padding[i], dilation[i]),
        };
        // Groups have their own way to fill blocks.
        let width = if groups == 1 { result.dims()[2] } else { 1 };
        (axis(0, kh), Joined::new(axis(1, kw), self.direction, [outputs, inputs, kh, kw], width))
    }

    /// Multiply-adds.
    fn products(self, source: Shape, result: Shape, w: Shape) -> usize {
        let outputs = if self.direction == Direction::Forward { result } else { source };
        outputs.len() / w.dims()[0].max(1) * w.len()
    }

    /// The panels of `w` (O, I, KH, KW) for such results.
    fn panels<T: Real>(self, isa: Isa, w: &Tensor<T>, result: Shape) -> Panels<T> {
        let w = self.axes(w.shape(), result).1.weights(w);
        pack(isa, &packing(w.shape(), self.geometry.groups, self.direction), w.as_slice())
    }
}

/// A 1x1 convolution that moves pixel by pixel does not care where the rows end.
fn is_pointwise(w: Shape, g: Geometry) -> bool {
    w.dims()[2..] == [1, 1] && g.stride == [1, 1] && g.padding == [0, 0]
}

pub(super) fn packing(w: Shape, groups: usize, direction: Direction) -> Packing {
    let &[outputs, inputs, kh, kw] = w.dims() else { unreachable!("output_shape checked the ranks") };
    let weights = Weights { groups, inputs, outputs: outputs / groups, taps: kh * kw };
    Packing::new(weights, direction)
}

/// The panels of `w` (O, I, KH, KW).
pub(super) fn pack<T: Real>(isa: Isa, packing: &Packing, w: &[T]) -> Panels<T> {
    let panels = packing.panels(tile::blocks::<T>(isa));
    let pack = |i: usize| (panels[i], T::pack(isa, packing, &panels[i], w));
    Panels::new(threads::map(PACKING * w.len(), panels.len(), pack))
}

/// [`forward`] with weights packed before.
pub(super) fn forward_packed<T: Real>(
    isa: Isa,
    x: &Tensor<T>,
    w: (Shape, &Panels<T>),
    g: Geometry,
) -> Tensor<T> {
    correlate(isa, Pass::forward(g), x, w, g.output_shape(x.shape(), w.0))
}

/// The weights of [`forward_packed`], for outputs of shape `y`.
pub(super) fn packed<T: Real>(isa: Isa, w: &Tensor<T>, g: Geometry, y: Shape) -> Panels<T> {
    Pass::forward(g).panels(isa, w, y)
}

/// How many neighbouring pixels of an output of shape `y` these weights compute as one.
pub(super) fn neighbours(w: Shape, g: Geometry, y: Shape) -> usize {
    Pass::forward(g).axes(w, y).1.neighbours
}

fn correlate<T: Real>(
    isa: Isa,
    pass: Pass,
    source: &Tensor<T>,
    (w, panels): (Shape, &Panels<T>),
    result: Shape,
) -> Tensor<T> {
    let (rows, joined) = pass.axes(w, result);
    let packing = packing(joined.shape(), pass.geometry.groups, pass.direction);
    let (mut out, products) = (Tensor::scratch(result), pass.products(source.shape(), result, w));
    if is_pointwise(w, pass.geometry) {
        pointwise(isa, products, (packing, panels), source.as_slice(), out.as_mut_slice());
        return out;
    }
    let ([_, height, width, _], [_, out_height, out_width, _]) = (source.dims::<4>(), out.dims::<4>());
    let out_width = out_width / joined.neighbours;
    let (axes, sizes) = ([rows, joined.columns], [[height, width], [out_height, out_width]]);
    let batch = Batch::new(axes.clone(), sizes[0], sizes[1], packing);
    if let Some(chunk) = batch.chunk::<T>(isa, source.dims::<4>()[0], rayon::current_num_threads()) {
        images::correlate(isa, (&batch, chunk, products), panels, source, &mut out);
        return out;
    }
    let plan = Correlation::new(axes, sizes[0], sizes[1], packing);
    let (row, band) = (out_width * packing.results.total(), plan.band::<T>());
    let image = height * width * packing.sources.total();
    let images = out.as_mut_slice().chunks_mut(out_height * row).enumerate();
    let plan = &plan;
    let bands = images.flat_map(|(i, out)| {
        let source = &source.as_slice()[i * image..];
        let bands = out.chunks_mut(band * row).enumerate();
        bands.map(move |(i, out)| Task { plan, source, rows: i * band..i * band + out.len() / row, out })
    });
    tasks::run(isa, products, panels, bands.collect());
    out
}

/// How many of the `pixels` of a 1x1 convolution a task takes: whole tiles.
fn pixels_of_a_task<T: Real>(isa: Isa, packing: Packing, pixels: usize) -> usize {
    let tile = tile::pixels::<T>(isa, tile::blocks::<T>(isa));
    let most = MOST_BYTES / (packing.sources.total() * size_of::<T>());
    let least = WORTH_A_TASK / (packing.sources.summed() * packing.results.total()).max(1);
    let each = pixels / (TASKS_EACH * rayon::current_num_threads());
    (each.max(least).min(most) / tile).max(1) * tile
}

/// A 1x1 convolution: `source` (pixels, sources) to `out` (pixels, results).
fn pointwise<T: Real>(
    isa: Isa,
    products: usize,
    (packing, panels): (Packing, &Panels<T>),
    source: &[T],
    out: &mut [T],
) {
    let (sources, results) = (packing.sources.total(), packing.results.total());
    let (all, each) = (out.len() / results, pixels_of_a_task::<T>(isa, packing, out.len() / results));
    // The last task may have fewer.
    let [whole, last] = [each, all - all.saturating_sub(1) / each * each].map(|pixels| {
        let axes = [Axis::forward(1, 1, 0, 1), Axis::forward(1, 1, 0, 1)];
        Correlation::new(axes, [1, pixels], [1, pixels], packing)
    });
    let chunks = out.chunks_mut(each * results).enumerate().map(|(i, out)| {
        let plan = if out.len() == each * results { &whole } else { &last };
        Task { plan, source: &source[i * each * sources..], rows: 0..1, out }
    });
    tasks::run(isa, products, panels, chunks.collect());
}
