//! Line charts as SVG, made to be inlined: the page's own colours in light and dark, a title for
//! those who listen, every line labelled at its end.

use std::fmt::{Display, Write};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 52.0;
/// Labels at line ends keep this distance.
const LABEL_HEIGHT: f64 = 17.0;

/// One axis, from `range[0]` at the origin to `range[1]`.
pub struct Axis {
    pub label: &'static str,
    pub range: [f64; 2],
    /// Decades at equal distances.
    pub log: bool,
}

/// One line, in colour 1 to 6 of the book's palette.
pub struct Line {
    pub label: String,
    pub color: usize,
    /// For theory, as opposed to measurement.
    pub dashed: bool,
    pub points: Vec<(f64, f64)>,
}

/// Lines over two axes.
pub struct Chart {
    /// What is to be seen, in a sentence.
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
    /// Room for the labels, right of the plot.
    pub label_width: f64,
}

impl Axis {
    /// Where `value` lies: 0 at the start, 1 at the end.
    fn place(&self, value: f64) -> f64 {
        let of = |v: f64| if self.log { v.log10() } else { v };
        let [low, high] = self.range.map(of);
        (of(value) - low) / (high - low)
    }

    fn holds(&self, value: f64) -> bool {
        (-1e-9..=1.0 + 1e-9).contains(&self.place(value))
    }

    /// At most about eight round values, each with its text.
    fn ticks(&self) -> Vec<(f64, String)> {
        let [low, high] = self.range;
        if self.log {
            let (low, high) = (low.log10().ceil() as i32, high.log10().floor() as i32);
            let step = (1 + (high - low) / 8) as usize;
            return (low..=high)
                .filter(|decade| decade.rem_euclid(step as i32) == 0)
                .map(|decade| (10f64.powi(decade), power_of_ten(decade)))
                .collect();
        }
        let rough = (high - low) / 6.0;
        let decade = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|&s| s >= rough).unwrap_or(rough);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        (first..=(high / step + 1e-9).floor() as i64)
            .map(|i| (i as f64 * step, format!("{:.digits$}", i as f64 * step)))
            .collect()
    }
}

fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0 => "1".into(),
        1 => "10".into(),
        e => format!("10<tspan dy=\"-5\" font-size=\"10\">{}</tspan>", e.to_string().replace('-', "−")),
    }
}

