//! [`Real`]: the numbers that networks are made of, with their kernels.

use crate::{
    buffer::Buffer,
    kernels::{
        batch::Batch,
        correlate::{Correlation, Panels, Share},
        deal::{self, Pixels},
        filters::{Packing, Panel},
        grouped,
        max_pool::{self, Walk},
        norm::{self, Channels, Loss},
        outer::{self, Factors},
        planes,
        product::{self, Matrix},
        strip::{Layout, Strip},
        tile::{self, Input, Output},
        winograd::{self, Image, Packed, Patch, Spread, Sums},
    },
    number::Number,
    simd::{Block, Isa},
};
use std::ops::Range;

/// A [`Number`] whose kernels are compiled in this crate: `f32` and `f64`.
///
/// A generic function is compiled wherever it is used. Kernels come in dozens of sizes for every
/// instruction set, so each program would spend minutes on code that is the same in all of them. The methods
/// of an implementation for one type are compiled where they stand, once.
///
/// ```
/// use residual::{Real, Tensor, ops::linear};
///
/// fn doubled<T: Real>(x: &Tensor<T>) -> Tensor<T> {
///     linear::forward(x, &Tensor::from_vec([1, 1], vec![T::of(2.0)]))
/// }
/// assert_eq!(doubled(&Tensor::from_vec([2, 1], vec![1.5, -1.0])).as_slice(), [3.0, -2.0]);
/// ```
pub trait Real: Number {
    /// [`Correlation::lay_out`].
    fn lay_out<'a>(
        plan: &Correlation,
        isa: Isa,
        rows: Range<usize>,
        source: &'a [Self],
        strip: &mut Strip<Self>,
    ) -> &'a [Self];
    /// [`Correlation::run`].
    fn correlate(
        plan: &Correlation,
        isa: Isa,
        panels: Share<'_, Self>,
        from: (&Strip<Self>, &[Self]),
        to: (usize, &mut [Self]),
    );
    /// [`Batch::run`].
    fn batch(plan: &Batch, isa: Isa, panels: &Panels<Self>, from: (&Buffer<Self>, usize), out: &mut [Self]);
    /// [`Batch::products`].
    fn batch_products(
        plan: &Batch,
        isa: Isa,
        panel: &Panel,
        factors: (&Buffer<Self>, &[Block<Self>], usize, usize),
        dw: (&mut [Block<Self>], bool),
    );
    /// [`tile::run`].
    fn tile(isa: Isa, pixels: usize, blocks: usize, input: &Input<'_, Self>, output: &mut Output<'_, Self>);
    /// [`outer::run`].
    fn outer(isa: Isa, blocks: usize, factors: &Factors<'_, Self>, dw: &mut [Block<Self>]);
    /// [`grouped::products`].
    fn grouped(isa: Isa, factors: &grouped::Factors<'_, Self>, dw: &mut [Block<Self>]);
    /// [`planes::run`].
    fn planes(isa: Isa, blocks: usize, factors: &planes::Factors<'_, Self>, dw: &mut [Block<Self>]);
    /// [`product::dot`].
    fn dot(isa: Isa, size: [usize; 2], inputs: usize, factors: [Matrix<'_, Self>; 2], y: &mut [Self]);
    /// [`product::spread`].
    fn spread(
        isa: Isa,
        size: [usize; 2],
        depth: usize,
        factors: [Matrix<'_, Self>; 2],
        c: (&mut [Self], usize),
    );
    /// [`Strip::fill`].
    fn fill_strip(isa: Isa, strip: &mut Strip<Self>, layout: &Layout, row: usize, pixels: &[Self]);
    /// [`Batch::fill`].
    fn fill_batch(plan: &Batch, isa: Isa, chunk: usize, source: &[Self], strip: &mut Buffer<Self>);
    /// [`deal::run`].
    fn deal(isa: Isa, blocks: usize, pixels: Pixels<'_, Self>, to: &mut [Block<Self>], step: usize);
    /// [`Packing::pack`].
    fn pack(isa: Isa, packing: &Packing, panel: &Panel, w: &[Self]) -> Buffer<Self>;
    /// [`Packing::unpack`].
    fn unpack(isa: Isa, packing: &Packing, panel: &Panel, packed: &[Self], to: (&mut [Self], usize));
    /// [`max_pool::forward`].
    fn max_pool(isa: Isa, walk: &Walk<'_>, x: &[Self], to: (&mut [Self], Option<&mut [Self]>));
    /// [`max_pool::backward`].
    fn max_pool_backward(isa: Isa, walk: &Walk<'_>, from: (&[Self], &[Self]), dx: &mut [Self]);
    /// [`norm::moments`].
    fn moments(isa: Isa, xs: &[Self], mean: &mut [Self], squares: &mut [Self]);
    /// [`norm::normalise`].
    fn normalise(isa: Isa, by: Channels<'_, Self>, xs: Option<&[Self]>, ys: &mut [Self]);
    /// [`norm::gradients`].
    fn norm_gradients(isa: Isa, by: Channels<'_, Self>, from: [&[Self]; 2], to: [&mut [Self]; 2]);
    /// [`norm::descend`].
    fn norm_descend(
        isa: Isa,
        by: Channels<'_, Self>,
        loss: Loss<'_, Self>,
        from: (&[Self], Option<&[Self]>),
        dxs: &mut [Self],
    );
    /// [`winograd::input`].
    fn winograd_input(
        isa: Isa,
        image: &Image<'_, Self>,
        corner: [isize; 2],
        tiles: usize,
        spread: Spread<'_, Self>,
    );
    /// [`winograd::gradient`].
    fn winograd_gradient(
        isa: Isa,
        image: &Image<'_, Self>,
        corner: [isize; 2],
        tiles: usize,
        spread: Spread<'_, Self>,
    );
    /// [`winograd::filters`].
    fn winograd_filters(isa: Isa, packed: Packed<'_, Self>, to: &mut [Block<Self>]);
    /// [`winograd::filter_gradients`].
    fn winograd_filter_gradients(isa: Isa, u: &[Block<Self>], packed: &mut [Block<Self>]);
    /// [`winograd::output`].
    fn winograd_output(isa: Isa, m: Sums<'_, Self>, to: &mut Patch<'_, Self>);
}

macro_rules! real {
    ($($T:ident)*) => {$(
        impl Real for $T {
            fn lay_out<'a>(
                plan: &Correlation,
                isa: Isa,
                rows: Range<usize>,
                source: &'a [Self],
                strip: &mut Strip<Self>,
            ) -> &'a [Self] {
                plan.lay_out(isa, rows, source, strip)
            }

            fn correlate(
                plan: &Correlation,
                isa: Isa,
                panels: Share<'_, Self>,
                from: (&Strip<Self>, &[Self]),
                to: (usize, &mut [Self]),
            ) {
                plan.run(isa, panels, from, to);
            }

            fn batch(plan: &Batch, isa: Isa, panels: &Panels<Self>, from: (&Buffer<Self>, usize), out: &mut [Self]) {
                plan.run(isa, panels, from, out);
            }

            fn batch_products(
                plan: &Batch,
                isa: Isa,
                panel: &Panel,
                factors: (&Buffer<Self>, &[Block<Self>], usize, usize),
                dw: (&mut [Block<Self>], bool),
            ) {
                plan.products(isa, panel, factors, dw);
            }

            fn tile(isa: Isa, pixels: usize, blocks: usize, input: &Input<'_, Self>, output: &mut Output<'_, Self>) {
                tile::run(isa, pixels, blocks, input, output);
            }

            fn outer(isa: Isa, blocks: usize, factors: &Factors<'_, Self>, dw: &mut [Block<Self>]) {
                outer::run(isa, blocks, factors, dw);
            }

            fn grouped(isa: Isa, factors: &grouped::Factors<'_, Self>, dw: &mut [Block<Self>]) {
                grouped::products(isa, factors, dw);
            }

            fn planes(isa: Isa, blocks: usize, factors: &planes::Factors<'_, Self>, dw: &mut [Block<Self>]) {
                planes::run(isa, blocks, factors, dw);
            }

            fn dot(isa: Isa, size: [usize; 2], inputs: usize, factors: [Matrix<'_, Self>; 2], y: &mut [Self]) {
                product::dot(isa, size, inputs, factors, y);
            }

            fn spread(
                isa: Isa,
                size: [usize; 2],
                depth: usize,
                factors: [Matrix<'_, Self>; 2],
                c: (&mut [Self], usize),
            ) {
                product::spread(isa, size, depth, factors, c);
            }

            fn fill_strip(isa: Isa, strip: &mut Strip<Self>, layout: &Layout, row: usize, pixels: &[Self]) {
                strip.fill(isa, layout, row, pixels);
            }

            fn fill_batch(plan: &Batch, isa: Isa, chunk: usize, source: &[Self], strip: &mut Buffer<Self>) {
                plan.fill(isa, chunk, source, strip);
            }

            fn deal(isa: Isa, blocks: usize, pixels: Pixels<'_, Self>, to: &mut [Block<Self>], step: usize) {
                deal::run(isa, blocks, pixels, to, step);
            }

            fn pack(isa: Isa, packing: &Packing, panel: &Panel, w: &[Self]) -> Buffer<Self> {
                packing.pack(isa, panel, w)
            }

            fn unpack(isa: Isa, packing: &Packing, panel: &Panel, packed: &[Self], to: (&mut [Self], usize)) {
                packing.unpack(isa, panel, packed, to);
            }

            fn max_pool(isa: Isa, walk: &Walk<'_>, x: &[Self], to: (&mut [Self], Option<&mut [Self]>)) {
                max_pool::forward(isa, walk, x, to);
            }

            fn max_pool_backward(isa: Isa, walk: &Walk<'_>, from: (&[Self], &[Self]), dx: &mut [Self]) {
                max_pool::backward(isa, walk, from, dx);
            }

            fn moments(isa: Isa, xs: &[Self], mean: &mut [Self], squares: &mut [Self]) {
                norm::moments(isa, xs, mean, squares);
            }

            fn normalise(isa: Isa, by: Channels<'_, Self>, xs: Option<&[Self]>, ys: &mut [Self]) {
                norm::normalise(isa, by, xs, ys);
            }

            fn norm_gradients(isa: Isa, by: Channels<'_, Self>, from: [&[Self]; 2], to: [&mut [Self]; 2]) {
                norm::gradients(isa, by, from, to);
            }

            fn norm_descend(
                isa: Isa,
                by: Channels<'_, Self>,
                loss: Loss<'_, Self>,
                from: (&[Self], Option<&[Self]>),
                dxs: &mut [Self],
            ) {
                norm::descend(isa, by, loss, from, dxs);
            }

            fn winograd_input(
                isa: Isa,
                image: &Image<'_, Self>,
                corner: [isize; 2],
                tiles: usize,
                spread: Spread<'_, Self>,
            ) {
                winograd::input(isa, image, corner, tiles, spread);
            }

            fn winograd_gradient(
                isa: Isa,
                image: &Image<'_, Self>,
                corner: [isize; 2],
                tiles: usize,
                spread: Spread<'_, Self>,
            ) {
                winograd::gradient(isa, image, corner, tiles, spread);
            }

            fn winograd_filters(isa: Isa, packed: Packed<'_, Self>, to: &mut [Block<Self>]) {
                winograd::filters(isa, packed, to);
            }

            fn winograd_filter_gradients(isa: Isa, u: &[Block<Self>], packed: &mut [Block<Self>]) {
                winograd::filter_gradients(isa, u, packed);
            }

            fn winograd_output(isa: Isa, m: Sums<'_, Self>, to: &mut Patch<'_, Self>) {
                winograd::output(isa, m, to);
            }
        }
    )*};
}
real!(f32 f64);
