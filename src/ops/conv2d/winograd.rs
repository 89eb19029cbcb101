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
        winograd::{Image, OUTPUTS, POSITIONS, Packed, Patch, Spread, Sums},
    },
    ops::threads,
    real::Real,
    simd::{BLOCK, Block, Isa},
    tensor::{Shape, Tensor},
};
use std::{env, ops::Range, sync::OnceLock};

mod plan;
pub(super) mod scratch;
mod weights;
mod wide;
use plan::{Out, Plan};
pub use weights::grad_weights;

/// The environment variable that switches this form off.
const VARIABLE: &str = "RESIDUAL_CONV";

/// With fewer tiles than this, turning the weights costs more than it saves. Measured on one thread with
/// AVX-512: with 16 tiles of 64 channels the forward pass gained nothing; with 128 of 256 the passes to the
/// output and to the input took 0.4 to 0.8 of the direct form's time.
const WORTH_IT: usize = 48;

/// As much, where weights are turned [on the way](wide).
const WORTH_IT_ON_THE_WAY: usize = 16;

/// Outputs of a tile, on average over an image, below which the direct form does about as few products.
const OUTPUTS_WORTH_IT: usize = 8;

/// With more weights per position than this, and no more tiles than that, weights are turned [on the way](wide).
const WIDE: usize = 128 * 128;
const FEW: usize = 64;

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
    if !allowed || !fits(w, g) {
        return false;
    }
    let (tiles, least) = (tiles(result), if is_wide(w) { WORTH_IT_ON_THE_WAY } else { WORTH_IT });
    tiles >= least && result.len() / result.last() >= OUTPUTS_WORTH_IT * tiles
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

/// From one position's rows to the next one's, if it has so many: an odd number, so that the 36 numbers of a tile or a
/// filter do not all fall into one set of a cache.
fn pitch(rows: usize) -> usize {
    rows | 1
}

/// The [`pitch`] of so many blocks of inputs of each of so many tiles.
fn inputs_pitch(blocks: usize, tiles: usize) -> usize {
    pitch(blocks * pitch(tiles))
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
    let y = g.output_shape(x.shape(), w.shape());
    forward_packed(isa, x, (w.shape(), &packed(isa, w, g, y)), g)
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

/// The weights of [`forward_packed`] for results of shape `y`.
#[track_caller]
pub(super) fn packed<T: Real>(isa: Isa, w: &Tensor<T>, g: Geometry, y: Shape) -> Panels<T> {
    assert!(fits(w.shape(), g), "Winograd's form for weights {} and {g:?}", w.shape());
    transformed(isa, w, Direction::Forward, y)
}

/// See [`super::grad_input`].
///
/// # Panics
/// As [`forward`].
#[track_caller]
pub fn grad_input<T: Real>(isa: Isa, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    assert_eq!(dy.shape(), g.output_shape(x, w.shape()), "dy has the shape of the output");
    assert!(fits(w.shape(), g), "Winograd's form for weights {} and {g:?}", w.shape());
    let panels = transformed(isa, w, Direction::Backward, x);
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
    if turn(w, result) == Turn::OnTheWay {
        wide::correlate(isa, (&plan, packing, direction), panels, source.as_slice(), out.as_mut_slice());
        return out;
    }
    let tasks = plan.tasks(out.as_mut_slice());
    let blocks = packing.sources.blocks();
    let most = tasks.iter().map(|(rows, _)| rows.len()).max().unwrap_or(0) * plan.tiles[1];
    let widest = tile::blocks::<T>(isa);
    threads::each(
        result.len() * w.len() / packing.results.total(),
        tasks,
        || {
            [inputs_pitch(blocks, most), pitch(most) * widest]
                .map(|each| Buffer::scratch(POSITIONS * each * BLOCK))
        },
        |[v, m], (rows, out)| {
            let tiles = rows.len() * plan.tiles[1];
            plan.inputs(isa, rows.clone(), 0..blocks, source.as_slice(), v);
            for (panel, u) in &panels.packed {
                let out = Out { values: &mut out[panel.channel..], channels: packing.results.total() };
                plan.multiply(isa, tiles, (v, 0..blocks), (panel, u.blocks()), m);
                plan.outputs(isa, rows.clone(), (panel, panels.after(panel)), m, out);
            }
        },
    );
    out
}

/// When weights are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// All of them, before the first input.
    Before,
    /// A [few at a time](wide), by whoever uses them.
    OnTheWay,
}

/// When the weights of results of this shape are turned.
pub(super) fn turn(w: Shape, result: Shape) -> Turn {
    if is_wide(w) && tiles(result) <= FEW { Turn::OnTheWay } else { Turn::Before }
}

fn is_wide(w: Shape) -> bool {
    w.dims()[0] * w.dims()[1] > WIDE
}

/// The panels of `G g Gᵀ`, or of `w` if they are turned on the way.
fn transformed<T: Real>(isa: Isa, w: &Tensor<T>, direction: Direction, result: Shape) -> Panels<T> {
    let (packing, turned) = (blocked::packing(w.shape(), 1, direction), direction == Direction::Backward);
    if turn(w.shape(), result) == Turn::OnTheWay {
        return blocked::pack(isa, &packing, w.as_slice());
    }
    let panels = packing.panels(tile::blocks::<T>(isa));
    let turn = |i: usize| {
        let packed = T::pack(isa, &packing, &panels[i], w.as_slice());
        // No gap here: with one, layers of 256 channels were 3 % slower.
        let mut u = Buffer::scratch(packed.len() / 9 * POSITIONS);
        let packed = Packed { blocks: packed.blocks(), range: 0..packed.blocks().len() / 9, turned };
        T::winograd_filters(isa, packed, u.blocks_mut());
        (panels[i], u)
    };
    Panels::new(threads::map(blocked::PACKING * w.len(), panels.len(), turn))
}
