//! Single layers on one thread, against the rate at which this core multiplies and adds.
//!
//! `cargo bench --bench kernels` prints, for each layer and pass, GFLOP/s (a multiply-add is two), GB/s
//! and the fraction of the peak that was measured between the runs, medians both. Winograd's form is
//! credited with the operations of the direct one, of which it does a quarter.

mod common;

use common::{Work, measure, short};
use criterion::{Criterion, criterion_group, criterion_main};
use residual::{
    Tensor,
    ops::conv2d::{Geometry, blocked, winograd},
    rng::Generator,
    simd::Isa,
};

/// Name, (N, H, W, C), (O, C / groups, KH, KW), stride, padding, groups.
type Layer = (&'static str, [usize; 4], [usize; 4], usize, usize, usize);

const LAYERS: &[Layer] = &[
    ("3x3 3-64 at 32", [32, 32, 32, 3], [64, 3, 3, 3], 1, 1, 1),
    ("3x3 64 at 32", [32, 32, 32, 64], [64, 64, 3, 3], 1, 1, 1),
    ("3x3 128 at 16", [32, 16, 16, 128], [128, 128, 3, 3], 1, 1, 1),
    ("3x3 256 at 8", [32, 8, 8, 256], [256, 256, 3, 3], 1, 1, 1),
    ("3x3 512 at 4", [32, 4, 4, 512], [512, 512, 3, 3], 1, 1, 1),
    ("3x3 512 at 2", [32, 2, 2, 512], [512, 512, 3, 3], 1, 1, 1),
    ("3x3 64 at 56", [8, 56, 56, 64], [64, 64, 3, 3], 1, 1, 1),
    ("3x3 256 at 14", [8, 14, 14, 256], [256, 256, 3, 3], 1, 1, 1),
    ("3x3 512 at 7", [8, 7, 7, 512], [512, 512, 3, 3], 1, 1, 1),
    ("3x3 16 at 32", [32, 32, 32, 16], [16, 16, 3, 3], 1, 1, 1),
    ("3x3 32 at 16", [32, 16, 16, 32], [32, 32, 3, 3], 1, 1, 1),
    ("3x3 64 at 8", [32, 8, 8, 64], [64, 64, 3, 3], 1, 1, 1),
    ("3x3/2 64-128 at 56", [8, 56, 56, 64], [128, 64, 3, 3], 2, 1, 1),
    ("1x1 64-256 at 56", [8, 56, 56, 64], [256, 64, 1, 1], 1, 0, 1),
    ("1x1 256-64 at 56", [8, 56, 56, 256], [64, 256, 1, 1], 1, 0, 1),
    ("1x1 1024-256 at 14", [8, 14, 14, 1024], [256, 1024, 1, 1], 1, 0, 1),
    ("5x5 1-6 at 28", [64, 28, 28, 1], [6, 1, 5, 5], 1, 2, 1),
    ("5x5 6-16 at 14", [64, 14, 14, 6], [16, 6, 5, 5], 1, 0, 1),
    ("7x7/2 3-64 at 224", [2, 224, 224, 3], [64, 3, 7, 7], 2, 3, 1),
    ("3x3 128 in 32 groups at 56", [8, 56, 56, 128], [128, 4, 3, 3], 1, 1, 32),
    ("3x3 1024 in 32 groups at 7", [8, 7, 7, 1024], [1024, 32, 3, 3], 1, 1, 32),
];

fn layers(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .expect("nothing has run before");
    LAYERS.iter().for_each(|&layer| passes(c, layer));
}

fn passes(c: &mut Criterion, (name, x, w, stride, padding, groups): Layer) {
    let g = Geometry::default().stride([stride; 2]).padding([padding; 2]).groups(groups);
    let mut rng = Generator::new(0, 0);
    let mut draw = |shape| Tensor::from_fn(shape, |_| rng.normal() as f32);
    let (x, w) = (draw(x.into()), draw(w.into()));
    let dy = draw(g.output_shape(x.shape(), w.shape()));
    let flops = (2 * dy.len() * w.len() / w.dims::<4>()[0]) as f64;
    let work = Work { flops, bytes: (size_of::<f32>() * (x.len() + w.len() + dy.len())) as f64 };
    let isa = Isa::current();
    measure(c, &format!("{name}/forward"), work, || blocked::forward(isa, &x, &w, g));
    measure(c, &format!("{name}/grad_input"), work, || blocked::grad_input(isa, &dy, &w, x.shape(), g));
    measure(c, &format!("{name}/grad_weights"), work, || blocked::grad_weights(isa, &dy, &x, w.shape(), g));
    if winograd::fits(w.shape(), g) {
        let name = format!("{name}/Winograd");
        measure(c, &format!("{name}/forward"), work, || winograd::forward(isa, &x, &w, g));
        measure(c, &format!("{name}/grad_input"), work, || winograd::grad_input(isa, &dy, &w, x.shape(), g));
        measure(c, &format!("{name}/grad_weights"), work, || {
            winograd::grad_weights(isa, &dy, &x, w.shape(), g)
        });
    }
}

criterion_group! {
    name = kernels;
    config = short();
    targets = layers
}
criterion_main!(kernels);
