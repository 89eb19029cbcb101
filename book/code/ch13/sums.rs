//! Sums on several threads: which cut can be seen in the result.

use super::common::{Report, record::ends};
use rayon::ThreadPoolBuilder;
use residual::{
    Tensor,
    ops::conv2d::{self, Geometry},
    rng::Generator,
};

// ANCHOR: cut
/// The sum of `xs`, cut into equal parts that are summed apart and then together.
fn sum_in(parts: usize, xs: &[f32]) -> f32 {
    let parts = xs.chunks(xs.len().div_ceil(parts));
    parts.map(|part| part.iter().sum::<f32>()).sum()
}
// ANCHOR_END: cut

/// What `f` returns in a pool of so many threads.
fn with<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started").install(f)
}

pub fn run(report: &mut Report) {
    let rng = &mut Generator::new(16, 0);
    let xs: Vec<_> = (0..100_000).map(|_| rng.uniform() as f32).collect();
    let exact: f64 = xs.iter().copied().map(f64::from).sum();
    report.part("cuts", |report| {
        let row = |threads: usize| [threads, 16].map(|parts| format!("{:.4}", sum_in(parts, &xs))).to_vec();
        let row = |threads: usize| [vec![threads.to_string()], row(threads)].concat();
        let rows: Vec<_> = [1, 2, 3, 4, 8].map(row).to_vec();
        report.table(&["threads", "a part for each", "always 16 parts"], &rows);
        report.line(format!("exact: {exact:.4}"));
    });
    let sums = [1, 2, 3, 4, 8].map(|parts| f64::from(sum_in(parts, &xs)));
    let (low, high) = ends(&sums);
    report.claim("a part for each thread gives a result for each number of threads", {
        low < high && sums.windows(2).all(|pair| pair[0] != pair[1])
    });

    let mut draw = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.normal() as f32);
    let (x, w, dy) = (draw([6, 24, 24, 32]), draw([32, 32, 3, 3]), draw([6, 24, 24, 32]));
    let g = Geometry::default().padding([1, 1]);
    let passes = |threads: usize| {
        with(threads, || {
            let y = conv2d::forward(&x, &w, g);
            (y, conv2d::grad_input(&dy, &w, x.shape(), g), conv2d::grad_weights(&dy, &x, w.shape(), g))
        })
    };
    let one = passes(1);
    report.claim("outputs and gradients of a convolution are the same bits on 1, 2, 3 and 8 threads", {
        [2, 3, 8].into_iter().all(|threads| passes(threads) == one)
    });
}
