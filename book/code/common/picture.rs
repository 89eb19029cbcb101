//! Pictures inside figures: numbers as grey levels, as a PNG within the SVG.

use super::chart::escaped;
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

/// Grey levels, 0 black and 255 white, row by row.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Scales `values` so that `low` is black and `high` is white.
    pub fn of(width: usize, height: usize, values: &[f32], [low, high]: [f32; 2]) -> Self {
        assert_eq!(width * height, values.len(), "a picture of {width} x {height}");
        let level = |&v: &f32| (255.0 * (v - low) / (high - low)).round().clamp(0.0, 255.0) as u8;
        Self { width, height, pixels: values.iter().map(level).collect() }
    }

    /// An `<image>` element whose upper left corner is at (x, y), `size` wide; pixels stay square.
    pub fn image(&self, x: f64, y: f64, size: f64) -> String {
        let height = size * self.height as f64 / self.width as f64;
        format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{height:.1}\" \
             style=\"image-rendering: pixelated\" href=\"data:image/png;base64,{}\"/>\n",
            base64(&self.png())
        )
    }

    /// The picture as a PNG file, 8 bits of grey to a pixel.
    fn png(&self) -> Vec<u8> {
        let mut header = Vec::new();
        header.extend_from_slice(&(self.width as u32).to_be_bytes());
        header.extend_from_slice(&(self.height as u32).to_be_bytes());
        // Eight bits, grey; the standard compression and filter; not interlaced.
        header.extend_from_slice(&[8, 0, 0, 0, 0]);
        let mut rows = ZlibEncoder::new(Vec::new(), Compression::best());
        for row in self.pixels.chunks(self.width) {
            // Zero is the filter "none".
            rows.write_all(&[0]).and_then(|()| rows.write_all(row)).expect("memory takes every write");
        }
        let rows = rows.finish().expect("memory takes every write");
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, content) in [(b"IHDR", &header), (b"IDAT", &rows), (b"IEND", &Vec::new())] {
            let mut sum = Crc::new();
            sum.update(kind);
            sum.update(content);
            file.extend_from_slice(&(content.len() as u32).to_be_bytes());
            file.extend_from_slice(kind);
            file.extend_from_slice(content);
            file.extend_from_slice(&sum.sum().to_be_bytes());
        }
        file
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | usize::from(*three.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * i) & 63];
            text.push(if i <= three.len() { letter.into() } else { '=' });
        }
    }
    text
}

/// A figure of pictures side by side, `columns` to a row, each with its label beneath.
pub fn gallery(title: &str, columns: usize, pictures: &[(&str, Picture)]) -> String {
    const WIDTH: f64 = 640.0;
    const LABEL: f64 = 26.0;
    let cell = WIDTH / columns as f64;
    let size = cell - 12.0;
    let tallest = pictures.iter().map(|(_, p)| size * p.height as f64 / p.width as f64).fold(0.0, f64::max);
    let rows = pictures.len().div_ceil(columns);
    let height = rows as f64 * (tallest + LABEL);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\">\n\
         <title>{}</title>\n",
        escaped(title)
    );
    for (i, (label, picture)) in pictures.iter().enumerate() {
        let (x, y) = ((i % columns) as f64 * cell + 6.0, (i / columns) as f64 * (tallest + LABEL));
        svg.push_str(&picture.image(x, y, size));
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"13\" text-anchor=\"middle\" fill=\"var(--fg, #222)\">{}</text>\n",
            x + size / 2.0,
            y + tallest + 16.0,
            escaped(label)
        ));
    }
    svg.push_str("</svg>\n");
    svg
}
