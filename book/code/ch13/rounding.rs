//! Rounding: how far each form is from the exact sum, in `f32`, beside a prediction.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::mean,
    },
    forms::{distance, scientific},
    points::{CHOICES, Maps, Matrix, cancellation},
};
use residual::{
    Tensor,
    ops::conv2d::{Geometry, blocked, naive, winograd},
    rng::Generator,
    simd::Isa,
};

pub fn run(budget: Budget, report: &mut Report) {
    crates_forms(budget, report);
    let tiles = if budget == Budget::Quick { 40 } else { 400 };
    report.part("points", |report| choices(report, tiles));
    if budget != Budget::Quick {
        report.figure("ch13-points", curve(tiles));
    }
}

/// The crate's own forms on pictures.
fn crates_forms(budget: Budget, report: &mut Report) {
    let side = if budget == Budget::Quick { 8 } else { 16 };
    let g = Geometry::default().padding([1, 1]);
    let mut worst = 0.0f64;
    let mut found = Vec::new();
    for channels in [16, 64, 256] {
        let of_seed = |seed: u64| {
            let rng = &mut Generator::new(seed, 13);
            let mut draw = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.normal() as f32);
            let (x, w) = (draw([1, side, side, channels]), draw([16, channels, 3, 3]));
            let exact = naive::forward(&x.cast::<f64>(), &w.cast::<f64>(), g);
            let isa = Isa::current();
            [naive::forward(&x, &w, g), blocked::forward(isa, &x, &w, g), winograd::forward(isa, &x, &w, g)]
                .map(|y| distance(&y, &exact))
        };
        let seeds = [0, 1, 2].map(of_seed);
        worst = seeds.iter().map(|seed| seed[2]).fold(worst, f64::max);
        found.push([0, 1, 2].map(|form| mean(&seeds.map(|seed| seed[form]))));
    }
    report.part("errors", |report| {
        let row = |(form, name): (usize, &str)| {
            let cells = found.iter().map(|errors| format!("≈{:.1e}", errors[form]));
            [vec![name.to_string()], cells.collect()].concat()
        };
        let rows: Vec<_> = [(0, "the definition"), (1, "blocks"), (2, "Winograd")].map(row).to_vec();
        report.table(&["distance from f64", "16 channels", "64", "256"], &rows);
    });
    report.value("error-blocks", scientific(found[1][1]));
    report.value("error-winograd", scientific(found[1][2]));
    report.claim("Winograd's error stays below 1e-5 for three seeds and up to 256 channels", worst < 1e-5);
    report.claim("it is below three times that of the definition", {
        found.iter().all(|[definition, _, winograd]| *winograd < 3.0 * definition)
    });
}

/// Square numbers of `f32`, row by row.
type Square = Vec<Vec<f32>>;

/// `m x mᵀ`, rounded after each multiplication and each addition.
fn both(m: &Matrix, x: &Square) -> Square {
    let along = |lines: &Square| -> Square {
        let of_line = |line: &Vec<f32>| {
            m.iter().map(|row| row.iter().zip(line).map(|(&m, &x)| m as f32 * x).sum()).collect()
        };
        lines.iter().map(of_line).collect()
    };
    let turned = |lines: &Square| -> Square {
        (0..lines[0].len()).map(|j| lines.iter().map(|line| line[j]).collect()).collect()
    };
    turned(&along(&turned(&along(x))))
}

fn zeros<T: Copy + Default>(side: usize) -> Vec<Vec<T>> {
    vec![vec![T::default(); side]; side]
}

/// Relative errors of so many tiles by Winograd and by the definition, both summed channel after channel in `f32`.
fn tile_errors(maps: &Maps, outputs: usize, channels: usize, tiles: usize, seed: u64) -> [f64; 2] {
    let rng = &mut Generator::new(seed, 14);
    let n = outputs + 2;
    let mut square = |side: usize| -> Square {
        (0..side).map(|_| (0..side).map(|_| rng.normal() as f32).collect()).collect()
    };
    let filters: Vec<_> = (0..channels).map(|_| square(3)).collect();
    let mapped: Vec<_> = filters.iter().map(|g| both(&maps.filter, g)).collect();
    let (mut apart, mut size) = ([0.0; 2], 0.0);
    for _ in 0..tiles {
        let (mut exact, mut direct, mut sums) = (zeros::<f64>(outputs), zeros::<f32>(outputs), zeros(n));
        for (g, u) in filters.iter().zip(&mapped) {
            let d = square(n);
            let v = both(&maps.input, &d);
            each(n, |i, j| sums[i][j] += u[i][j] * v[i][j]);
            each(outputs, |i, j| {
                each(3, |k, l| {
                    direct[i][j] += g[k][l] * d[i + k][j + l];
                    exact[i][j] += f64::from(g[k][l]) * f64::from(d[i + k][j + l]);
                });
            });
        }
        let y = both(&maps.output, &sums);
        each(outputs, |i, j| {
            for (apart, y) in apart.iter_mut().zip([y[i][j], direct[i][j]]) {
                *apart += (f64::from(y) - exact[i][j]).powi(2);
            }
            size += exact[i][j].powi(2);
        });
    }
    apart.map(|apart| (apart / size).sqrt())
}

