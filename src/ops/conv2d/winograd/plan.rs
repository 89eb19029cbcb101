//! How outputs fall into tiles, and the three steps over some rows of them.

use super::*;

/// How the outputs fall into tiles.
pub(super) struct Plan {
    pub source: [usize; 4],
    pub result: [usize; 4],
    padding: [usize; 2],
    /// Tiles of an image along its height and width.
    pub tiles: [usize; 2],
}

pub(super) fn image_of<T: Real>(
    all: &[T],
    [_, h, w, c]: [usize; 4],
    image: usize,
    channels: Range<usize>,
) -> Image<'_, T> {
    Image { blocks: all[image * h * w * c..].as_chunks().0, size: [h, w], pixel: c / BLOCK, channels }
}

/// A tile's row: its image, its first output row, and how many rows it has.
pub(super) struct Row {
    pub image: usize,
    pub first: usize,
    pub height: usize,
}

impl Plan {
    pub fn new(source: [usize; 4], result: [usize; 4], padding: [usize; 2]) -> Self {
        let tiles = [result[1], result[2]].map(|extent| extent.div_ceil(OUTPUTS));
        Self { source, result, padding, tiles }
    }

    pub fn row(&self, row: usize) -> Row {
        let (image, first) = (row / self.tiles[0], row % self.tiles[0] * OUTPUTS);
        Row { image, first, height: OUTPUTS.min(self.result[1] - first) }
    }

    /// How many rows hold about so many tiles.
    pub fn rows_of(&self, tiles: usize) -> usize {
        (tiles / self.tiles[1]).max(1)
    }

    /// How many tasks the rows of tiles fall into: as many for one thread as for another, if there are enough rows.
    pub fn task_count(&self) -> usize {
        // Enough tiles to read a position's weights for; the wider the layer, the more.
        let tiles = if self.source[3] > 128 { 56 } else { 28 };
        let rows = self.result[0] * self.tiles[0];
        rows.div_ceil(self.rows_of(tiles)).next_multiple_of(rayon::current_num_threads()).min(rows)
    }

    /// Rows of tiles, over all images, and the outputs of each task.
    pub fn tasks<'a, T>(&self, mut out: &'a mut [T]) -> Vec<(Range<usize>, &'a mut [T])> {
        let (rows, count) = (self.result[0] * self.tiles[0], self.task_count());
        let row_len = self.result[2] * self.result[3];
        let task = |i| {
            let rows = i * rows / count..(i + 1) * rows / count;
            let height: usize = rows.clone().map(|row| self.row(row).height).sum();
            let (mine, behind) = std::mem::take(&mut out).split_at_mut(height * row_len);
            out = behind;
            (rows, mine)
        };
        (0..count).map(task).collect()
    }

    /// `v` of some blocks of channels.
    pub fn inputs<T: Real>(
        &self,
        isa: Isa,
        rows: Range<usize>,
        channels: Range<usize>,
        source: &[T],
        v: &mut Buffer<T>,
    ) {
        let tiles = rows.len() * self.tiles[1];
        for (i, row) in rows.enumerate() {
            let Row { image, first, .. } = self.row(row);
            let image = image_of(source, self.source, image, channels.clone());
            let corner = [first as isize - self.padding[0] as isize, -(self.padding[1] as isize)];
            let to = &mut v.blocks_mut()[i * self.tiles[1]..];
            let position = inputs_pitch(channels.len(), tiles);
            let spread = Spread { to, position, block: pitch(tiles), tile: 1 };
            T::winograd_input(isa, &image, corner, self.tiles[1], spread);
        }
    }

    // ANCHOR: multiply
    /// `m` of a panel and some blocks of inputs; those behind the first ones add to it.
    pub fn multiply<T: Real>(
        &self,
        isa: Isa,
        tiles: usize,
        (v, inputs): (&Buffer<T>, Range<usize>),
        (panel, u): (&Panel, &[Block<T>]),
        m: &mut Buffer<T>,
    ) {
        let (width, blocks) = (panel.blocks * BLOCK, inputs.len());
        let tap = |block| Tap { offset: (block * pitch(tiles)) as u32, filter: block as u32 };
        let taps: Vec<_> = (0..blocks).map(tap).collect();
        for position in 0..POSITIONS {
            let v = &v.blocks()[position * inputs_pitch(blocks, tiles)..];
            let u = &u[position * (u.len() / POSITIONS)..][..blocks * BLOCK * panel.blocks];
            let m = &mut m[position * pitch(tiles) * width..][..tiles * width];
            for piece in correlate::split(tiles, tile::pixels::<T>(isa, panel.blocks)) {
                let input =
                    tile::Input { strip: &v[piece.start..], taps: &taps, panel: u, depth: BLOCK, ahead: &[] };
                let values = &mut m[piece.start * width..];
                let after = After { onto: inputs.start > 0, ..After::default() };
                let mut output = tile::Output { values, stride: width, channels: width, after };
                T::tile(isa, piece.len(), panel.blocks, &input, &mut output);
            }
        }
    }
    // ANCHOR_END: multiply

    /// The outputs of a panel.
    pub fn outputs<T: Real>(
        &self,
        isa: Isa,
        rows: Range<usize>,
        (panel, after): (&Panel, After<'_, T>),
        m: &Buffer<T>,
        out: Out<'_, T>,
    ) {
        let ([_, _, width, _], Out { values, channels }) = (self.result, out);
        let tiles = rows.len() * self.tiles[1];
        let mut at = 0;
        for (i, row) in rows.enumerate() {
            let height = self.row(row).height;
            let m = Sums {
                blocks: m.blocks(),
                position: pitch(tiles),
                tiles: i * self.tiles[1]..(i + 1) * self.tiles[1],
            };
            let mut patch = Patch {
                values: &mut values[at..],
                size: [height, width],
                stride: [width * channels, channels],
                blocks: panel.blocks,
                after,
            };
            T::winograd_output(isa, m, &mut patch);
            at += height * width * channels;
        }
    }
}

/// Where the outputs of a panel go.
pub(super) struct Out<'a, T> {
    /// Starts at the panel's first channel of the first pixel.
    pub values: &'a mut [T],
    /// From one pixel to the next.
    pub channels: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::ThreadPoolBuilder;

    #[test]
    fn tasks_are_even_and_cover_every_row_once() {
        for threads in [1, 2, 3, 8] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            for [images, width] in [[0, 8], [1, 8], [1, 57], [7, 8], [9, 29], [32, 16]] {
                let plan = Plan::new([images, width, width, 16], [images, width, width, 16], [1, 1]);
                let mut out = vec![0; images * width * width * 16];
                let tasks = pool.install(|| plan.tasks(&mut out));
                let rows = images * plan.tiles[0];
                let each = || tasks.iter().map(|(rows, _)| rows.len());
                assert_eq!(
                    tasks.iter().flat_map(|(rows, _)| rows.clone()).collect::<Vec<_>>(),
                    (0..rows).collect::<Vec<_>>()
                );
                assert!(
                    each().max() <= each().min().map(|least| least + 1),
                    "{threads} threads, {images} images"
                );
                assert!(tasks.len().is_multiple_of(threads) || tasks.len() == rows);
                assert_eq!(
                    tasks.iter().map(|(_, out)| out.len()).sum::<usize>(),
                    images * width * width * 16
                );
            }
        }
    }
}
