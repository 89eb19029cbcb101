//! Operations: pure functions on tensors, each forward next to its backward, one file each.
//!
//! The naming is one everywhere: `x` in, `y` out, `w` and `b` weights and bias; `dx` is dL/dx.
//! Images are (N, H, W, C). Threads are started here and in `data`, nowhere else, and no result
//! depends on how many there are.

pub mod bias;
pub mod conv2d;
pub mod cross_entropy;
pub mod linear;
