//! Time beside the rate at which this core multiplies and adds.
#![allow(dead_code, reason = "each benchmark uses its part")]

use criterion::Criterion;
use residual::{kernels::peak, simd::Isa};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// What one call of the measured code does.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Operations; a multiply-add is two.
    pub flops: f64,
    /// Bytes of all tensors that go in and come out, each counted once.
    pub bytes: f64,
}

/// Alternates `pass` and the peak, so that both see the same clock, and prints medians.
pub fn measure<R>(c: &mut Criterion, name: &str, work: Work, mut pass: impl FnMut() -> R) {
    let (mut seconds, mut peaks) = (Vec::new(), Vec::new());
    c.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| {
            let mut total = Duration::ZERO;
            for _ in 0..rounds {
                peaks.push(peak::flops::<f32>(Isa::current()));
                let start = Instant::now();
                black_box(pass());
                let took = start.elapsed();
                seconds.push(took.as_secs_f64());
                total += took;
            }
            total
        });
    });
    if !seconds.is_empty() {
        let (seconds, peak) = (median(seconds), median(peaks));
        let [rate, moved, peak] = [work.flops / seconds, work.bytes / seconds, peak].map(|x| x / 1e9);
        println!(
            "{name:48} {rate:7.1} GFLOP/s, {moved:5.1} GB/s, {:3.0} % of one thread's FMA peak of {peak:.0}\n",
            100.0 * rate / peak
        );
    }
}

fn median(mut xs: Vec<f64>) -> f64 {
    xs.sort_by(f64::total_cmp);
    xs[xs.len() / 2]
}

/// Short: a run of a benchmark is many of these.
pub fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}
