//! What is timed: the ladder, other layers, tiles. In a record with `--full`, and quickly wherever this runs.

use super::{
    common::{Budget, Report, record::Record},
    counts::{LADDER, Layer, OTHERS},
    forms::{as_product, inputs_innermost, outputs_innermost},
    machine::{self, on_core, shortest},
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use residual::{
    Tensor,
    kernels::{peak, tile},
    ops::{
        conv2d::{self, Filters, Geometry, blocked, im2col, naive, winograd},
        linear,
    },
    rng::Generator,
    simd::Isa,
};
use std::time::Instant;

/// A form of the ladder's layer, on so many threads.
struct Rung<'a> {
    name: String,
    threads: usize,
    form: Box<dyn Fn() -> Tensor + Sync + 'a>,
    /// How often the form has to run to be done with all pictures.
    times: usize,
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started")
}

fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// All forms. A direct one treats each picture by itself, and on one thread it is timed with the first of `x`: what is
/// over sooner is disturbed less often.
fn rungs<'a>(x: &'a Tensor, first: &'a Tensor, w: &'a Tensor) -> Vec<Rung<'a>> {
    let g = Geometry::default().padding([1, 1]);
    let (isa, all, pictures) = (Isa::current(), all_threads(), x.len() / first.len());
    let mut rungs = Vec::new();
    let mut add = |name: &str, threads: usize, form: Box<dyn Fn() -> Tensor + Sync + 'a>| {
        let times = if name.contains("all threads") || name == "Winograd" { 1 } else { pictures };
        rungs.push(Rung { name: name.into(), threads, form, times });
    };
    add("the definition", 1, Box::new(move || naive::forward(first, w, g)));
    add("inputs innermost", 1, Box::new(move || inputs_innermost(first, w, 1)));
    add("outputs innermost", 1, Box::new(move || outputs_innermost(first, w, 1)));
    add("im2col, row by row", 1, Box::new(move || im2col::forward(first, w, g)));
    add("im2col, matrix product", 1, Box::new(move || as_product(first, w, 1)));
    for isa in Isa::available() {
        add(&format!("blocks, {isa}"), 1, Box::new(move || blocked::forward(isa, first, w, g)));
    }
    add("Winograd", 1, Box::new(move || winograd::forward(isa, x, w, g)));
    add("blocks, all threads", all, Box::new(move || blocked::forward(isa, x, w, g)));
    add("Winograd, all threads", all, Box::new(move || winograd::forward(isa, x, w, g)));
    rungs
}

fn drawn(layer: Layer) -> [Tensor; 2] {
    let rng = &mut Generator::new(0, 0);
    let Layer { images, side, inputs, outputs, kernel, groups, .. } = layer;
    [[images, side, side, inputs], [outputs, inputs / groups, kernel, kernel]]
        .map(|shape| Tensor::from_fn(shape, |_| rng.normal() as f32))
}

/// What takes so many seconds is not timed more than ten times.
const SLOW: f64 = 0.05;

/// The shortest time of each form in so many rounds, in each of which every form has its turn.
fn ladder(layer: Layer, rounds: usize) -> Vec<(String, usize, f64)> {
    let [x, w] = drawn(layer);
    let [_, h, width, c] = x.dims();
    let first = Tensor::from_vec([1, h, width, c], x.as_slice()[..h * width * c].to_vec());
    let rungs = rungs(&x, &first, &w);
    let pools = [pool(1), pool(all_threads())];
    let mut times = vec![f64::INFINITY; rungs.len()];
    for round in 0..rounds {
        for (rung, time) in rungs.iter().zip(&mut times) {
            if round < 10 || *time < SLOW {
                let took = match rung.threads {
                    1 => pools[0].install(|| on_core(&rung.form)),
                    _ => pools[1].install(|| shortest(1, &rung.form)),
                };
                *time = time.min(took);
            }
        }
    }
    let whole = |(rung, time): (&Rung, f64)| (rung.name.clone(), rung.threads, rung.times as f64 * time);
    rungs.iter().zip(times).map(whole).collect()
}

/// GFLOP/s of a layer in the form that the crate takes for it, on one thread.
fn of_layer(layer: Layer) -> f64 {
    let [x, w] = drawn(layer);
    let g = Geometry::default().padding([layer.kernel / 2; 2]).groups(layer.groups);
    let seconds = pool(1).install(|| match layer.side {
        1 => {
            let [x, w] = [x, w].map(|t| {
                let [rows, columns] = [t.dims::<4>()[0], t.len() / t.dims::<4>()[0]];
                t.reshape([rows, columns])
            });
            shortest(20, || linear::forward(&x, &w))
        }
        _ => shortest(20, || conv2d::forward(&x, &w, g)),
    });
    layer.operations() as f64 / seconds / 1e9
}

