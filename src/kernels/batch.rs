//! Small images: a tile's pixels are one position of many images.
//!
//! A row of a 4x4 image fills four of a tile's fourteen pixels, and the filter is loaded anew for each row. The same
//! position of fourteen images fills a tile, every output position reads the same packed panel, and taps that
//! would read padding are left out: of the 144 products of a 3x3 kernel on a 4x4 image, 100 remain.
//!
//! ```text
//! strip[position][block of 16 channels][image] -> sixteen channels
//! strip[position][channel][image] -> one channel, where there are few of them
//! ```

use super::{
    axis::Axis,
    correlate::Panels,
    deal::{self, Pixels},
    filters::{Packing, Panel},
    outer::{self, Factors, Run},
    planes,
    strip::{self, Channels},
    tile::{self, Tap},
};
use crate::{
    buffer::Buffer,
    number::Number,
    simd::{BLOCK, Block, Isa},
};

/// A strip of one chunk of images should leave the second-level cache room for a panel.
const STRIP_BYTES: usize = 1 << 20;

/// Fewer rows of gradients at a time would wait for loads.
const FEW_ROWS: usize = 4;

/// Which source positions the output positions of small images read, and by which taps.
#[derive(Debug)]
pub struct Batch {
    axes: [Axis; 2],
    source: [usize; 2],
    output: [usize; 2],
    /// How channels fall into blocks, and weights into panels.
    pub packing: Packing,
}

/// A source position, and the tap by which it is read.
struct Place {
    source: usize,
    tap: usize,
}

impl Batch {
    /// `axes` say which source pixels the outputs read, `packing` which channels.
    pub fn new(axes: [Axis; 2], source: [usize; 2], output: [usize; 2], packing: Packing) -> Self {
        Self { axes, source, output, packing }
    }

    /// How many images each task takes, of `images` on `threads`; none where rows of pixels fill a tile as well, where
    /// the images are too large, or for narrow groups, whose tiles want pixels side by side. Whether it is
    /// none depends on the shapes alone.
    pub fn chunk<T: Number>(&self, isa: Isa, images: usize, threads: usize) -> Option<usize> {
        let most = tile::pixels::<T>(isa, tile::blocks::<T>(isa));
        let even =
            |pixels: usize, pieces: usize| pixels.div_ceil(pixels.div_ceil(most).next_multiple_of(pieces));
        let width = self.output[1].div_ceil(self.axes[1].output_phases());
        let fills = images > 0 && even(images, 1) > even(width, 1);
        let fits = self.strip_len(most.min(images)) * size_of::<T>() <= STRIP_BYTES;
        (fills && fits && self.packing.sources.group.is_none()).then(|| even(images, threads))
    }

    /// How many images to sum the gradients of weights over at a time; none where the rows of pixels are long enough,
    /// or for narrow groups.
    pub fn gradients_chunk<T: Number>(&self, images: usize) -> Option<usize> {
        // As if it were all in blocks, like the gradients beside it.
        let Channels { parts, .. } = self.packing.sources;
        let blocks = self.source[0] * self.source[1] * parts * self.packing.sources.blocks();
        let most = STRIP_BYTES / (blocks * BLOCK * size_of::<T>());
        let chunk = images.div_ceil(images.div_ceil(most.max(1)).max(1));
        // Planes are summed over as many at a time as there are channels; along an image's rows, each tap of a kernel's
        // row counts as one more.
        let many = self.packing.sources.each >= FEW_ROWS;
        let grouped = self.packing.sources.group.is_some();
        (!grouped && many && chunk > self.output[1] && most > 0).then_some(chunk)
    }

    /// How many numbers the strip of a chunk of images holds.
    pub fn strip_len(&self, chunk: usize) -> usize {
        self.source[0] * self.source[1] * self.sources() * chunk * self.packing.sources.grain()
    }

    /// Grains of a source position.
    fn sources(&self) -> usize {
        let Channels { parts, .. } = self.packing.sources;
        parts * self.packing.sources.grains()
    }

    /// What the output position (`row`, `column`) reads: by each tap inside the image.
    fn places(&self, at: [usize; 2]) -> impl Iterator<Item = Place> {
        let along = move |axis: usize| {
            let (phases, step) = (self.axes[axis].output_phases(), self.axes[axis].source_phases);
            let first = (at[axis] / phases * step) as isize;
            let inside = 0..self.source[axis] as isize;
            self.axes[axis].steps[at[axis] % phases].iter().filter_map(move |tap| {
                let source = first + tap.reach(step);
                inside.contains(&source).then_some((source as usize, tap.k))
            })
        };
        let kernel_width: usize = self.axes[1].steps.iter().map(Vec::len).sum();
        let width = self.source[1];
        along(0).flat_map(move |(row, kh)| {
            along(1)
                .map(move |(column, kw)| Place { source: row * width + column, tap: kh * kernel_width + kw })
        })
    }

    /// Lays out the images of one chunk, `source` (N, H, W, C), in a strip of zeros or of another chunk.
    pub fn fill<T: Number>(&self, isa: Isa, chunk: usize, source: &[T], strip: &mut Buffer<T>) {
        match self.packing.sources.grain() {
            1 => self.fill_planes(chunk, source, strip),
            _ if self.packing.sources.each.is_multiple_of(BLOCK) => {
                self.fill_whole(isa, chunk, source, strip)
            }
            _ => self.fill_blocks(chunk, source, strip),
        }
    }

