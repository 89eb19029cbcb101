//! The figures of chapter 1.

use super::{
    KERNELS, SIDE,
    common::chart::{Axis, Chart, Line, color},
    grid,
    svg::{Svg, WIDTH},
};
use residual::{Tensor, ops::conv2d::Geometry};

/// A number with a real minus sign.
fn signed(v: f64, digits: usize) -> String {
    format!("{v:.digits$}").replace('-', "−")
}

/// Six kernels, each beside what it makes of the shirt.
pub fn filters(outputs: &[Vec<f32>]) -> String {
    const ROW: f64 = 166.0;
    let mut svg =
        Svg::new(3.0 * ROW, "A plaid shirt under six 3 by 3 kernels, each kernel beside its output");
    for (k, ((name, divisor, numbers), output)) in KERNELS.iter().zip(outputs).enumerate() {
        let (x, y) = ((k % 2) as f64 * 270.0, (k / 2) as f64 * ROW);
        svg.text((x, y + 16.0), "start", name);
        let text = |v: f32| if *divisor == 1.0 { signed(v.into(), 0) } else { format!("{v}/{divisor}") };
        let cells: Vec<_> = numbers.iter().map(|&v| (f64::from(v), text(v))).collect();
        svg.kernel((x + 0.5, y + 38.0), 32.0, &cells);
        svg.arrow((x + 102.0, y + 86.0), 14.0);
        // What sums to zero answers below zero too: grey is zero, then.
        let range = if numbers.iter().sum::<f32>() == 0.0 { [-600.0, 600.0] } else { [0.0, 255.0] };
        svg.picture((x + 122.0, y + 24.0), 126.0, SIDE, output, range);
    }
    svg.finish()
}

/// The guesses at some steps, and the kernel that they look for.
pub fn guesses(shown: &[(usize, &[f64])], hidden: &[f64]) -> String {
    const CELL: f64 = 40.0;
    let title = "Guesses at a hidden 3 by 3 kernel after 10, 100 and 1000 steps, and the hidden kernel";
    let mut svg = Svg::new(148.0, title);
    let labelled = shown.iter().map(|(step, kernel)| (format!("{step} steps"), *kernel));
    for (i, (label, kernel)) in labelled.chain([("hidden".into(), hidden)]).enumerate() {
        let x = 1.0 + i as f64 * 132.6;
        svg.text((x + 1.5 * CELL, 16.0), "middle", &label);
        let cells: Vec<_> = kernel.iter().map(|&v| (v, signed(v, 2))).collect();
        svg.add("<g font-size=\"12.5\">");
        svg.kernel((x, 26.0), CELL, &cells);
        svg.add("</g>");
    }
    svg.finish()
}

/// How wrong the kernel still is, step by step, learned from either picture.
pub fn teachers(shirt: &[f64], shuffled: &[f64]) -> String {
    let line = |label: &str, color, wrong: &[f64]| Line {
        label: label.into(),
        color,
        dashed: false,
        points: wrong
            .iter()
            .enumerate()
            .step_by(10)
            .map(|(step, &wrong)| (step as f64, wrong.max(1e-12)))
            .collect(),
    };
    Chart {
        title: "Largest error among the kernel's nine numbers against the step: shuffled pixels are found far sooner"
            .into(),
        x: Axis { label: "step", range: [0.0, 1000.0], log: false },
        y: Axis { label: "largest error of the nine numbers", range: [1e-5, 1.0], log: true },
        lines: vec![line("the shirt", 1, shirt), line("shuffled", 2, shuffled)],
        label_width: 84.0,
    }
    .svg()
}

/// What three settings of a knob look like on one axis-parallel example each.
struct Panel {
    label: String,
    input: usize,
    geometry: Geometry,
    /// Outputs to light up, each in its colour.
    outputs: &'static [(usize, usize)],
}