/// GFLOP/s of tiles of so many pixels and blocks: a picture as wide as the tile, weights laid out before.
fn of_tile(pixels: usize, blocks: usize) -> f64 {
    let outputs = 16 * blocks;
    let rng = &mut Generator::new(1, 0);
    let mut draw = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.normal() as f32);
    let (x, w) = (draw([1, 256, pixels + 2, 64]), draw([outputs, 64, 3, 3]));
    // With dilation, so that Winograd's form cannot be taken.
    let g = Geometry::default().padding([2, 0]).dilation([2, 1]);
    let filters = Filters::new(&w, g, None, false, x.shape());
    let seconds = pool(1).install(|| shortest(12, || filters.forward(&x)));
    // Rows of padding are left out: two of 256, above and below, lack a third of their taps.
    let operations = 2 * pixels * outputs * 64 * 3 * (3 * 256 - 4);
    operations as f64 / seconds / 1e9
}

/// GFLOP/s of multiply-adds from registers, on one thread and on all together.
fn peaks(isa: Isa) -> [f64; 2] {
    let best = || (0..40).map(|_| peak::flops::<f32>(isa)).fold(0.0, f64::max) / 1e9;
    let together: f64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..all_threads()).map(|_| scope.spawn(best)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0.0)).sum()
    });
    [best(), together]
}

/// The record that the page shows.
pub fn record(report: &mut Report) -> Record {
    eprintln!("about a minute; the machine should have nothing else to do");
    let start = Instant::now();
    let isa = Isa::current();
    let mut rows = Vec::new();
    let mut keep = |kind: &str, name: &str, numbers: Vec<f64>| {
        let rounded = numbers.into_iter().map(|x| format!("{x:.4e}").parse().unwrap_or(x)).collect();
        rows.push((format!("{kind}: {name}"), rounded));
    };
    keep("peak", "one thread, all threads", peaks(isa).to_vec());
    keep("chains", "one number", vec![machine::rate_of_one()]);
    machine::CHAINS.iter().for_each(|&n| keep("chains", &n.to_string(), vec![machine::rate(isa, n)]));
    for (name, bytes) in machine::SIZES {
        keep("read", name, vec![machine::bandwidth(isa, bytes)]);
    }
    for (name, threads, seconds) in ladder(LADDER, 30) {
        let rate = LADDER.operations() as f64 / seconds / 1e9;
        eprintln!("{name}: {:.2} ms, {rate:.2} GFLOP/s", 1e3 * seconds);
        keep("rung", &name, vec![threads as f64, 1e3 * seconds, rate]);
    }
    for layer in OTHERS {
        keep("layer", layer.name, vec![of_layer(layer)]);
    }
    for blocks in 1..=tile::blocks::<f32>(isa) {
        let most = tile::pixels::<f32>(isa, blocks);
        for pixels in 1..=most {
            keep("tile", &format!("{pixels} x {blocks}"), vec![of_tile(pixels, blocks)]);
        }
    }
    report.claim("the record is whole", !rows.is_empty());
    let command = "cargo run --release --example ch13_fast -- --full --write";
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    Record { rows, ..Record::new(command, minutes, Vec::new()) }
}

/// The ladder on this machine, now: printed beside the report, since no two machines agree, and claimed where they do.
pub fn here(budget: Budget, report: &mut Report) {
    let (images, rounds) = if budget == Budget::Quick { (1, 3) } else { (4, 10) };
    let layer = Layer { images, ..LADDER };
    let times = ladder(layer, rounds);
    eprintln!("On this machine, just now, with {images} of the layer's 8 pictures:");
    for (name, _, seconds) in &times {
        let rate = layer.operations() as f64 / seconds / 1e9;
        eprintln!("{name:24} {:9.2} ms {rate:8.2} GFLOP/s", 1e3 * seconds);
    }
    let time = |wanted: &str| times.iter().find(|(name, ..)| name == wanted).map_or(f64::NAN, |rung| rung.2);
    let best = format!("blocks, {}", Isa::current());
    // Wide margins: ten and more are usual, and this machine may be busy.
    report.claim("blocks are three times as fast as the definition", {
        time("the definition") > 3.0 * time(&best)
    });
    report.claim("outputs innermost are faster than inputs innermost, and than the definition", {
        time("the definition").min(time("inputs innermost")) > time("outputs innermost")
    });
}
