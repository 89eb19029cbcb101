//! Winograd's filtering from any points: the matrices that Toom and Cook's multiplication of polynomials gives.

use super::common::{Report, thousands};

/// A matrix by rows.
pub type Matrix = Vec<Vec<f64>>;

/// Aᵀ, G and Bᵀ of F(outputs, taps): y = Aᵀ [(G g) ⊙ (Bᵀ d)].
pub struct Maps {
    pub output: Matrix,
    pub filter: Matrix,
    pub input: Matrix,
}

// ANCHOR: maps
/// The coefficients, lowest first, of (t - root) for each root, multiplied.
fn product(roots: impl Iterator<Item = f64>) -> Vec<f64> {
    roots.fold(vec![1.0], |p, root| {
        let shifted = [0.0].iter().chain(&p);
        let scaled = p.iter().map(|c| -root * c).chain([0.0]);
        shifted.zip(scaled).map(|(a, b)| a + b).collect()
    })
}

impl Maps {
    /// From the points but infinity, which comes last.
    pub fn new(points: &[f64], outputs: usize, taps: usize) -> Self {
        let n = outputs + taps - 1;
        assert_eq!(points.len() + 1, n, "F({outputs}, {taps}) takes {n} points, infinity among them");
        let powers = |t: f64, count: usize| (0..count).map(|k| t.powi(k as i32)).collect::<Vec<_>>();
        let last = |count: usize| powers(0.0, count).into_iter().rev().collect::<Vec<_>>();
        let (mut input, mut filter, mut values) = (Matrix::new(), Matrix::new(), Matrix::new());
        for &t in points {
            let others = || points.iter().copied().filter(move |&other| other != t);
            let n_i: f64 = others().map(|other| t - other).product();
            input.push([product(others()), vec![0.0]].concat());
            filter.push(powers(t, taps).iter().map(|power| power / n_i).collect());
            values.push(powers(t, outputs));
        }
        input.push(product(points.iter().copied()));
        filter.push(last(taps));
        values.push(last(outputs));
        Self { output: transposed(&values), filter, input }
    }
}
// ANCHOR_END: maps

pub fn transposed(m: &Matrix) -> Matrix {
    (0..m[0].len()).map(|j| m.iter().map(|row| row[j]).collect()).collect()
}

/// A name, the points but infinity, and how many outputs along an axis, of a 3x3 filter.
pub type Choice = (&'static str, &'static [f64], usize);

const R: f64 = std::f64::consts::FRAC_1_SQRT_2;
pub const CHOICES: [Choice; 4] = [
    ("F(2x2): 0, ±1", &[0.0, 1.0, -1.0], 2),
    ("F(4x4): 0, ±1/√2, ±√2", &[0.0, R, -R, 2.0 * R, -2.0 * R], 4),
    ("F(4x4): 0, ±1, ±2", &[0.0, 1.0, -1.0, 2.0, -2.0], 4),
    ("F(6x6): 0, ±1, ±2, ±1/2", &[0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5], 6),
];

/// How much larger the terms of an output are than the output, root mean square, for independent inputs.
// ANCHOR: cancellation
pub fn cancellation(maps: &Maps) -> f64 {
    let squares = |row: &Vec<f64>| row.iter().map(|x| x * x).sum::<f64>();
    let taps = maps.filter[0].len() as f64;
    let of_output = |row: &Vec<f64>| {
        let terms = row.iter().zip(&maps.filter).zip(&maps.input);
        terms.map(|((a, g), b)| a * a * squares(g) * squares(b)).sum::<f64>() / taps
    };
    // Along one axis the mean of the squares; along both, its square, and the root of that.
    maps.output.iter().map(of_output).sum::<f64>() / maps.output.len() as f64
}
// ANCHOR_END: cancellation

