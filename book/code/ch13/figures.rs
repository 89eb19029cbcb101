//! The figures of chapter 13.

use super::{
    common::chart::{Axis, Chart, Line, color, drawing, escaped},
    counts::{LADDER, OTHERS},
    results::{Found, short},
};
use std::fmt::Write;

const WIDTH: f64 = 560.0;
const INK: &str = "var(--fg, #222)";

fn add(svg: &mut String, element: std::fmt::Arguments) {
    writeln!(svg, "{element}").expect("strings take every write");
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, ink: &str, text: &str) {
    let text = escaped(text);
    add(
        svg,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{ink}\">{text}</text>"),
    );
}

/// Where `value` lies between `low` and `high`, decades at equal distances.
fn decades(value: f64, [low, high]: [f64; 2]) -> f64 {
    (value / low).log10() / (high / low).log10()
}

/// A bar for each form, longer by the same length for the same factor.
pub fn ladder(found: &Found) -> String {
    const LEFT: f64 = 176.0;
    const RIGHT: f64 = 505.0;
    const ROW: f64 = 25.0;
    let rungs = found.rungs();
    let bottom = 14.0 + ROW * rungs.len() as f64;
    let range = [0.1, 1000.0];
    let at = |rate: f64| LEFT + (RIGHT - LEFT) * decades(rate, range);
    drawing(
        [WIDTH, bottom + 42.0],
        "Billions of operations a second of one convolution, form by form, from the definition to Winograd's form",
        |svg| {
            for decade in [0.1, 1.0, 10.0, 100.0, 1000.0] {
                let x = at(decade);
                add(
                    svg,
                    format_args!("<path d=\"M{x:.1} 6V{bottom}\" stroke=\"var(--chart-grid, #8884)\"/>"),
                );
                text(svg, (x, bottom + 18.0), "middle", INK, &decade.to_string());
            }
            text(svg, ((LEFT + RIGHT) / 2.0, bottom + 37.0), "middle", INK, "GFLOP/s");
            for (row, (name, threads, _, rate)) in rungs.iter().enumerate() {
                let top = 10.0 + ROW * row as f64;
                let form = if name.starts_with("Winograd") { 2 } else { 1 };
                let ink = color(if *threads > 1 { 3 } else { form });
                let width = at(*rate) - LEFT;
                add(
                    svg,
                    format_args!(
                        "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"18\" fill=\"{ink}\"/>"
                    ),
                );
                text(svg, (LEFT - 8.0, top + 14.0), "end", INK, name);
                // Inside where there is room, so that no label lies on the dashed line.
                let (x, anchor, ink) = match width > 60.0 && *rate < found.peaks()[0] {
                    true => (LEFT + width - 6.0, "end", "var(--bg, #fff)"),
                    false => (LEFT + width + 5.0, "start", INK),
                };
                text(svg, (x, top + 14.0), anchor, ink, &short(*rate));
            }
            let peak = at(found.peaks()[0]);
            add(
                svg,
                format_args!(
                    "<path d=\"M{peak:.1} 6V{bottom}\" stroke=\"{INK}\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>"
                ),
            );
            text(svg, (peak - 5.0, 24.0), "end", INK, "all that one core can do");
        },
    )
}

/// A chart whose axes are powers of two.
struct Roofs {
    x: [f64; 2],
    y: [f64; 2],
}

impl Roofs {
    const LEFT: f64 = 62.0;
    const RIGHT: f64 = 410.0;
    const TOP: f64 = 14.0;
    const BOTTOM: f64 = 380.0;

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (across, up) = (decades(x, self.x), decades(y, self.y));
        let (width, height) = (Self::RIGHT - Self::LEFT, Self::BOTTOM - Self::TOP);
        (Self::LEFT + width * across, Self::BOTTOM - height * up)
    }

    fn axes(&self, svg: &mut String) {
        let (left, right, top, bottom) = (Self::LEFT, Self::RIGHT, Self::TOP, Self::BOTTOM);
        let powers = |[low, high]: [f64; 2]| (low.log2().ceil() as i32..=high.log2() as i32).step_by(2);
        let label = |power: i32| match power {
            0.. => 2u32.pow(power.unsigned_abs()).to_string(),
            _ => format!("1/{}", 2u32.pow(power.unsigned_abs())),
        };
        for power in powers(self.x) {
            let x = self.at(2f64.powi(power), 1.0).0;
            add(
                svg,
                format_args!("<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"var(--chart-grid, #8884)\"/>"),
            );
            text(svg, (x, bottom + 19.0), "middle", INK, &label(power));
        }
        for power in powers(self.y) {
            let y = self.at(1.0, 2f64.powi(power)).1;
            add(
                svg,
                format_args!("<path d=\"M{left} {y:.1}H{right}\" stroke=\"var(--chart-grid, #8884)\"/>"),
            );
            text(svg, (left - 8.0, y + 5.0), "end", INK, &label(power));
        }
        text(svg, ((left + right) / 2.0, bottom + 42.0), "middle", INK, "operations a byte");
        let turned = "text-anchor=\"middle\" transform=\"rotate(-90 14 197)\"";
        add(svg, format_args!("<text x=\"14\" y=\"197\" {turned} fill=\"{INK}\">GFLOP/s</text>"));
    }

    /// So many operations for each byte of so many a second, up to the peak.
    fn slope(&self, svg: &mut String, (bandwidth, peak): (f64, f64), ink: usize, label: &str) {
        let first = self.x[0].max(self.y[0] / bandwidth);
        let (start, corner) = (self.at(first, first * bandwidth), self.at(peak / bandwidth, peak));
        let ink = color(ink);
        add(
            svg,
            format_args!(
                "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{ink}\" stroke-width=\"2\" fill=\"none\"/>",
                start.0, start.1, corner.0, corner.1
            ),
        );
        let (x, y) = ((start.0 + corner.0) / 2.0, (start.1 + corner.1) / 2.0);
        let slant = (corner.1 - start.1).atan2(corner.0 - start.0).to_degrees();
        let turned = format!("text-anchor=\"middle\" transform=\"rotate({slant:.1} {x:.1} {y:.1})\"");
        add(
            svg,
            format_args!("<text x=\"{x:.1}\" y=\"{:.1}\" {turned} fill=\"{ink}\">{label}</text>", y - 7.0),
        );
    }
}

fn dot(svg: &mut String, (x, y): (f64, f64), ink: usize) {
    add(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{}\"/>", color(ink)));
}

