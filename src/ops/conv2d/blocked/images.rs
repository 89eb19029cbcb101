//! Small images: tasks own some images, or some panels of weight gradients over all of them.

use super::{
    weights::{by_panel, sum_up},
    *,
};
use crate::simd::BLOCK;

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
            batch.fill(chunk, &source.as_slice()[i * chunk * from..][..out.len() / to * from], strip);
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
        batch.fill(chunk, &x.as_slice()[chunks[i].start * from..chunks[i].end * from], &mut strip);
        strip
    });
    sum_up(isa, batch.packing, (products, x.len(), chunks.len()), dw.as_mut_slice(), |share, part, sums| {
        for (images, strip) in chunks[part.clone()].iter().zip(&strips[part]) {
            let dy = &dy.as_slice()[images.start * to..images.end * to];
            for (panel, dw) in by_panel(batch.packing, share, sums) {
                let gradients = gather(panel, (dy, batch.packing.results.total()), images.len(), chunk);
                let factors = (strip, gradients.blocks(), chunk, images.len());
                T::batch_products(batch, isa, panel, factors, dw.as_chunks_mut().0);
            }
        }
    });
}

/// `dy` of a panel's outputs in whole blocks, those of all images for each position.
fn gather<T: Real>(panel: &Panel, (dy, outputs): (&[T], usize), images: usize, chunk: usize) -> Buffer<T> {
    let positions = dy.len() / images / outputs;
    let mut gradients = Buffer::zeros(positions * chunk * panel.blocks * BLOCK);
    for (i, pixel) in dy.chunks_exact(outputs).enumerate() {
        let (image, position) = (i / positions, i % positions);
        let to = &mut gradients.blocks_mut()[(position * chunk + image) * panel.blocks..][..panel.blocks];
        let from = pixel[panel.channel..][..panel.channels].chunks(BLOCK);
        to.iter_mut().zip(from).for_each(|(to, from)| strip::copy(to, from));
    }
    gradients
}