impl Panel {
    /// Padded input above, output below; the pixels that an output sees wear its colour.
    fn draw(&self, svg: &mut Svg, x: f64, cell: f64, input_height: f64) {
        let (g, padding) = (self.geometry, self.geometry.padding[0]);
        let [side, _] = g.output([self.input; 2], [3, 3]);
        let padded = self.input + 2 * padding;
        let left = |cells: usize| x - cells as f64 * cell / 2.0;
        let input_at = |(row, col): (usize, usize)| {
            let top = (input_height - padded as f64 * cell) / 2.0 + 28.0;
            (left(padded) + col as f64 * cell, top + row as f64 * cell)
        };
        let output_at = |(row, col): (usize, usize)| {
            (left(side) + col as f64 * cell, input_height + 50.0 + row as f64 * cell)
        };
        svg.text((x, 16.0), "middle", &self.label);
        for (row, col) in grid(padded, padded) {
            let inside = |at: usize| (padding..padding + self.input).contains(&at);
            let look = if inside(row) && inside(col) {
                "fill=\"var(--fg, #222)\" fill-opacity=\"0.08\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.5\""
            } else {
                "fill=\"none\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.5\" stroke-dasharray=\"2 2\""
            };
            svg.square(input_at((row, col)), cell, look);
        }
        for at in grid(side, side) {
            svg.square(
                output_at(at),
                cell,
                "fill=\"none\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.5\"",
            );
        }
        for (i, &(row, col)) in self.outputs.iter().enumerate() {
            let fill = format!("fill=\"{}\" fill-opacity=\"0.6\"", color(i + 1));
            // The second is smaller, so that both show where they overlap.
            let inset = 1.0 + 4.0 * i as f64;
            let mut light =
                |(x, y): (f64, f64)| svg.square((x + inset, y + inset), cell - 2.0 * inset, &fill);
            light(output_at((row, col)));
            for (i, j) in grid(3, 3) {
                light(input_at((
                    row * g.stride[0] + i * g.dilation[0],
                    col * g.stride[1] + j * g.dilation[1],
                )));
            }
        }
    }
}

/// Three panels side by side.
fn panels(title: &str, cell: f64, panels: &[Panel; 3]) -> String {
    let input = panels.iter().map(|p| p.input + 2 * p.geometry.padding[0]).max().unwrap_or(0);
    let output = panels.iter().map(|p| p.geometry.output([p.input; 2], [3, 3])[0]).max().unwrap_or(0);
    let input_height = input as f64 * cell;
    let mut svg = Svg::new(input_height + output as f64 * cell + 54.0, title);
    for (i, panel) in panels.iter().enumerate() {
        panel.draw(&mut svg, WIDTH * (1.0 + 2.0 * i as f64) / 6.0, cell, input_height);
    }
    svg.finish()
}

pub fn stride() -> String {
    let panel = |s: usize, outputs| Panel {
        label: format!("stride {s}"),
        input: 7,
        geometry: Geometry::default().stride([s, s]),
        outputs,
    };
    let title = "What two neighbouring outputs see of a 7 by 7 input, at stride 1, 2 and 3";
    panels(
        title,
        21.0,
        &[panel(1, &[(0, 0), (0, 1)]), panel(2, &[(0, 0), (0, 1)]), panel(3, &[(0, 0), (0, 1)])],
    )
}

pub fn padding() -> String {
    let panel = |p: usize| Panel {
        label: format!("padding {p}"),
        input: 5,
        geometry: Geometry::default().padding([p, p]),
        outputs: &[(0, 0)],
    };
    let title = "What the first output sees of a 5 by 5 input, with padding 0, 1 and 2";
    panels(title, 18.0, &[panel(0), panel(1), panel(2)])
}

pub fn dilation() -> String {
    let panel = |d: usize| Panel {
        label: format!("dilation {d}"),
        input: 7,
        geometry: Geometry::default().dilation([d, d]),
        outputs: &[(0, 0)],
    };
    let title = "What the first output sees of a 7 by 7 input, at dilation 1, 2 and 3";
    panels(title, 21.0, &[panel(1), panel(2), panel(3)])
}

