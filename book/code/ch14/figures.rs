//! The chapter's figures that are no charts: bars with spread, and a picture that is moved about.

use super::{
    common::{
        chart::{color, escaped},
        picture::{Picture, gallery},
        record::{Record, mean},
    },
    leave_out::Length,
    recipe::Change,
    results::is_clear,
};
use residual::data::{
    Dataset,
    augment::{self, CropFlip},
};
use std::fmt::Write;

const INK: &str = "var(--fg, #222)";
const ROW: f64 = 28.0;
const TOP: f64 = 44.0;
/// Where the bars of a panel may be, from left to right.
const PANELS: [[f64; 2]; 2] = [[150.0, 364.0], [400.0, 612.0]];

/// What each change gains against the whole recipe: a bar for the mean, a tick for each seed, grey where it is not clear.
pub fn bars(record: &Record, lengths: [Length; 2]) -> String {
    let changes = &Change::EACH[1..];
    let bottom = TOP + ROW * changes.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 620 {:.0}\" role=\"img\" font-size=\"14\">\n\
         <title>What is gained or lost, in points, by leaving out one ingredient, in a short training and in a long one: \
         without momentum most is lost, and nearly nothing if the rate is tenfold; without augmentation a short training \
         gains</title>\n",
        bottom + 44.0
    );
    for (row, change) in changes.iter().enumerate() {
        text(&mut svg, (PANELS[0][0] - 8.0, middle(row) + 5.0), "end", change.name());
    }
    for (length, panel) in lengths.into_iter().zip(PANELS) {
        let whole = mean(&record.accuracies(&length.called(Change::Nothing)));
        let centre = (panel[0] + panel[1]) / 2.0;
        text(&mut svg, (centre, 16.0), "middle", &format!("{} epochs", length.0));
        text(&mut svg, (centre, 34.0), "middle", &format!("whole recipe: {whole:.1} %"));
        draw_panel(&mut svg, record, length, panel);
        text(&mut svg, (centre, bottom + 38.0), "middle", "points gained");
    }
    svg.push_str("</svg>\n");
    svg
}

fn middle(row: usize) -> f64 {
    TOP + ROW * (row as f64 + 0.5)
}

fn draw_panel(svg: &mut String, record: &Record, length: Length, [left, right]: [f64; 2]) {
    let changes = &Change::EACH[1..];
    let gains_of = |change: Change| record.gains(&length.called(Change::Nothing), &length.called(change));
    let all: Vec<_> = changes.iter().flat_map(|&change| gains_of(change)).collect();
    let low = all.iter().fold(0.0f64, |low, &gain| low.min(gain)) - 0.3;
    let high = all.iter().fold(0.0f64, |high, &gain| high.max(gain)) + 0.3;
    let x = |gain: f64| left + (gain - low) / (high - low) * (right - left);
    let bottom = TOP + ROW * changes.len() as f64;
    let step = if high - low > 14.0 { 5 } else { 2 };
    let mut grid = String::new();
    for gain in (low.ceil() as i32..=high.floor() as i32).filter(|gain| gain % step == 0) {
        let at = x(f64::from(gain));
        write!(grid, "M{at:.1} {TOP}V{bottom}").expect("strings take every write");
        text(svg, (at, bottom + 18.0), "middle", &gain.to_string().replace('-', "−"));
    }
    writeln!(svg, "<path d=\"{grid}\" stroke=\"var(--chart-grid, #8884)\" fill=\"none\"/>")
        .expect("strings take every write");
    for (row, &change) in changes.iter().enumerate() {
        let gains = gains_of(change);
        let ink = color(if !is_clear(&gains) {
            6
        } else if mean(&gains) < 0.0 {
            2
        } else {
            3
        });
        let ends = [x(0.0).min(x(mean(&gains))), x(0.0).max(x(mean(&gains)))];
        let (top, width) = (middle(row) - 9.0, (ends[1] - ends[0]).max(0.5));
        writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"18\" fill=\"{ink}\" fill-opacity=\"0.55\"/>",
            ends[0]
        )
        .expect("strings take every write");
        let ticks: String =
            gains.iter().map(|&gain| format!("M{:.1} {:.1}v12", x(gain), middle(row) - 6.0)).collect();
        writeln!(svg, "<path d=\"{ticks}\" stroke=\"{INK}\" stroke-width=\"1.2\" fill=\"none\"/>")
            .expect("strings take every write");
    }
    writeln!(svg, "<path d=\"M{0:.1} {TOP}V{bottom}\" stroke=\"{INK}\" fill=\"none\"/>", x(0.0))
        .expect("strings take every write");
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let text = escaped(text);
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{INK}\">{text}</text>")
        .expect("strings take every write");
}

/// A picture as the file has it, and as five epochs show it.
pub fn moved(seen: &Dataset) -> String {
    let [rows, cols, _] = seen.size();
    let picture = |pixels: &[u8]| {
        let levels: Vec<_> = pixels.iter().map(|&level| f32::from(level)).collect();
        Picture::of(cols, rows, &levels, [0.0, 255.0])
    };
    let mut pictures = vec![("in the file", picture(seen.image(0)))];
    for (epoch, label) in ["epoch 1", "epoch 2", "epoch 3", "epoch 4", "epoch 5"].into_iter().enumerate() {
        let mut out = vec![0; rows * cols];
        CropFlip::draw(&mut augment::stream(0, epoch), 0).apply(seen.image(0), seen.size(), &mut out);
        pictures.push((label, picture(&out)));
    }
    gallery("An ankle boot, and the same moved by up to four pixels and sometimes mirrored", 6, &pictures)
}
