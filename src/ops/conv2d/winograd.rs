//! Winograd's form of the 3x3 convolution: a quarter of the products. See [`crate::kernels::winograd`].
//!
//! A task owns some rows of tiles. It turns its inputs into 36 matrices, multiplies each by the
//! weights of its position, panel by panel, and turns the products into pixels:
//!
//! ```text
//! v[position][block of inputs][tile][16]     Bᵀ d B
//! m[position][tile][V blocks of outputs]     v · u, for one panel of u = G g Gᵀ
//! y                                          Aᵀ m A
//! ```

use super::{Geometry, blocked};
use crate::{
    buffer::Buffer,
    error::Error,
    kernels::{
        correlate::{self, Panels},
        filters::{Direction, Panel},
        tile::{self, After, Tap},
        winograd::{Image, OUTPUTS, POSITIONS, Patch, Spread},
    },
    ops::threads,
    real::Real,
    simd::{BLOCK, Isa},
    tensor::{Shape, Tensor},
};
use std::{env, ops::Range, sync::OnceLock};

/// The environment variable that switches this form off.
const VARIABLE: &str = "RESIDUAL_CONV";

/// With fewer tiles than this, turning the weights costs more than it saves. Measured on one thread with
/// AVX-512: with 16 tiles of 64 channels the forward pass gained nothing, with 32 of 512 it lost; with
/// 128 of 256 the passes to the output and to the input took 0.4 to 0.8 of the direct form's time.
const WORTH_IT: usize = 48;

/// Whether this form exists for weights `w` (O, I, 3, 3): stride one, one group, whole blocks.
pub fn fits(w: Shape, g: Geometry) -> bool {
    let &[outputs, inputs, kh, kw] = w.dims() else { return false };
    let plain = g.stride == [1, 1] && g.dilation == [1, 1] && g.groups == 1;
    plain && [kh, kw] == [3, 3] && g.padding.iter().all(|&p| p < 3) && (inputs | outputs) % BLOCK == 0
}

/// Whether this form is the faster one for a result (N, H, W, C) of either direction: turning the
/// weights has to pay, and `RESIDUAL_CONV=direct` forbids it. The whole batch counts, so the last digits
/// of an image's scores may depend on how many images come with it.
///
/// # Panics
/// If `RESIDUAL_CONV` is set to anything else: ask [`allowed`] first.
pub fn pays(w: Shape, g: Geometry, result: Shape) -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    let allowed = *ALLOWED.get_or_init(|| allowed().unwrap_or_else(|error| panic!("{error}")));
    allowed && fits(w, g) && tiles(result) >= WORTH_IT
}

/// Whether `RESIDUAL_CONV` leaves this form switched on.
///
/// # Errors
/// If it is neither unset nor `direct`.
pub fn allowed() -> Result<bool, Error> {
    match env::var_os(VARIABLE) {
        None => Ok(true),
        Some(name) if name == "direct" => Ok(false),
        Some(name) => Err(Error::Argument {
            name: VARIABLE.into(),
            expected: "`direct`, which switches Winograd's form of convolution off".into(),
            found: format!("`{}`", name.to_string_lossy()),
            hint: "unset it to use the fastest form for each layer".into(),
        }),
    }
}

fn tiles(result: Shape) -> usize {
    let &[n, h, w, _] = result.dims() else { return 0 };
    n * h.div_ceil(OUTPUTS) * w.div_ceil(OUTPUTS)
}

/// See [`super::forward`].
///
/// # Panics
/// If the shapes do not fit together, or this form does not [fit](fits).
#[track_caller]
pub fn forward<T: Real>(isa: Isa, x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
    forward_packed(isa, x, (w.shape(), &packed(isa, w, g)), g)
}

/// [`forward`] with weights turned before.
#[track_caller]
pub(super) fn forward_packed<T: Real>(
    isa: Isa,
    x: &Tensor<T>,
    w: (Shape, &Panels<T>),
    g: Geometry,
) -> Tensor<T> {
    correlate(isa, (x, w), Direction::Forward, g.padding, g.output_shape(x.shape(), w.0))
}

