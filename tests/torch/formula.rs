//! Weights, images and labels that PyTorch and residual both make by one formula, so that no file
//! holds them.
//!
//! `formula.py` is the twin of this file: what one changes, the other changes.
//!
//! ```text
//! hash(name, i)      a 32-bit mixture of the FNV-1a hash of the name and the position i
//! uniform(name, i)   its upper 24 bits as a number in [-1, 1), exact in f32
//! ```
//!
//! Weights have He's variance, 2 / fan_in, so that signals neither die out nor explode; what belongs
//! to a norm lies near where it lies after training; biases are small and not zero. `norm_bias` is added
//! to those of norms: it opens ReLUs, where so many norms follow each other without shortcuts that every
//! one would add to the rounding of those before it.

use residual::{
    Real, Shape, Tensor,
    models::Model,
    nn::{Path, Slot},
};

/// How many numbers [`summary`] says: a norm, a product, and entries.
pub const SUMMARY: usize = 2 + ENTRIES;
const ENTRIES: usize = 8;

/// The hashes of a name, by position.
fn hashes(name: &str) -> impl Fn(usize) -> u32 + use<> {
    let seed = name.bytes().fold(0x811C_9DC5, |h: u32, byte| (h ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    move |i| {
        let h = (i as u32).wrapping_mul(0x9E37_79B9).wrapping_add(seed);
        let h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
        let h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
        h ^ (h >> 16)
    }
}

fn uniforms(name: &str) -> impl Fn(usize) -> f32 + use<> {
    let hash = hashes(name);
    move |i| (hash(i) >> 8) as f32 / (1 << 23) as f32 - 1.0
}

/// A parameter or a running statistic, from its name and shape.
fn tensor<T: Real>(name: &str, shape: Shape) -> Tensor<T> {
    let uniform = uniforms(name);
    let value = |f: fn(f32) -> f32| Tensor::from_fn(shape, |i| T::of(f64::from(f(uniform(i)))));
    match shape.dims() {
        // The product in f64, rounded to f32 once.
        [_, fan_in @ ..] if !fan_in.is_empty() => {
            let bound = (6.0 / fan_in.iter().product::<usize>() as f64).sqrt();
            Tensor::from_fn(shape, |i| T::of(f64::from((f64::from(uniform(i)) * bound) as f32)))
        }
        _ if name.ends_with("running_var") => value(|u| 1.0 + 0.25 * u),
        // Behind a bottleneck: a deep network of bodies as large as their shortcuts doubles rounding in
        // every block.
        _ if name.ends_with("bn3.weight") => value(|u| 0.125 + 0.0625 * u),
        _ if name.ends_with("weight") => value(|u| 0.75 + 0.25 * u),
        _ => value(|u| 0.125 * u),
    }
}

/// Gives every parameter and running statistic its numbers, and takes dropout its own.
pub fn fill<T: Real>(model: &mut dyn Model<T>, norm_bias: f64) {
    let of = |path: &Path, shape| {
        let name = path.to_string();
        let added = if name.contains("bn") && name.ends_with("bias") { norm_bias } else { 0.0 };
        // The sum is rounded to f32, as PyTorch does.
        tensor::<T>(&name, shape).map(|x| T::of(f64::from((x.to_f64() + added) as f32)))
    };
    model.visit(&mut |path, slot| match slot {
        Slot::Param(param) => param.value = of(path, param.value.shape()),
        Slot::Buffer(buffer) => *buffer = of(path, buffer.shape()),
        Slot::Generator(generator) => *generator = generator.clone().idle(),
        Slot::Count(_) => {}
    });
}

/// Images (N, H, W, C), for the shape (N, C, H, W).
pub fn images<T: Real>(draw: usize, shape: [usize; 4]) -> Tensor<T> {
    let uniform = uniforms(&format!("images/{draw}"));
    let images = Tensor::from_fn(shape, |i| T::of(f64::from(1.75 * uniform(i))));
    Tensor::from_nchw(&images)
}

pub fn labels(n: usize, classes: usize) -> Vec<usize> {
    (0..n).map(hashes("labels")).map(|hash| hash as usize % classes).collect()
}

/// Of a tensor too large to keep: its norm, its product with a drawn direction, and 8 entries.
pub fn summary<T: Real>(name: &str, tensor: &Tensor<T>) -> [f64; SUMMARY] {
    let flat = tensor.as_slice();
    let direction = uniforms(&format!("{name}/direction"));
    let square: f64 = flat.iter().map(|x| x.to_f64().powi(2)).sum();
    let product = flat.iter().enumerate().map(|(i, x)| x.to_f64() * f64::from(direction(i))).sum();
    let place = hashes(&format!("{name}/places"));
    let mut summary = [square.sqrt(), product, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    for (i, entry) in summary[2..].iter_mut().enumerate() {
        *entry = flat[place(i) as usize % flat.len()].to_f64();
    }
    summary
}
