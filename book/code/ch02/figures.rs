//! The figures of chapter 2.

use super::{
    common::chart::{color, escaped},
    pencil::Pencil,
    spirals::{ARMS, Points},
};
use residual::Tensor;
use std::fmt::{Display, Write};

/// The plane is drawn from -EDGE to EDGE.
const EDGE: f64 = 1.2;
/// Lines of which a panel's regions are drawn.
const ROWS: usize = 52;

/// An SVG that grows element by element.
struct Svg(String);

impl Svg {
    fn new([width, height]: [f64; 2], title: &str) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             font-size=\"15\">\n<title>{}</title>\n",
            escaped(title)
        ))
    }

    fn add(&mut self, element: impl Display) {
        self.0 += &format!("{element}\n");
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, ink: &str, text: &str) {
        let text = escaped(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{ink}\">{text}</text>"
        ));
    }

    fn finish(self) -> String {
        self.0 + "</svg>\n"
    }
}

/// A network's answers over the plane, under a label.
pub struct Panel {
    pub label: String,
    /// For each class the stretches where it wins: row, from, to, in the plane's units.
    pub regions: [Vec<(usize, f64, f64)>; ARMS],
}

/// Where each class has the highest score: along each row, borders are found between the points of a grid.
pub fn regions(scores: impl FnOnce(Tensor<f64>) -> Tensor<f64>) -> [Vec<(usize, f64, f64)>; ARMS] {
    let place = |i: usize| EDGE * (2.0 * (i as f64 + 0.5) / ROWS as f64 - 1.0);
    let grid = Tensor::from_fn([ROWS * ROWS, 2], |i| {
        let (row, col) = (i / 2 / ROWS, i / 2 % ROWS);
        if i % 2 == 0 { place(col) } else { -place(row) }
    });
    let scores = scores(grid);
    let mut found: [Vec<_>; ARMS] = Default::default();
    for (row, scores) in scores.as_slice().chunks(ROWS * ARMS).enumerate() {
        let points: Vec<_> = scores.chunks(ARMS).collect();
        let best = |z: &[f64]| (0..ARMS).fold(0, |best, k| if z[k] > z[best] { k } else { best });
        let (mut start, mut class) = (-EDGE, best(points[0]));
        for (col, pair) in points.windows(2).enumerate() {
            let next = best(pair[1]);
            if next != class {
                let ahead = |z: &[f64]| z[class] - z[next];
                let part = ahead(pair[0]) / (ahead(pair[0]) - ahead(pair[1]));
                let border = place(col) + part * 2.0 * EDGE / ROWS as f64;
                found[class].push((row, start, border));
                (start, class) = (border, next);
            }
        }
        found[class].push((row, start, EDGE));
    }
    found
}

/// Six panels, and the points on each.
pub fn panels(panels: &[Panel], points: &Points) -> String {
    const SIDE: f64 = 164.0;
    const CELL: [f64; 2] = [178.0, 194.0];
    let mut svg = Svg::new(
        [2.0 * CELL[0] + SIDE, 2.0 * CELL[1] - 6.0],
        "Points on three spirals, and the regions that the network gives to each, at six steps: at first straight \
         sectors, at the end three spirals",
    );
    let at = |value: f64| (value + EDGE) / (2.0 * EDGE) * SIDE;
    svg.add("<defs><g id=\"ch02-points\" stroke-linecap=\"round\" stroke-width=\"4.5\">");
    for arm in 0..ARMS {
        let mut dots = String::new();
        for (x, _) in points.x.as_slice().chunks(2).zip(&points.labels).filter(|(_, label)| **label == arm) {
            write!(dots, "M{:.1} {:.1}h0", at(x[0]), at(-x[1])).expect("strings take every write");
        }
        svg.add(format_args!("<path d=\"{dots}\" stroke=\"{}\"/>", color(arm + 1)));
    }
    svg.add("</g></defs>");
    for (i, panel) in panels.iter().enumerate() {
        let (x, y) = ((i % 3) as f64 * CELL[0], (i / 3) as f64 * CELL[1]);
        svg.add(format_args!("<g transform=\"translate({x} {y})\">"));
        let height = SIDE / ROWS as f64;
        for (class, stretches) in panel.regions.iter().enumerate() {
            let mut path = String::new();
            for &(row, from, to) in stretches {
                let y = (row as f64 + 0.5) * height;
                write!(path, "M{:.1} {y:.1}H{:.1}", at(from), at(to)).expect("strings take every write");
            }
            svg.add(format_args!(
                "<path d=\"{path}\" stroke=\"{}\" stroke-width=\"{:.1}\" stroke-opacity=\"0.3\"/>",
                color(class + 1),
                height + 0.1
            ));
        }
        svg.add("<use href=\"#ch02-points\"/>");
        svg.text((SIDE / 2.0, SIDE + 18.0), "middle", "var(--fg, #222)", &panel.label);
        svg.add("</g>");
    }
    svg.finish()
}

/// A whole number with a real minus sign.
fn whole(number: f64) -> String {
    format!("{number:.0}").replace('-', "−")
}