impl Chart {
    /// The chart as an SVG element, without blank lines.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-size=\"14\">\n\
             <title>{}</title>\n",
            escaped(&self.title)
        );
        self.draw_axes(&mut svg);
        for line in &self.lines {
            self.draw_line(&mut svg, line);
        }
        self.draw_labels(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn right(&self) -> f64 {
        WIDTH - self.label_width
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let bottom = HEIGHT - BOTTOM;
        (LEFT + self.x.place(x) * (self.right() - LEFT), bottom - self.y.place(y) * (bottom - TOP))
    }

    fn draw_axes(&self, svg: &mut String) {
        let (right, bottom) = (self.right(), HEIGHT - BOTTOM);
        let mut text = |x: f64, y: f64, anchor: &str, more: &str, text: &str| {
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"var(--fg, #222)\"{more}>{text}</text>"
            )
            .expect("strings take every write");
        };
        text((LEFT + right) / 2.0, HEIGHT - 8.0, "middle", "", &escaped(self.x.label));
        let middle = (TOP + bottom) / 2.0;
        let turned = format!(" transform=\"rotate(-90 14 {middle})\"");
        text(14.0, middle, "middle", &turned, &escaped(self.y.label));
        for (value, label) in self.x.ticks() {
            text(self.at((value, self.y.range[0])).0, bottom + 20.0, "middle", "", &label);
        }
        for (value, label) in self.y.ticks() {
            text(LEFT - 8.0, self.at((self.x.range[0], value)).1 + 5.0, "end", "", &label);
        }
        let mut grid = String::new();
        for (value, _) in self.x.ticks() {
            let x = self.at((value, self.y.range[0])).0;
            write!(grid, "M{x:.1} {TOP}V{bottom}").expect("strings take every write");
        }
        for (value, _) in self.y.ticks() {
            let y = self.at((self.x.range[0], value)).1;
            write!(grid, "M{LEFT} {y:.1}H{right}").expect("strings take every write");
        }
        svg.push_str(&format!("<path d=\"{grid}\" stroke=\"var(--chart-grid, #8884)\" fill=\"none\"/>\n"));
    }

    /// A line breaks where it leaves the plot.
    fn draw_line(&self, svg: &mut String, line: &Line) {
        let mut path = String::new();
        let mut pen_down = false;
        for &(x, y) in &line.points {
            if !self.x.holds(x) || !self.y.holds(y) {
                pen_down = false;
                continue;
            }
            let (px, py) = self.at((x, y));
            write!(path, "{}{px:.1} {py:.1}", if pen_down { 'L' } else { 'M' })
                .expect("strings take every write");
            pen_down = true;
        }
        let dash = if line.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let width = if line.dashed { 1.5 } else { 2.5 };
        svg.push_str(&format!(
            "<path d=\"{path}\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" fill=\"none\"{dash}/>\n",
            color(line.color)
        ));
    }

    /// Every line's name beside its last visible point, moved apart where two would touch.
    fn draw_labels(&self, svg: &mut String) {
        let mut ends: Vec<_> = (self.lines.iter())
            .filter(|line| !line.label.is_empty())
            .filter_map(|line| {
                let seen = |&&(x, y): &&(f64, f64)| self.x.holds(x) && self.y.holds(y);
                line.points.iter().rev().find(seen).map(|&point| (self.at(point), line))
            })
            .collect();
        ends.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
        let heights = apart(&ends.iter().map(|(end, _)| end.1).collect::<Vec<_>>(), TOP, HEIGHT - BOTTOM);
        for (&((x, y), line), height) in ends.iter().zip(heights) {
            let ink = color(line.color);
            let from = x.max(self.right());
            if x < self.right() - 1.0 || (height - y).abs() > 3.0 {
                svg.push_str(&format!(
                    "<path d=\"M{x:.1} {y:.1}L{:.1} {height:.1}\" stroke=\"{ink}\" stroke-width=\"0.7\" fill=\"none\"/>\n",
                    from + 6.0
                ));
            }
            svg.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{ink}\">{}</text>\n",
                from + 8.0,
                height + 5.0,
                escaped(&line.label)
            ));
        }
    }
}

/// `heights`, sorted, with at least [`LABEL_HEIGHT`] between them, within `top` and `bottom`.
fn apart(heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut heights = heights.to_vec();
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + LABEL_HEIGHT);
    }
    let mut floor = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(floor).max(top);
        floor = *height - LABEL_HEIGHT;
    }
    heights
}

/// Colour `index` of the palette in `book/theme/residual.css`, with its light value for pages without it.
pub fn color(index: usize) -> String {
    const LIGHT: [&str; 6] = ["#0072b2", "#c14f00", "#00805c", "#a3487c", "#a87400", "#6b6b6b"];
    format!("var(--c{index}, {})", LIGHT[index - 1])
}

/// `text` as XML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The beginning of a drawing; `</svg>` ends it.
pub fn opened(width: impl Display, height: impl Display, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" font-size=\"14\">\n\
         <title>{}</title>\n",
        escaped(title)
    )
}

/// A drawing of this width and height around what `draw` adds.
pub fn drawing([width, height]: [f64; 2], title: &str, draw: impl FnOnce(&mut String)) -> String {
    let mut svg = opened(width, height, title);
    draw(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// A line of text in a drawing.
pub fn text(x: f64, y: f64, anchor: &str, content: &str) -> String {
    let content = escaped(content);
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"var(--fg, #222)\">{content}</text>\n"
    )
}