/// The weights of [`forward_packed`].
#[track_caller]
pub(super) fn packed<T: Real>(isa: Isa, w: &Tensor<T>, g: Geometry) -> Panels<T> {
    assert!(fits(w.shape(), g), "Winograd's form for weights {} and {g:?}", w.shape());
    transformed(isa, w, Direction::Forward)
}

/// See [`super::grad_input`].
///
/// # Panics
/// As [`forward`].
#[track_caller]
pub fn grad_input<T: Real>(isa: Isa, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x, w.shape()), "dy has the shape of the output");
    assert!(fits(w.shape(), g), "Winograd's form for weights {} and {g:?}", w.shape());
    let panels = transformed(isa, w, Direction::Backward);
    correlate(isa, (dy, (w.shape(), &panels)), Direction::Backward, g.padding.map(|p| 2 - p), x)
}

fn correlate<T: Real>(
    isa: Isa,
    (source, (w, panels)): (&Tensor<T>, (Shape, &Panels<T>)),
    direction: Direction,
    padding: [usize; 2],
    result: Shape,
) -> Tensor<T> {
    let packing = blocked::packing(w, 1, direction);
    let mut out = Tensor::scratch(result);
    let plan = Plan::new(source.dims(), out.dims(), padding);
    let tasks = plan.tasks(out.as_mut_slice());
    let blocks = packing.sources.blocks();
    let most = tasks.iter().map(|(rows, _)| rows.len()).max().unwrap_or(0) * plan.tiles[1];
    let widest = tile::blocks::<T>(isa);
    threads::each(
        result.len() * w.len() / packing.results.total(),
        tasks,
        || [blocks, widest].map(|blocks| Buffer::scratch(POSITIONS * blocks * most * BLOCK)),
        |[v, m], (rows, out)| {
            plan.inputs(isa, rows.clone(), 0..blocks, source.as_slice(), v);
            for (panel, u) in &panels.packed {
                plan.multiply(isa, rows.len() * plan.tiles[1], (v, blocks), (panel, u), m);
                plan.outputs(isa, rows.clone(), (panel, panels.after(panel)), m, out);
            }
        },
    );
    out
}

pub(super) mod scratch;
mod weights;
pub use weights::grad_weights;

/// The panels of `G g Gᵀ`.
fn transformed<T: Real>(isa: Isa, w: &Tensor<T>, direction: Direction) -> Panels<T> {
    let (packing, turned) = (blocked::packing(w.shape(), 1, direction), direction == Direction::Backward);
    let panels = packing.panels(tile::blocks::<T>(isa));
    let turn = |i: usize| {
        let packed = packing.pack(&panels[i], w.as_slice());
        let mut u = Buffer::scratch(packed.len() / 9 * POSITIONS);
        T::winograd_filters(isa, packed.blocks(), u.blocks_mut(), turned);
        (panels[i], u)
    };
    Panels::new(threads::map(blocked::PACKING * w.len(), panels.len(), turn))
}

/// How the outputs fall into tiles.
struct Plan {
    source: [usize; 4],
    result: [usize; 4],
    padding: [usize; 2],
    /// Tiles of an image along its height and width.
    tiles: [usize; 2],
}

fn image_of<T: Real>(
    all: &[T],
    [_, h, w, c]: [usize; 4],
    image: usize,
    channels: Range<usize>,
) -> Image<'_, T> {
    Image { blocks: all[image * h * w * c..][..h * w * c].as_chunks().0, size: [h, w], channels }
}

/// A tile's row: its image, its first output row, and how many rows it has.
struct Row {
    image: usize,
    first: usize,
    height: usize,
}

impl Plan {
    fn new(source: [usize; 4], result: [usize; 4], padding: [usize; 2]) -> Self {
        let tiles = [result[1], result[2]].map(|extent| extent.div_ceil(OUTPUTS));
        Self { source, result, padding, tiles }
    }

    fn row(&self, row: usize) -> Row {
        let (image, first) = (row / self.tiles[0], row % self.tiles[0] * OUTPUTS);
        Row { image, first, height: OUTPUTS.min(self.result[1] - first) }
    }