/// The network on paper: forward numbers in the page's ink, backward numbers in orange.
pub fn pencil(p: &Pencil) -> String {
    let title = "A network of two inputs, two hidden numbers and one output: every number of its forward pass, and \
                 beneath it the slope of the loss by that number";
    let mut svg = Svg::new([520.0, 250.0], title);
    let (ink, back) = ("var(--fg, #222)".to_string(), color(2));
    let places = |x: f64, n: usize| {
        (0..n).map(|i| (x, if n == 1 { 125.0 } else { 60.0 + 130.0 * i as f64 })).collect::<Vec<_>>()
    };
    let [x, z, h, y] = [places(30.0, 2), places(210.0, 2), places(330.0, 2), places(450.0, 1)];
    let mut edge = |from: (f64, f64), to: (f64, f64), part: f64, weight: Option<(f64, f64)>| {
        svg.add(format_args!(
            "<path d=\"M{} {}L{} {}\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.35\"/>",
            from.0 + 21.0,
            from.1,
            to.0 - 21.0,
            to.1
        ));
        if let Some((w, dw)) = weight {
            // Above the line: where that falls, right of it.
            let left = from.0 + part * (to.0 - from.0) + if to.1 > from.1 { 22.0 } else { 0.0 };
            let top = from.1 + part * (to.1 - from.1) - 6.0;
            svg.text((left - 3.0, top), "end", &ink, &whole(w));
            svg.text((left + 3.0, top), "start", &back, &whole(dw));
        }
    };
    for (i, o) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let at = 2 * o + i;
        let part = if i == o { 0.5 } else { 0.3 };
        edge(x[i], z[o], part, Some((p.w1.as_slice()[at], p.dw1.as_slice()[at])));
    }
    for i in 0..2 {
        edge(z[i], h[i], 0.5, None);
        edge(h[i], y[0], 0.42, Some((p.w2.as_slice()[i], p.dw2.as_slice()[i])));
    }
    for (places, values, slopes, names) in [
        (&x, &p.x, &p.dx, ["x₁", "x₂"]),
        (&z, &p.z, &p.dz, ["z₁", "z₂"]),
        (&h, &p.h, &p.dh, ["h₁", "h₂"]),
        (&y, &p.y, &p.dy, ["y", ""]),
    ] {
        for (((&(x, y), &value), &slope), name) in
            places.iter().zip(values.as_slice()).zip(slopes.as_slice()).zip(names)
        {
            svg.add(format_args!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"21\" fill=\"none\" stroke=\"var(--fg, #222)\"/>"
            ));
            svg.text((x, y - 1.0), "middle", &ink, &whole(value));
            svg.text((x, y + 14.0), "middle", &back, &whole(slope));
            svg.text((x, y + 38.0), "middle", &ink, name);
        }
    }
    let biases =
        p.b1.as_slice()
            .iter()
            .zip(p.dz.as_slice())
            .zip(&z)
            .chain(p.b2.as_slice().iter().zip(p.dy.as_slice()).zip(&y));
    for ((b, db), &(x, y)) in biases {
        let y = if x > 400.0 { y + 60.0 } else { y - 28.0 };
        svg.text((x + 12.0, y), "end", &ink, &format!("bias {}", whole(*b)));
        svg.text((x + 18.0, y), "start", &back, &whole(*db));
    }
    svg.text((450.0, 215.0), "middle", &ink, &format!("L = {}", whole(p.loss)));
    svg.finish()
}

/// Which pixels and outputs a convolution joins, and by which of its three taps: forward from an output, backward
/// from a pixel, and backward at stride 2.
pub fn taps() -> String {
    let mut svg = Svg::new(
        [520.0, 190.0],
        "Lines between pixels and outputs of a convolution with three taps: an output collects taps 0, 1, 2 from left \
         to right, a pixel collects them from right to left, and at stride 2 pixels have two taps and one in turn",
    );
    // Label; pixels and stride; the outputs and the pixels that are lit.
    let panels = [
        ("forward, to one y", [6, 1], [vec![1], vec![]]),
        ("backward, to one x", [6, 1], [vec![], vec![2]]),
        ("backward, stride 2", [7, 2], [vec![], vec![2, 3]]),
    ];
    for (i, (label, [pixels, stride], [lit_outputs, lit])) in panels.into_iter().enumerate() {
        let left = 2.0 + i as f64 * 180.0;
        let pixel = |x: usize| (left + 12.0 + 22.0 * x as f64, 44.0);
        let place = |t: usize| (pixel(t * stride + 1).0, 132.0);
        svg.text((left + 72.0, 16.0), "middle", "var(--fg, #222)", label);
        let outputs = (pixels - 3) / stride + 1;
        for (t, k) in (0..outputs).flat_map(|t| (0..3).map(move |k| (t, k))) {
            let x = t * stride + k;
            let ((x0, y0), (x1, y1)) = (pixel(x), place(t));
            let look = if lit_outputs.contains(&t) || lit.contains(&x) {
                format!("stroke=\"{}\" stroke-width=\"3.5\"", color(k + 1))
            } else {
                "stroke=\"var(--fg, #222)\" stroke-opacity=\"0.2\"".into()
            };
            svg.add(format_args!("<path d=\"M{x0} {}L{x1} {}\" {look}/>", y0 + 9.0, y1 - 9.0));
        }
        let squares = (0..pixels).map(|x| (pixel(x), x, lit.contains(&x)));
        for ((x, y), name, is_lit) in
            squares.chain((0..outputs).map(|t| (place(t), t, lit_outputs.contains(&t))))
        {
            let fill = if is_lit { "0.3" } else { "0.06" };
            svg.add(format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"18\" height=\"18\" fill=\"var(--fg, #222)\" fill-opacity=\"{fill}\" \
                 stroke=\"var(--fg, #222)\" stroke-opacity=\"0.5\"/>",
                x - 9.0,
                y - 9.0
            ));
            svg.text((x, y + 5.0), "middle", "var(--fg, #222)", &name.to_string());
        }
    }
    for k in 0..3 {
        svg.text((160.0 + 100.0 * k as f64, 178.0), "middle", &color(k + 1), &format!("tap {k}"));
    }
    svg.finish()
}
