//! Shapes from which the figures of chapter 1 are made.

use super::{
    common::{
        chart::{color, escaped},
        picture::Picture,
    },
    grid,
};
use std::fmt::Display;

/// Of every figure; the height is its own.
pub const WIDTH: f64 = 520.0;

/// An SVG that grows element by element.
pub struct Svg(String);

impl Svg {
    pub fn new(height: f64, title: &str) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             font-size=\"15\">\n<title>{}</title>\n",
            escaped(title)
        ))
    }

    pub fn finish(self) -> String {
        self.0 + "</svg>\n"
    }

    pub fn add(&mut self, element: impl Display) {
        self.0 += &format!("{element}\n");
    }

    /// `anchor` is start, middle or end.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = escaped(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"var(--fg, #222)\">{text}</text>"
        ));
    }

    pub fn square(&mut self, (x, y): (f64, f64), side: f64, more: &str) {
        self.add(format_args!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{side}\" height=\"{side}\" {more}/>"));
    }

    /// An arrow to the right, starting at `from`.
    pub fn arrow(&mut self, (x, y): (f64, f64), length: f64) {
        let tip = x + length;
        self.add(format_args!(
            "<path d=\"M{x:.1} {y:.1}H{tip:.1}m-5 -4l5 4l-5 4\" stroke=\"var(--fg, #222)\" stroke-width=\"1.5\" fill=\"none\"/>"
        ));
    }

    /// Nine numbers: blue above zero, orange below, stronger the further away.
    pub fn kernel(&mut self, (x, y): (f64, f64), cell: f64, numbers: &[(f64, String)]) {
        let largest = numbers.iter().map(|(v, _)| v.abs()).fold(1e-9, f64::max);
        for ((row, col), (v, text)) in grid(3, 3).zip(numbers) {
            let at = (x + col as f64 * cell, y + row as f64 * cell);
            let ink = color(if *v < 0.0 { 2 } else { 1 });
            let look = format!(
                "fill=\"{ink}\" fill-opacity=\"{:.2}\" stroke=\"var(--fg, #222)\" stroke-opacity=\"0.35\"",
                0.6 * v.abs() / largest
            );
            self.square(at, cell, &look);
            self.text((at.0 + cell / 2.0, at.1 + cell / 2.0 + 5.0), "middle", text);
        }
    }

    pub fn picture(&mut self, (x, y): (f64, f64), size: f64, side: usize, values: &[f32], range: [f32; 2]) {
        self.0 += &Picture::of(side, side, values, range).image(x, y, size);
    }
}