/// Prints the maps of F(4, 3) from two choices of points, and checks that each filters.
pub fn run(report: &mut Report) {
    let filters = CHOICES.iter().all(|(_, points, outputs)| is_filter(&Maps::new(points, *outputs, 3)));
    report.claim("every choice of points filters, to 1e-12 in f64", filters);
    let by_hand = Maps::new(CHOICES[0].1, 2, 3);
    report.claim("F(2, 3) is the one made by hand", {
        let expected = [[0.0, 1.0, 1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, -1.0, 0.0, 1.0]];
        // By hand, the sign of the first row went to the input.
        by_hand.input[0] == [-1.0, 0.0, 1.0, 0.0]
            && by_hand.input[1..].iter().zip(expected).all(|(row, hand)| *row == hand)
            && by_hand.filter[1] == [0.5, 0.5, 0.5]
            && by_hand.output == [[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 1.0]]
    });
    let without = cancellation(&Maps::new(&[0.0, 1.0, 2.0, 3.0, 4.0], 4, 3));
    report.value("cancellation-without", thousands(without.round() as u64));
    report.claim("points without pairs cancel ten thousand times more", without > 5e4);
    report.part("matrices", |report| {
        for (name, points, outputs) in [CHOICES[1], CHOICES[2]] {
            let maps = Maps::new(points, outputs, 3);
            report.line(name);
            let rows: Vec<_> = (0..6)
                .map(|i| {
                    let numbers = |row: &[f64]| row.iter().map(|x| number(*x)).collect::<Vec<_>>();
                    let column: Vec<_> = maps.output.iter().map(|row| row[i]).collect();
                    [vec![String::new()], numbers(&maps.input[i]), vec!["|".into()]]
                        .into_iter()
                        .chain([numbers(&maps.filter[i]), vec!["|".into()], numbers(&column)])
                        .flatten()
                        .collect()
                })
                .collect();
            let header = ["", "Bᵀ", "", "", "", "", "", "|", "G", "", "", "|", "A", "", "", ""];
            report.table(&header, &rows);
        }
    });
    counts(report);
}

fn number(x: f64) -> String {
    let text = format!("{x:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.replace('-', "−") }
}

/// Whether the maps compute y[k] = Σ g[j] d[k + j].
fn is_filter(maps: &Maps) -> bool {
    let [taps, n] = [maps.filter[0].len(), maps.input.len()];
    let some = |i: usize| ((i * i * 31 + i * 17) % 23) as f64 - 11.0;
    let (g, d): (Vec<_>, Vec<_>) = ((0..taps).map(|i| some(i + 3)).collect(), (0..n).map(some).collect());
    let [u, v] = [(&maps.filter, &g), (&maps.input, &d)].map(|(map, x)| applied(map, x));
    let products: Vec<_> = u.iter().zip(&v).map(|(u, v)| u * v).collect();
    applied(&maps.output, &products).iter().enumerate().all(|(k, y)| {
        let direct: f64 = (0..taps).map(|j| g[j] * d[k + j]).sum();
        (y - direct).abs() < 1e-12 * (1.0 + direct.abs()) * 100.0
    })
}

fn applied(map: &Matrix, x: &[f64]) -> Vec<f64> {
    map.iter().map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
}

/// Multiply-adds of a tile's maps in `src/kernels/winograd.rs`: along one axis Bᵀ takes 12 and Aᵀ takes 12. Along both,
/// Bᵀ is applied to 12 lines, and Aᵀ to 10.
const INPUT: u64 = 12 * 12;
const OUTPUT: u64 = 12 * 10;

/// Multiply-adds of a tile of 4x4 outputs with all its channels.
fn counts(report: &mut Report) {
    report.part("products", |report| {
        let row = |channels: u64| {
            let [direct, products] = [144, 36].map(|each| each * channels * channels);
            let maps = (INPUT + OUTPUT) * channels;
            let numbers = [direct, products, maps].map(thousands);
            let gain = direct as f64 / (products + maps) as f64;
            [vec![channels.to_string()], numbers.to_vec(), vec![format!("{gain:.2}")]].concat()
        };
        let rows: Vec<_> = [1, 4, 16, 64, 256].map(row).to_vec();
        report.table(&["channels", "direct", "products", "maps", "times fewer"], &rows);
        report.value("gain-one", &rows[0][4]);
        report.value("gain-64", &rows[3][4]);
        report.claim(
            "with many channels it is four times fewer",
            rows[4][4].starts_with("3.8") || rows[4][4].starts_with("3.9"),
        );
        report.claim("with one channel it is hardly any", rows[0][4].starts_with("0."));
    });
}
