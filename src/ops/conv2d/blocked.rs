//! The fast form: tasks over threads, and in each task the kernels of [`crate::kernels`].
//!
//! A task owns a band of output rows of one image, or one panel of weight gradients over a fixed
//! part of the batch. Nothing depends on how many threads there are.

use super::Geometry;
use crate::{
    buffer::Buffer,
    kernels::{
        axis::Axis,
        correlate::Correlation,
        filters::{Direction, Packing, Panel, Weights},
        strip::{Layout, Strip},
        tile,
    },
    real::Real,
    simd::Isa,
    tensor::{Shape, Tensor},
};
use rayon::prelude::*;

mod weights;
pub use weights::grad_weights;

/// Pixels of a 1x1 convolution in one task: whole tiles, and enough work to be worth a task.
const POINTWISE_PIXELS: usize = 14 * 16;

/// See [`super::forward`].
#[track_caller]
pub fn forward<T: Real>(isa: Isa, x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
    let y = g.output_shape(x.shape(), w.shape());
    correlate(isa, Pass { direction: Direction::Forward, geometry: g }, x, w, y)
}

/// See [`super::grad_input`].
#[track_caller]
pub fn grad_input<T: Real>(isa: Isa, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x, w.shape()), "dy has the shape of the output");
    correlate(isa, Pass { direction: Direction::Backward, geometry: g }, dy, w, x)
}

#[derive(Clone, Copy)]
struct Pass {
    direction: Direction,
    geometry: Geometry,
}

impl Pass {
    fn axes(self, kernel: [usize; 2]) -> [Axis; 2] {
        let Geometry { stride, padding, dilation, .. } = self.geometry;
        std::array::from_fn(|i| match self.direction {
            Direction::Forward => Axis::forward(kernel[i], stride[i], padding[i], dilation[i]),
            Direction::Backward => Axis::backward(kernel[i], stride[i], padding[i], dilation[i]),
        })
    }
}

/// A 1x1 convolution that moves pixel by pixel does not care where the rows end.
fn is_pointwise(w: Shape, g: Geometry) -> bool {
    w.dims()[2..] == [1, 1] && g.stride == [1, 1] && g.padding == [0, 0]
}

fn packing(w: Shape, groups: usize, direction: Direction) -> Packing {
    let &[outputs, inputs, kh, kw] = w.dims() else { unreachable!("output_shape checked the ranks") };
    let weights = Weights { groups, inputs, outputs: outputs / groups, taps: kh * kw };
    Packing::new(weights, direction)
}

fn pack<T: Real>(isa: Isa, packing: &Packing, w: &Tensor<T>) -> Vec<(Panel, Buffer<T>)> {
    let panels = packing.panels(tile::blocks::<T>(isa)).into_par_iter();
    panels.map(|panel| (panel, packing.pack(&panel, w.as_slice()))).collect()
}

fn correlate<T: Real>(isa: Isa, pass: Pass, source: &Tensor<T>, w: &Tensor<T>, result: Shape) -> Tensor<T> {
    let packing = packing(w.shape(), pass.geometry.groups, pass.direction);
    let panels = pack(isa, &packing, w);
    let mut out = Tensor::zeros(result);
    let ([_, height, width, _], [_, out_height, out_width, _]) = (source.dims::<4>(), out.dims::<4>());
    let plan = |source, output| {
        Correlation::new(pass.axes([w.dims::<4>()[2], w.dims::<4>()[3]]), source, output, packing)
    };
    let (sources, results) = (packing.sources.total(), packing.results.total());
    if is_pointwise(w.shape(), pass.geometry) {
        let pieces = out.as_mut_slice().par_chunks_mut(POINTWISE_PIXELS * results);
        pieces.zip(source.as_slice().par_chunks(POINTWISE_PIXELS * sources)).for_each(|(out, source)| {
            let pixels = [1, out.len() / results];
            let plan = plan(pixels, pixels);
            plan.run(isa, &panels, (source, &mut plan.strip()), (0, out));
        });
    } else {
        let plan = plan([height, width], [out_height, out_width]);
        let (image, band) = (out_height * out_width * results, plan.band::<T>());
        let images = out.as_mut_slice().par_chunks_mut(image);
        let bands =
            images.zip(source.as_slice().par_chunks(height * width * sources)).flat_map(|(out, source)| {
                let bands = out.par_chunks_mut(band * out_width * results);
                bands.enumerate().map(move |(i, out)| (source, i * band, out))
            });
        bands.for_each_init(
            || plan.strip(),
            |strip, (source, first, out)| {
                plan.run(isa, &panels, (source, strip), (first, out));
            },
        );
    }
    out
}
