//! Backward equals central differences in `f64`: relative error at most 1e-6, over drawn shapes.
//!
//! `cargo test --test gradients -- --nocapture` shows each test's worst relative error.

mod check;
mod layers;
mod models;
mod ops;
