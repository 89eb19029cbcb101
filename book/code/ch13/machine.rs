//! What this machine can do: multiply-adds a second by how many do not wait for each other, and bytes a second by where
//! they lie.

use residual::simd::{BLOCK, Block, Isa, Kernel, Simd, Vectorized};
use std::{hint::black_box, time::Instant};

/// The shortest of so many runs, in seconds.
pub fn shortest<R>(runs: usize, mut run: impl FnMut() -> R) -> f64 {
    let time = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

/// The seconds in which this thread has a core while it does `run`, where the system tells; else the seconds that pass.
pub fn on_core<R>(run: impl FnMut() -> R) -> f64 {
    let before = so_far();
    let took = shortest(1, run);
    match (before, so_far()) {
        (Some(before), Some(now)) => took.min(now - before),
        _ => took,
    }
}

/// The seconds in which this thread has had a core so far. Linux tells, and brings them up to date at a yield.
fn so_far() -> Option<f64> {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
}

// ANCHOR: chains
/// So many sums, each waiting for nothing but itself.
struct Chains<const N: usize> {
    steps: usize,
    x: f32,
}

impl<const N: usize> Kernel<f32> for Chains<N> {
    type Output = Block<f32>;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, simd: S) -> Block<f32> {
        let x = simd.splat(self.x);
        let mut sums = [x; N];
        for _ in 0..self.steps / N {
            for sum in &mut sums {
                *sum = simd.mul_add(x, *sum, x);
            }
        }
        total(simd, sums)
    }
}
// ANCHOR_END: chains

/// All lanes of all vectors in one vector, so that none of them is work for nothing.
#[inline(always)]
fn total<S: Simd<f32>, const N: usize>(simd: S, sums: [S::V; N]) -> Block<f32> {
    let (one, mut all) = (simd.splat(1.0), sums[0]);
    for sum in &sums[1..] {
        all = simd.mul_add(one, *sum, all);
    }
    let mut lanes = [0.0; BLOCK];
    simd.store(all, &mut lanes);
    lanes
}

/// How many chains [`rate`] measures.
pub const CHAINS: [usize; 7] = [1, 2, 3, 4, 6, 8, 12];

/// GFLOP/s of vectors in so many chains.
pub fn rate(isa: Isa, chains: usize) -> f64 {
    fn of<const N: usize>(isa: Isa) -> f64 {
        let steps = 480_000;
        let run = || f32::dispatch(isa, Chains::<N> { steps, x: black_box(0.5) });
        (2 * BLOCK * (steps / N * N)) as f64 / shortest(20, run) / 1e9
    }
    match chains {
        1 => of::<1>(isa),
        2 => of::<2>(isa),
        3 => of::<3>(isa),
        4 => of::<4>(isa),
        6 => of::<6>(isa),
        8 => of::<8>(isa),
        12 => of::<12>(isa),
        _ => unreachable!("{chains} chains are not in the table"),
    }
}

/// GFLOP/s of one number at a time, in one chain: a sum of products as you would write it.
pub fn rate_of_one() -> f64 {
    let (x, w) = (black_box(vec![0.5f32; 4096]), black_box(vec![0.25f32; 4096]));
    let run = || {
        for _ in 0..100 {
            black_box(x.iter().zip(&w).map(|(&x, &w)| x * w).sum::<f32>());
        }
    };
    (100 * 2 * x.len()) as f64 / shortest(20, run) / 1e9
}

/// Reads all blocks, in eight sums.
struct Read<'a>(&'a [Block<f32>]);

impl Kernel<f32> for Read<'_> {
    type Output = Block<f32>;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, simd: S) -> Block<f32> {
        let one = simd.splat(1.0);
        let mut sums = [one; 8];
        for blocks in self.0.as_chunks::<8>().0 {
            for (sum, block) in sums.iter_mut().zip(blocks) {
                *sum = simd.mul_add(one, simd.load(block), *sum);
            }
        }
        total(simd, sums)
    }
}

/// What [`bandwidth`] reads: bytes that fit the first cache, the second, the third perhaps, and none.
pub const SIZES: [(&str, usize); 4] =
    [("16 KB", 16 << 10), ("256 KB", 256 << 10), ("4 MB", 4 << 20), ("256 MB", 256 << 20)];

/// Gigabytes a second that one core reads, again and again, from so many bytes: the median over portions of 4 MB.
pub fn bandwidth(isa: Isa, bytes: usize) -> f64 {
    const PORTION: usize = 4 << 20;
    let data = vec![[1.0f32; BLOCK]; bytes / size_of::<Block<f32>>()];
    let piece = bytes.min(PORTION);
    let pieces: Vec<_> = data.chunks(piece / size_of::<Block<f32>>()).collect();
    let read = |blocks: &[Block<f32>]| {
        for _ in 0..PORTION / piece {
            black_box(f32::dispatch(isa, Read(blocks)));
        }
    };
    let passes = 200usize.div_ceil(pieces.len()).max(3);
    let times = (0..passes).flat_map(|_| pieces.iter().map(|blocks| shortest(1, || read(blocks))));
    let mut times: Vec<_> = times.collect();
    times.sort_by(f64::total_cmp);
    PORTION as f64 / times[times.len() / 2] / 1e9
}
