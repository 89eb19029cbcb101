//! Operations: pure functions on tensors, each forward next to its backward, one file each.
//!
//! The naming is one everywhere: `x` in, `y` out, `w` and `b` weights and bias; `dx` is dL/dx.
//! Images are (N, H, W, C). Work is cut into tasks for threads here and in `data`, nowhere else, and no result
//! depends on how many there are.

mod abreast;
pub mod adaptive_avg_pool;
pub mod add;
pub mod avg_pool;
pub mod batch_norm;
pub mod bias;
pub mod concat;
pub mod conv2d;
pub mod cross_entropy;
pub mod dropout;
pub mod dropout2d;
pub mod flatten;
pub mod global_avg_pool;
pub mod linear;
pub mod local_response_norm;
pub mod max_pool;
pub mod pool;
pub mod relu;
pub mod sigmoid;
pub mod softmax;
pub mod subsample;
pub mod tanh;
pub(crate) mod threads;
