//! Small images: tasks own some images, or some panels of weight gradients over all of them.

use super::{
    weights::{by_panel, deal, sum_up},
    *,
};
use crate::{kernels::deal::Pixels, simd::BLOCK};

/// `out` (N, OH, OW, O), so many images in each task.
pub(super) fn correlate<T: Real>(
    isa: Isa,
    (batch, chunk, products): (&Batch, usize, usize),
    panels: &Panels<T>,
    source: &Tensor<T>,
    out: &mut Tensor<T>,
) {
    let images = source.dims::<4>()[0];
    let (from, to) = (source.len() / images, out.len() / images);
    threads::each(
        products,
        out.as_mut_slice().chunks_mut(chunk * to).enumerate().collect(),
        || Buffer::zeros(batch.strip_len(chunk)),
        |strip, (i, out)| {
            T::fill_batch(
                batch,
                isa,
                chunk,
                &source.as_slice()[i * chunk * from..][..out.len() / to * from],
                strip,
            );
            T::batch(batch, isa, panels, (strip, chunk), out);
        },
    );
}

/// `dw` (O, I, KH, KW) of all images, so many at a time.
pub(super) fn grad_weights<T: Real>(
    isa: Isa,
    (batch, chunk, products): (&Batch, usize, usize),
    (dy, x): (&Tensor<T>, &Tensor<T>),
    dw: &mut Tensor<T>,
) {
    let images = x.dims::<4>()[0];
    let [from, to] = [x, dy].map(|t| t.len() / images);
    let chunks: Vec<_> = (0..images).step_by(chunk).map(|first| first..images.min(first + chunk)).collect();
    let strips = threads::map(products, chunks.len(), |i| {
        let mut strip = Buffer::zeros(batch.strip_len(chunk));
        T::fill_batch(
            batch,
            isa,
            chunk,
            &x.as_slice()[chunks[i].start * from..chunks[i].end * from],
            &mut strip,
        );
        strip
    });
    sum_up(isa, batch.packing, (products, x.len(), chunks.len()), dw.as_mut_slice(), |share, part, sums| {
        for (i, (images, strip)) in chunks[part.clone()].iter().zip(&strips[part]).enumerate() {
            let dy = &dy.as_slice()[images.start * to..images.end * to];
            for (panel, dw) in by_panel(batch.packing, share, sums) {
                let gradients = gather(isa, panel, (dy, batch.packing.results.total()), images.len(), chunk);
                let factors = (strip, gradients.blocks(), chunk, images.len());
                T::batch_products(batch, isa, panel, factors, (dw.as_chunks_mut().0, i > 0));
            }
        }
    });
}

/// `dy` of a panel's outputs in whole blocks, those of all images for each position.
fn gather<T: Real>(
    isa: Isa,
    panel: &Panel,
    (dy, outputs): (&[T], usize),
    images: usize,
    chunk: usize,
) -> Buffer<T> {
    let image = dy.len() / images;
    let each = chunk * panel.blocks;
    let mut gradients = Buffer::zeros(image / outputs * each * BLOCK);
    for (position, to) in gradients.blocks_mut().chunks_exact_mut(each).enumerate() {
        let numbers = &dy[position * outputs + panel.channel..];
        deal(isa, panel, Pixels { numbers, pitch: image, count: images, groups: 1 }, to, each);
    }
    gradients
}