    /// How many rows hold about so many tiles.
    fn rows_of(&self, tiles: usize) -> usize {
        (tiles / self.tiles[1]).max(1)
    }

    /// How many rows of tiles a task takes.
    fn rows_each(&self) -> usize {
        // Enough tiles to read a position's weights for; the wider the layer, the more.
        let tiles = if self.source[3] > 128 { 56 } else { 28 };
        let rows = self.result[0] * self.tiles[0];
        self.rows_of(tiles).min(rows.div_ceil(rayon::current_num_threads())).max(1)
    }

    /// Rows of tiles, over all images, and the outputs of each task.
    fn tasks<'a, T>(&self, mut out: &'a mut [T]) -> Vec<(Range<usize>, &'a mut [T])> {
        let (rows, each) = (self.result[0] * self.tiles[0], self.rows_each());
        let row_len = self.result[2] * self.result[3];
        let mut tasks = Vec::with_capacity(rows.div_ceil(each));
        for first in (0..rows).step_by(each) {
            let rows = first..(first + each).min(rows);
            let height: usize = rows.clone().map(|row| self.row(row).height).sum();
            let (mine, behind) = out.split_at_mut(height * row_len);
            tasks.push((rows, mine));
            out = behind;
        }
        tasks
    }

    /// `v` of some blocks of channels.
    fn inputs<T: Real>(
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
            for column in 0..self.tiles[1] {
                let corner = [first, column * OUTPUTS];
                let corner = [0, 1].map(|axis| corner[axis] as isize - self.padding[axis] as isize);
                let to = &mut v.blocks_mut()[i * self.tiles[1] + column..];
                T::winograd_input(
                    isa,
                    &image,
                    corner,
                    Spread { to, position: channels.len() * tiles, block: tiles },
                );
            }
        }
    }

    // ANCHOR: multiply
    fn multiply<T: Real>(
        &self,
        isa: Isa,
        tiles: usize,
        (v, blocks): (&Buffer<T>, usize),
        (panel, u): (&Panel, &Buffer<T>),
        m: &mut Buffer<T>,
    ) {
        let width = panel.blocks * BLOCK;
        let mut taps = Vec::with_capacity(blocks);
        for position in 0..POSITIONS {
            taps.clear();
            taps.extend(
                (position * blocks..(position + 1) * blocks)
                    .map(|filter| Tap { offset: (filter * tiles) as u32, filter: filter as u32 }),
            );
            let m = &mut m[position * tiles * width..][..tiles * width];
            for piece in correlate::split(tiles, tile::pixels::<T>(isa, panel.blocks)) {
                let input = tile::Input {
                    strip: &v.blocks()[piece.start..],
                    taps: &taps,
                    panel: u.blocks(),
                    depth: BLOCK,
                };
                let values = &mut m[piece.start * width..];
                let after = After::default();
                let mut output = tile::Output { values, stride: width, channels: width, after };
                T::tile(isa, piece.len(), panel.blocks, &input, &mut output);
            }
        }
    }
    // ANCHOR_END: multiply

    fn outputs<T: Real>(
        &self,
        isa: Isa,
        rows: Range<usize>,
        (panel, after): (&Panel, After<'_, T>),
        m: &Buffer<T>,
        out: &mut [T],
    ) {
        let [_, _, width, channels] = self.result;
        let tiles = rows.len() * self.tiles[1];
        let mut at = panel.channel;
        for (i, row) in rows.enumerate() {
            let height = self.row(row).height;
            for column in 0..self.tiles[1] {
                let mut patch = Patch {
                    values: &mut out[at + column * OUTPUTS * channels..],
                    size: [height, OUTPUTS.min(width - column * OUTPUTS)],
                    stride: [width * channels, channels],
                    blocks: panel.blocks,
                    after,
                };
                T::winograd_output(isa, m.blocks(), [i * self.tiles[1] + column, tiles], &mut patch);
            }
            at += height * width * channels;
        }
    }
}
