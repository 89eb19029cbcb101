//! The same products in another order.

use super::common::{
    Report,
    chart::{Axis, Chart, Line},
};
use residual::rng::Generator;

/// Products of one output of a 3x3 convolution between 64 channels.
const N: usize = 576;
/// Outputs that are looked at.
const DRAWS: usize = 4_000;
/// Unit roundoff of f32: half of the step from 1 to the next number.
const U: f64 = (f32::EPSILON / 2.0) as f64;

// ANCHOR: orders
/// One after another.
fn in_order(products: &[f32]) -> f32 {
    products.iter().fold(0.0, |sum, p| sum + p)
}

/// The same from the end.
fn from_the_end(products: &[f32]) -> f32 {
    products.iter().rev().fold(0.0, |sum, p| sum + p)
}

/// Sixteen sums side by side, as vector instructions make them, added up by halves.
fn in_lanes(products: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for row in products.chunks_exact(16) {
        lanes.iter_mut().zip(row).for_each(|(lane, p)| *lane += p);
    }
    by_halves(&lanes)
}

/// The sum of one half and the sum of the other, each made so.
fn by_halves(products: &[f32]) -> f32 {
    match products {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            by_halves(left) + by_halves(right)
        }
    }
}
// ANCHOR_END: orders

/// One way of summing up.
struct Order {
    name: &'static str,
    sum: fn(&[f32]) -> f32,
    /// What the theory says of its error, in units of u √n.
    theory: f64,
}

/// The error of one rounding, in units of u: the root of its mean square, over numbers of which every power of two
/// has as many.
fn of_one_rounding() -> f64 {
    (3.0 / 8.0 / 2f64.ln() / 3.0).sqrt()
}

pub fn run(report: &mut Report) {
    let c = of_one_rounding();
    let n = N as f64;
    let halves = n.log2().ceil();
    let lanes = ((n / 16.0) / 2.0 + 4.0) / n;
    let orders = [
        Order { name: "one after another", sum: in_order, theory: c / 2f64.sqrt() },
        Order { name: "from the end", sum: from_the_end, theory: c / 2f64.sqrt() },
        Order { name: "in 16 lanes", sum: in_lanes, theory: c * lanes.sqrt() },
        Order { name: "by halves", sum: by_halves, theory: c * (halves / n).sqrt() },
    ];
    let mut errors = vec![Vec::new(); orders.len()];
    let mut apart = 0;
    // (n - 1) u Σ|p|, which no order can exceed, in the same units; the smallest of all draws.
    let mut bound = f64::INFINITY;
    let rng = &mut Generator::new(15, 0);
    for _ in 0..DRAWS {
        let products: Vec<f32> = (0..N).map(|_| (rng.normal() * rng.normal()) as f32).collect();
        let exact: f64 = products.iter().map(|&p| f64::from(p)).sum();
        let length = products.iter().map(|&p| f64::from(p).powi(2)).sum::<f64>().sqrt();
        let sizes: f64 = products.iter().map(|&p| f64::from(p.abs())).sum();
        bound = bound.min((n - 1.0) * sizes / length / n.sqrt());
        let sums = orders.each_ref().map(|order| (order.sum)(&products));
        apart += usize::from(sums[0].to_bits() != sums[2].to_bits());
        for (errors, sum) in errors.iter_mut().zip(sums) {
            errors.push((f64::from(sum) - exact) / length / (U * n.sqrt()));
        }
    }
    let spread = |errors: &[f64]| (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
    let found: Vec<_> = errors.iter().map(|errors| spread(errors)).collect();
    report.part("orders", |report| {
        let rows = orders.iter().zip(&found).map(|(order, found)| {
            vec![order.name.into(), format!("{found:.3}"), format!("{:.3}", order.theory)]
        });
        report.table(&["order", "error / (u √n)", "theory"], &rows.collect::<Vec<_>>());
    });
    report.value("orders-apart", format!("{:.0}", 100.0 * apart as f64 / DRAWS as f64));
    report.value("order-first", format!("{:.2}", found[0]));
    report.value("order-lanes", format!("{:.2}", found[2]));
    report.value("one-rounding", format!("{c:.3}"));
    report.claim("the theory is right within a quarter", {
        orders.iter().zip(&found).all(|(order, found)| (found / order.theory - 1.0).abs() < 0.25)
    });
    report.claim("most sums differ between two orders", apart > DRAWS / 2);
    let largest = errors.iter().flatten().fold(0f64, |most, error| most.max(error.abs()));
    report.value("order-largest", format!("{largest:.1}"));
    report.value("order-bound", format!("{bound:.0}"));
    report.claim("no error is a fiftieth of the bound that is sure", largest < bound / 50.0);
    report.figure("ch15-orders", histogram(&orders, &errors));
}

fn histogram(orders: &[Order], errors: &[Vec<f64>]) -> String {
    const BINS: usize = 60;
    const REACH: f64 = 1.2;
    let width = 2.0 * REACH / BINS as f64;
    let line = |(i, (order, errors)): (usize, (&Order, &Vec<f64>))| {
        let mut counts = [0usize; BINS];
        for error in errors {
            let bin = ((error + REACH) / width).floor();
            if (0.0..BINS as f64).contains(&bin) {
                counts[bin as usize] += 1;
            }
        }
        let points = counts.iter().enumerate().flat_map(|(bin, &count)| {
            let left = -REACH + bin as f64 * width;
            let share = 100.0 * count as f64 / errors.len() as f64;
            [(left, share), (left + width, share)]
        });
        Line { label: order.name.into(), color: i + 1, dashed: false, points: points.collect() }
    };
    let shown = orders.iter().zip(errors).enumerate().filter(|(i, _)| *i != 1).map(line);
    Chart {
        title:
            "Errors of 4,000 sums of 576 products in three orders: the more sums side by side, the narrower"
                .into(),
        x: Axis { label: "error / (u √n), of the products' length", range: [-REACH, REACH], log: false },
        y: Axis { label: "% of the sums", range: [0.0, 30.0], log: false },
        lines: shown.collect(),
        label_width: 130.0,
    }
    .svg()
}
