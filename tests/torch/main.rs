//! Residual against PyTorch: operations, optimisers, schedules, whole models.
//!
//! `generate.py` lets PyTorch compute and writes `golden/*.safetensors`; the tests here compute the
//! same with residual, in f32 and in f64, and measure the distance to PyTorch's f64 results. Each
//! test prints a table of its worst distances: `cargo test --test torch -- --nocapture`.

mod formula;
mod golden;
mod models;
mod networks;
mod ops;
mod report;
mod train;
mod weights;