/// The ladder's forms that the roofline shows, and their names there.
const FORMS: [(&str, &str); 6] = [
    ("the definition", "the definition"),
    ("inputs innermost", "inputs innermost"),
    ("outputs innermost", "outputs innermost"),
    ("im2col, row by row", "im2col, row by row"),
    ("im2col, matrix product", "matrix product"),
    ("Winograd", "Winograd"),
];

/// Rates over operations a byte, and the roofs above them.
pub fn roofline(found: &Found) -> String {
    let peak = found.peaks()[0];
    let mut forms: Vec<_> = FORMS.map(|(name, label)| (label, found.one("rung", name))).to_vec();
    forms.push(("blocks", found.blocks()));
    forms.sort_by(|a, b| b.1.total_cmp(&a.1));
    let lowest = OTHERS.iter().map(|layer| found.one("layer", layer.name)).fold(forms[6].1, f64::min);
    let highest = forms[0].1.max(peak);
    let y = [lowest.log2().floor(), highest.log2().ceil()].map(f64::exp2);
    let chart = Roofs { x: [0.25, 256.0], y };
    let title = "Measured rates of layers and forms under the roofs of memory, second cache and arithmetic";
    drawing([WIDTH, 430.0], title, |svg| {
        chart.axes(svg);
        let [memory, second] = ["256 MB", "256 KB"].map(|size| found.one("read", size));
        chart.slope(svg, (memory, peak), 3, "memory");
        chart.slope(svg, (second, peak), 5, "second cache");
        let (x, y) = chart.at(peak / second, peak);
        let right = Roofs::RIGHT;
        add(svg, format_args!("<path d=\"M{x:.1} {y:.1}H{right}\" stroke=\"{INK}\" stroke-width=\"2\"/>"));
        text(svg, ((x + right) / 2.0 - 40.0, y - 6.0), "middle", INK, "arithmetic");
        let mut free = 0.0f64;
        for (label, rate) in forms {
            let (x, y) = chart.at(LADDER.intensity(), rate);
            dot(svg, (x, y), if label == "Winograd" { 2 } else { 1 });
            let height = y.max(free);
            free = height + 17.0;
            if height > y + 1.0 {
                let end = right + 8.0;
                add(
                    svg,
                    format_args!(
                        "<path d=\"M{x:.1} {y:.1}L{end} {height:.1}\" stroke=\"{INK}\" stroke-width=\"0.7\"/>"
                    ),
                );
            }
            text(svg, (right + 10.0, height + 5.0), "start", INK, label);
        }
        for layer in OTHERS {
            let (x, y) = chart.at(layer.intensity(), found.one("layer", layer.name));
            dot(svg, (x, y), 4);
            let label = layer.name.strip_suffix(", 4096 to 4096").unwrap_or(layer.name);
            text(svg, (x - 6.0, y + 20.0), "start", INK, label);
        }
    })
}

/// Rate of a tile over its pixels.
pub fn tiles(found: &Found) -> String {
    let (tiles, peak) = (found.tiles(), found.peaks()[0]);
    let latency = found.one("chains", "12") / found.one("chains", "1");
    let line = |blocks: usize, color: usize| Line {
        label: format!("{blocks} block{}", if blocks == 1 { "" } else { "s" }),
        color,
        dashed: false,
        points: (tiles.iter())
            .filter(|(tile, _)| tile.blocks == blocks)
            .map(|(tile, rate)| (tile.pixels as f64, 100.0 * rate / peak))
            .collect(),
    };
    let bound = |blocks: usize, color: usize| Line {
        label: String::new(),
        color,
        dashed: true,
        points: (10..=140)
            .map(|tenths| f64::from(tenths) / 10.0)
            .map(|p| (p, 100.0 * (p * blocks as f64 / latency).min(1.0)))
            .collect(),
    };
    let widest = tiles.iter().map(|(tile, _)| tile.blocks).max().unwrap_or(1);
    let chart = Chart {
        title: "Speed of a tile in per cent of the peak, over its pixels: it rises with the number of sums and comes near \
                the top"
            .into(),
        x: Axis { label: "pixels of the tile", range: [0.0, 14.0], log: false },
        y: Axis { label: "% of peak", range: [0.0, 100.0], log: false },
        lines: (1..=widest).flat_map(|blocks| [line(blocks, blocks), bound(blocks, blocks)]).collect(),
        label_width: 80.0,
    };
    chart.svg()
}
