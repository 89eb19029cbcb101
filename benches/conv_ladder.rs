//! One convolution, form by form: what each idea is worth.
//!
//! `cargo bench --bench conv_ladder` computes the same 3x3 layer, 8 images of 32x32 with 64 channels on both sides, by
//! the definition, as a matrix product, in blocks on each instruction set, and in Winograd's form, on one thread;
//! then the last two on all of them.

mod common;

use common::{Work, measure, short};
use criterion::{Criterion, criterion_group, criterion_main};
use rayon::{ThreadPool, ThreadPoolBuilder};
use residual::{
    Tensor,
    ops::conv2d::{Geometry, blocked, im2col, naive, winograd},
    rng::Generator,
    simd::Isa,
};

fn ladder(c: &mut Criterion) {
    let g = Geometry::default().padding([1, 1]);
    let mut rng = Generator::new(0, 0);
    let mut draw = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.normal() as f32);
    let (x, w) = (draw([8, 32, 32, 64]), draw([64, 64, 3, 3]));
    let numbers = x.len() + w.len() + x.len();
    let work = Work { flops: (2 * x.len() * 9 * 64) as f64, bytes: (size_of::<f32>() * numbers) as f64 };

    let mut rung = |name: &str, pool: &ThreadPool, form: &(dyn Fn() -> Tensor + Sync)| {
        measure(c, name, work, || pool.install(form));
    };
    let [one, all] = [1, 0].map(pool);
    rung("the definition", &one, &|| naive::forward(&x, &w, g));
    rung("im2col and a matrix product", &one, &|| im2col::forward(&x, &w, g));
    for isa in Isa::available() {
        rung(&format!("blocks, {isa}"), &one, &|| blocked::forward(isa, &x, &w, g));
    }
    rung("Winograd", &one, &|| winograd::forward(Isa::current(), &x, &w, g));
    let threads = all.current_num_threads();
    rung(&format!("blocks, {threads} threads"), &all, &|| blocked::forward(Isa::current(), &x, &w, g));
    rung(&format!("Winograd, {threads} threads"), &all, &|| winograd::forward(Isa::current(), &x, &w, g));
}

/// So many threads; 0 for as many as there are cores.
fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started")
}

criterion_group! {
    name = rungs;
    config = short();
    targets = ladder
}
criterion_main!(rungs);