    fn fill_planes<T: Number>(&self, chunk: usize, source: &[T], strip: &mut Buffer<T>) {
        let image = self.source[0] * self.source[1] * self.sources();
        for (i, numbers) in source.chunks_exact(image).enumerate() {
            let places = strip[i..].iter_mut().step_by(chunk);
            places.zip(numbers).for_each(|(to, from)| *to = *from);
        }
    }

    fn fill_whole<T: Number>(&self, isa: Isa, chunk: usize, source: &[T], strip: &mut Buffer<T>) {
        let (total, positions) = (self.packing.sources.total(), self.source[0] * self.source[1]);
        let image = positions * total;
        let places = strip.blocks_mut().chunks_exact_mut(self.sources() * chunk);
        for (position, to) in places.take(positions).enumerate() {
            let numbers = &source[position * total..];
            let pixels = Pixels { numbers, pitch: image, count: source.len() / image, groups: total / BLOCK };
            deal::run(isa, 1, pixels, to, chunk);
        }
    }

    fn fill_blocks<T: Number>(&self, chunk: usize, source: &[T], strip: &mut Buffer<T>) {
        let (channels, pixels) = (self.packing.sources, self.source[0] * self.source[1]);
        let strip = strip.blocks_mut();
        for (i, pixel) in source.chunks_exact(channels.total()).enumerate() {
            let (image, position) = (i / pixels, i % pixels);
            let places = strip[position * self.sources() * chunk + image..].iter_mut().step_by(chunk);
            places
                .zip(channels.spans())
                .for_each(|(to, (from, count))| strip::copy(to, &pixel[from..][..count]));
        }
    }

    /// Computes a chunk's outputs, `out` (N, OH, OW, O), from its strip.
    pub fn run<T: Number>(&self, isa: Isa, panels: &Panels<T>, from: (&Buffer<T>, usize), out: &mut [T]) {
        match self.packing.sources.grain() {
            1 => self.run_grains::<T, 1>(isa, panels, from, out),
            _ => self.run_grains::<T, BLOCK>(isa, panels, from, out),
        }
    }

    fn run_grains<T: Number, const D: usize>(
        &self,
        isa: Isa,
        panels: &Panels<T>,
        (strip, chunk): (&Buffer<T>, usize),
        out: &mut [T],
    ) {
        let ([height, width], total) = (self.output, self.packing.results.total());
        let (grains, depth) = (self.packing.sources.grains(), self.packing.sources.depth());
        let image = height * width * total;
        let (images, mut taps) = (out.len() / image, Vec::new());
        for (panel, weights) in &panels.packed {
            let (strip, after) =
                (&strip.as_chunks::<D>().0[panel.part * grains * chunk..], panels.after(panel));
            for position in 0..height * width {
                taps.clear();
                for place in self.places([position / width, position % width]) {
                    taps.extend((0..grains).map(|grain| Tap {
                        offset: ((place.source * self.sources() + grain) * chunk) as u32,
                        filter: (place.tap * grains + grain) as u32,
                    }));
                }
                let input = tile::Input { strip, taps: &taps, panel: weights.blocks(), depth, ahead: &[] };
                let values = &mut out[position * total + panel.channel..];
                let mut output = tile::Output { values, stride: image, channels: panel.channels, after };
                tile::run(isa, images, panel.blocks, &input, &mut output);
            }
        }
    }

    /// A chunk's products for a panel of weight gradients, packed. `x` is the chunk's strip, and `dy` its gradients
    /// of the panel's outputs, those of all images for each position. They are added to what stands in `dw` if they
    /// go `onto` it.
    pub fn products<T: Number>(
        &self,
        isa: Isa,
        panel: &Panel,
        (x, dy, chunk, images): (&Buffer<T>, &[Block<T>], usize, usize),
        (dw, onto): (&mut [Block<T>], bool),
    ) {
        let ([height, width], sources) = (self.output, self.packing.sources);
        let (grains, depth) = (sources.grains(), sources.depth());
        let taps = dw.len() / (grains * sources.grain() * panel.blocks);
        let mut runs: Vec<_> = (0..taps).map(|_| Vec::new()).collect();
        for position in 0..height * width {
            for place in self.places([position / width, position % width]) {
                let x = (place.source * self.sources() * chunk) as u32;
                runs[place.tap].push(Run { x, dy: (position * chunk) as u32 });
            }
        }
        if sources.grain() == 1 {
            let x = &x[panel.part * grains * chunk..];
            let offsets: Vec<_> = (0..grains).map(|plane| (plane * chunk) as u32).collect();
            for (runs, dw) in runs.iter().zip(dw.chunks_exact_mut(grains * panel.blocks)) {
                let (dy, pitch) = (dy.as_flattened(), panel.blocks * BLOCK);
                let factors = planes::Factors { x, offsets: &offsets, dy, pitch, runs, len: images, onto };
                planes::run(isa, panel.blocks, &factors, dw);
            }
            return;
        }
        let x = &x.blocks()[panel.part * grains * chunk..];
        for (i, dw) in dw.chunks_exact_mut(BLOCK * panel.blocks).enumerate() {
            let (x, runs) = (&x[i % grains * chunk..], &runs[i / grains]);
            outer::run(isa, panel.blocks, &Factors { x, dy, runs, len: images, depth, onto, ahead: &[] }, dw);
        }
    }
}