/// Which input channels each output channel sees: eight to eight, with 1, 2, 4 and 8 groups.
pub fn groups() -> String {
    const STEP: f64 = 22.0;
    let mut svg = Svg::new(
        210.0,
        "Lines from 8 input channels to the 8 output channels that see them, for 1, 2, 4 and 8 groups",
    );
    for (i, groups) in [1usize, 2, 4, 8].into_iter().enumerate() {
        let left = 14.0 + i as f64 * 134.0;
        let right = left + 84.0;
        let y = |channel: usize| 40.0 + channel as f64 * STEP;
        let label = if groups == 1 { "1 group".into() } else { format!("{groups} groups") };
        svg.text(((left + right) / 2.0, 16.0), "middle", &label);
        let part = 8 / groups;
        for (from, to) in grid(8, 8).filter(|(from, to)| from / part == to / part) {
            svg.add(format_args!(
                "<path d=\"M{left} {}L{right} {}\" stroke=\"{}\" stroke-opacity=\"0.75\"/>",
                y(from),
                y(to),
                color(from / part % 4 + 1)
            ));
        }
        for (x, channel) in [left, right].into_iter().flat_map(|x| (0..8).map(move |channel| (x, channel))) {
            svg.add(format_args!(
                "<circle cx=\"{x}\" cy=\"{}\" r=\"6\" fill=\"{}\"/>",
                y(channel),
                color(channel / part % 4 + 1)
            ));
        }
    }
    svg.finish()
}

/// The 9 by 25 matrix of a 3 by 3 kernel on a 5 by 5 picture, with a letter for each number of the kernel.
pub fn matrix() -> String {
    const CELL: f64 = 20.0;
    let mut svg = Svg::new(
        196.0,
        "The matrix of a 3 by 3 kernel on a 5 by 5 picture: the letters a to i on slanted lines",
    );
    let numbers: Vec<f64> = (1..=9).map(f64::from).collect();
    let m = super::matrix::matrix(&numbers, [3, 3], [5, 5], Geometry::default());
    for ((row, col), &v) in grid(9, 25).zip(m.as_slice()) {
        let at = (10.0 + col as f64 * CELL, 8.0 + row as f64 * CELL);
        if v == 0.0 {
            svg.square(at, CELL, "fill=\"none\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.15\"");
            continue;
        }
        let tap = v as usize - 1;
        let fill = format!(
            "fill=\"{}\" fill-opacity=\"0.4\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.15\"",
            color(tap / 3 + 1)
        );
        svg.square(at, CELL, &fill);
        let letter = char::from(b'a' + tap as u8).to_string();
        svg.text((at.0 + CELL / 2.0, at.1 + CELL / 2.0 + 5.0), "middle", &letter);
    }
    // Blocks: one for each pair of an output row and an input row.
    let across: String = (0..=5).map(|i| format!("M{} 8v180", 10 + 100 * i)).collect();
    let down: String = (0..=3).map(|i| format!("M10 {}h500", 8 + 60 * i)).collect();
    svg.add(format_args!(
        "<path d=\"{across}{down}\" stroke=\"var(--fg, #222)\" stroke-width=\"1.5\" fill=\"none\"/>"
    ));
    svg.finish()
}

/// Answers at stride 2: of the picture, of it moved by two pixels, of it moved by one.
pub fn moves(halved: &Tensor<f32>, by_two: &Tensor<f32>, by_one: &Tensor<f32>) -> String {
    const SIZE: f64 = 160.0;
    let mut svg = Svg::new(
        SIZE + 28.0,
        "The outline filter at stride 2: of the shirt, of the shirt moved by two pixels and by one",
    );
    for (i, (label, y)) in
        [("where it is", halved), ("moved by 2", by_two), ("moved by 1", by_one)].into_iter().enumerate()
    {
        let x = i as f64 * 180.0;
        let [_, side, _, _] = y.dims();
        svg.picture((x, 0.0), SIZE, side, y.as_slice(), [-600.0, 600.0]);
        svg.text((x + SIZE / 2.0, SIZE + 18.0), "middle", label);
    }
    svg.finish()
}
