//! The figures of chapter 12.

use super::{
    common::{
        chart::{Axis, Chart, Line, color, drawing, escaped},
        record::{Record, mean},
    },
    thimble::Design,
};
use std::fmt::Write;

/// Of every figure.
const WIDTH: f64 = 560.0;
const INK: &str = "var(--fg, #222)";

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{INK}\">{}</text>",
        escaped(text)
    )
    .expect("strings take every write");
}

/// A filled area of a matrix.
fn area(svg: &mut String, [x, y, width, height]: [f64; 4], ink: usize) {
    writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\" fill-opacity=\"0.75\"/>",
        color(ink)
    )
    .expect("strings take every write");
}

/// The three matrices of a block as the product is written, W3·W2·W1, for three cardinalities.
pub fn blocks() -> String {
    const CELL: f64 = 2.5;
    const CHANNELS: f64 = 64.0;
    let title = "Three blocks of equal cost as matrices: one dense 16 by 16 middle; four squares of 6 by 6 on a \
                 diagonal; a diagonal of 32";
    drawing([WIDTH, 3.0 * 196.0], title, |svg| {
        for (row, (paths, width)) in [(1, 16), (4, 6), (32, 1)].into_iter().enumerate() {
            let top = row as f64 * 196.0 + 30.0;
            let middle = top + CHANNELS * CELL / 2.0;
            let side = (paths * width) as f64 * CELL;
            let [third, second, first] = [70.0, 70.0 + 32.0 * CELL + 44.0, 70.0 + 64.0 * CELL + 88.0];
            let label = if paths == 1 { "1 path".into() } else { format!("{paths} paths") };
            text(svg, (0.0, middle - 4.0), "start", &label);
            text(svg, (0.0, middle + 14.0), "start", &format!("of {width}"));
            area(svg, [third, top, side, CHANNELS * CELL], 3);
            for path in 0..paths {
                let at = (path * width) as f64 * CELL;
                let block = width as f64 * CELL;
                area(svg, [second + at, middle - side / 2.0 + at, block, block], 2);
            }
            area(svg, [first, middle - side / 2.0, CHANNELS * CELL, side], 1);
            text(svg, (third, top - 10.0), "start", &format!("W3, 64x{}", paths * width));
            text(svg, (second, top - 10.0), "start", &format!("W2, {0}x{0}", paths * width));
            text(svg, (first, top - 10.0), "start", &format!("W1, {}x64", paths * width));
            text(svg, (first + 172.0, middle - 4.0), "start", &weights(paths, width));
            text(svg, (first + 172.0, middle + 14.0), "start", "weights");
        }
    })
}

fn weights(paths: usize, width: usize) -> String {
    super::thousands((paths * (128 * width + 9 * width * width)) as u64)
}

/// A box with a name.
fn boxed(svg: &mut String, (x, y): (f64, f64), width: f64, label: &str, ink: usize) {
    writeln!(
        svg,
        "<rect x=\"{0:.1}\" y=\"{y:.1}\" width=\"{width}\" height=\"24\" rx=\"4\" fill=\"var(--bg, #fff)\"/>\n\
         <rect x=\"{0:.1}\" y=\"{y:.1}\" width=\"{width}\" height=\"24\" rx=\"4\" fill=\"{1}\" fill-opacity=\"0.18\" stroke=\"{1}\"/>",
        x - width / 2.0,
        color(ink)
    )
    .expect("strings take every write");
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"middle\" fill=\"{INK}\">{}</text>",
        y + 16.0,
        escaped(label)
    )
    .expect("strings take every write");
}

fn wire(svg: &mut String, path: &str) {
    writeln!(svg, "<path d=\"{path}\" stroke=\"{INK}\" stroke-opacity=\"0.6\" fill=\"none\"/>")
        .expect("strings take every write");
}

/// The forms of a block side by side, with three of the paths drawn.
pub fn forms() -> String {
    let title = "Split, concatenated and grouped form of one block";
    drawing([WIDTH, 270.0], title, |svg| {
        for (form, (name, centre)) in
            [("(a) split", 93.0), ("(b) concatenated", 280.0), ("(c) grouped", 467.0)].into_iter().enumerate()
        {
            text(svg, (centre, 16.0), "middle", name);
            wire(svg, &format!("M{centre} 26V40"));
            wire(svg, &format!("M{centre} 226V244"));
            text(svg, (centre, 262.0), "middle", "+ x");
            if form == 2 {
                wire(svg, &format!("M{centre} 40V226"));
                boxed(svg, (centre, 62.0), 120.0, "1x1, C·d", 1);
                boxed(svg, (centre, 116.0), 120.0, "3x3, C groups", 2);
                boxed(svg, (centre, 170.0), 120.0, "1x1, D", 3);
                continue;
            }
            for path in [-60.0, 0.0, 60.0] {
                let x = centre + path;
                let end = if form == 0 { 226.0 } else { 158.0 };
                wire(svg, &format!("M{centre} 40H{x}V{end}H{centre}"));
                boxed(svg, (x, 62.0), 52.0, "1x1, d", 1);
                boxed(svg, (x, 116.0), 52.0, "3x3, d", 2);
                if form == 0 {
                    boxed(svg, (x, 170.0), 52.0, "1x1, D", 3);
                }
            }
            if form == 0 {
                text(svg, (centre + 10.0, 222.0), "start", "+");
            } else {
                wire(svg, &format!("M{centre} 158V226"));
                boxed(svg, (centre, 182.0), 120.0, "1x1, D", 3);
                text(svg, (centre + 8.0, 173.0), "start", "concat");
            }
        }
    })
}

/// Accuracy against the number of paths: a tick for each seed, a line through the means.
pub fn cardinality(record: &Record, designs: &[Design]) -> String {
    let tick = |paths: f64, accuracy: f64| Line {
        label: String::new(),
        color: 1,
        dashed: false,
        points: vec![(paths / 1.08, accuracy), (paths * 1.08, accuracy)],
    };
    let mut lines: Vec<_> = (designs.iter())
        .flat_map(|design| {
            record.accuracies(&design.name()).into_iter().map(|a| tick(design.paths as f64, a))
        })
        .collect();
    let means = designs.iter().map(|design| (design.paths as f64, mean(&record.accuracies(&design.name()))));
    lines.push(Line { label: "mean".into(), color: 2, dashed: true, points: means.collect() });
    let all = || record.runs.iter().map(|run| run.accuracy);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    Chart {
        title: "Accuracy on unseen pictures against the number of paths, at equal cost, twelve seeds each"
            .into(),
        x: Axis { label: "paths C", range: [0.8, 40.0], log: true },
        y: Axis {
            label: "% of unseen pictures right",
            range: [(low - 0.2).floor(), (high + 0.2).ceil()],
            log: false,
        },
        lines,
        label_width: 60.0,
    }
    .svg()
}