/// Every place of a square.
fn each(side: usize, mut f: impl FnMut(usize, usize)) {
    for i in 0..side {
        for j in 0..side {
            f(i, j);
        }
    }
}

/// How much larger Winograd's error is than that of the definition: the mean over three seeds.
fn ratio(maps: &Maps, outputs: usize, channels: usize, tiles: usize) -> f64 {
    let of_seed = |seed| {
        let [winograd, direct] = tile_errors(maps, outputs, channels, tiles / channels.isqrt(), seed);
        winograd / direct
    };
    mean(&[0, 1, 2].map(of_seed))
}

// ANCHOR: predicted
/// The terms are so much larger than their sum, and there are nine times fewer.
fn predicted(maps: &Maps) -> f64 {
    cancellation(maps) / 9.0f64.sqrt()
}
// ANCHOR_END: predicted

fn choices(report: &mut Report, tiles: usize) {
    let mut near = true;
    let mut at_64 = Vec::new();
    let row = |(name, points, outputs): (&str, &[f64], usize)| {
        let maps = Maps::new(points, outputs, 3);
        let ratios = [16, 64, 256].map(|channels| ratio(&maps, outputs, channels, tiles));
        near &= ratios.iter().all(|r| (0.5..2.0).contains(&(r / predicted(&maps))));
        at_64.push(ratios[1]);
        let fewer = (3 * outputs).pow(2) as f64 / (outputs + 2).pow(2) as f64;
        let cells = ratios.map(|r| format!("~{r:.1}"));
        let before = [name.to_string(), format!("{fewer:.2}"), format!("{:.1}", cancellation(&maps))];
        let predicted = format!("{:.1}", predicted(&maps));
        [before.to_vec(), vec![predicted], cells.to_vec()].concat()
    };
    let rows: Vec<_> = CHOICES.map(row).to_vec();
    report.table(
        &["tile and points", "times fewer", "cancellation", "predicted", "16 channels", "64", "256"],
        &rows,
    );
    report.value("predicted-ours", &rows[1][3]);
    report.value("predicted-usual", &rows[2][3]);
    report.value("cancellation-ours", &rows[1][2]);
    report.value("cancellation-usual", &rows[2][2]);
    report.value("measured-ours", &rows[1][5]);
    report.value("measured-usual", &rows[2][5]);
    report.value("measured-small", &rows[0][5]);
    report.value("measured-large", &rows[3][5]);
    report.claim("measured errors are within a factor of two of the prediction", near);
    report.claim("the usual points have far more error than the crate's", at_64[2] > 1.7 * at_64[1]);
    report.claim("F(2x2) has a smaller error than the definition", at_64[0] < 0.9);
}

/// The error of F(4x4) over where the outer points lie.
fn curve(tiles: usize) -> String {
    let places: Vec<_> = (0..=18).map(|i| 1.1 + 0.1 * f64::from(i)).collect();
    let line = |label: &str, color, inner: fn(f64) -> f64, theory: bool| {
        let of = |&b: &f64| {
            let a = inner(b);
            let maps = Maps::new(&[0.0, a, -a, b, -b], 4, 3);
            (b, if theory { predicted(&maps) } else { ratio(&maps, 4, 64, tiles) })
        };
        Line { label: label.into(), color, dashed: theory, points: places.iter().map(of).collect() }
    };
    let chart = Chart {
        title: "Error of F(4x4, 3x3) beside the direct form's, over the outer points b: lowest near 1.5 with inner points \
                1/b; with inner points 1 it is higher everywhere"
            .into(),
        x: Axis { label: "b", range: [1.0, 3.0], log: false },
        y: Axis { label: "error, times that of the definition", range: [1.0, 20.0], log: true },
        lines: vec![
            line("±1, ±b", 2, |_| 1.0, false),
            line("±1/b, ±b", 1, |b| 1.0 / b, false),
            line("", 2, |_| 1.0, true),
            line("", 1, |b| 1.0 / b, true),
        ],
        label_width: 90.0,
    };
    chart.svg()
}
