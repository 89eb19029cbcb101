//! How much memory the passes lay aside while they run, beside what they are given and return.
//!
//! It is counted by the functions that cut the passes into tasks, and `tests/memory.rs` compares it with what they
//! take.

use super::{Geometry, blocked, winograd};
use crate::{kernels::filters::Direction, real::Real, simd::Isa, tensor::Shape};

/// Bytes laid aside by each pass, on all threads together.
///
/// ```
/// use residual::ops::conv2d::{self, Geometry};
/// let (x, w) = ([32, 8, 8, 64].into(), [64, 64, 3, 3].into());
/// let scratch = conv2d::scratch::<f32>(x, w, Geometry::default().padding([1, 1]));
/// // Winograd's form has 36 numbers for each filter of nine.
/// assert_eq!(scratch.packed, 64 * 64 * 36 * size_of::<f32>());
/// assert!(scratch.forward > scratch.packed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// By [`forward`](super::forward), packed weights included.
    pub forward: usize,
    /// By [`grad_input`](super::grad_input).
    pub grad_input: usize,
    /// By [`grad_weights`](super::grad_weights).
    pub grad_weights: usize,
    /// The weights as [`Filters`](super::Filters) keep them.
    pub packed: usize,
}

/// What a convolution of an input `x` by weights `w` lays aside.
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn scratch<T: Real>(x: Shape, w: Shape, g: Geometry) -> Scratch {
    let (y, isa) = (g.output_shape(x, w), Isa::current());
    let correlate = |direction, source, result| {
        let (packed, moving) = if winograd::pays(w, g, result) {
            winograd::scratch::correlate::<T>(isa, direction, [source, result], w)
        } else {
            blocked::scratch::correlate::<T>(isa, (direction, g), [source, result], w)
        };
        [packed, packed + moving].map(|numbers| numbers * size_of::<T>())
    };
    let [packed, forward] = correlate(Direction::Forward, x, y);
    let [_, grad_input] = correlate(Direction::Backward, y, x);
    let sums = if winograd::pays(w, g, y) {
        winograd::scratch::grad_weights::<T>(isa, y, x, w)
    } else {
        blocked::scratch::grad_weights::<T>(isa, y, x, w, g)
    };
    Scratch { forward, grad_input, grad_weights: sums * size_of::<T>(), packed }
}
