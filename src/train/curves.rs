//! `curves.svg`: loss and accuracy over the epochs, in light and in dark.

use super::event::EpochReport;
use std::fmt::Write;

/// Extents of one chart's plotting area, and the room around it.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 48.0;

const STYLE: &str = "
  :root { color: #1f2328; --back: #ffffff; --train: #0969da; --val: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    :root { color: #e6edf3; --back: #0d1117; --train: #58a6ff; --val: #ffa657 } }
  .back { fill: var(--back) }
  text { font: 12px system-ui, sans-serif; fill: currentColor } .name { font-size: 14px; font-weight: 600 }
  .grid { stroke: currentColor; opacity: .15 } polyline { fill: none; stroke-width: 2 }
  .train { stroke: var(--train) } .val { stroke: var(--val); stroke-dasharray: 6 3 }
  circle { stroke: none } circle.train { fill: var(--train) } circle.val { fill: var(--val) }
";

/// Two charts side by side: loss, and accuracy in percent; training in one colour, validation,
/// dashed, in another.
///
/// ```
/// use residual::train::{EpochReport, curves};
/// let epoch = EpochReport {
///     epoch: 1, step: 422, train_loss: 0.9, train_accuracy: 0.7, val_loss: 0.5, val_accuracy: 0.8,
///     best: true, seconds: 20.0,
/// };
/// let svg = curves::svg("lenet5 on fashion-mnist", &[epoch]);
/// assert!(svg.starts_with("<svg") && svg.contains("<title>lenet5 on fashion-mnist</title>"));
/// ```
pub fn svg(title: &str, epochs: &[EpochReport]) -> String {
    let title = escape(title);
    let (width, height) = (2.0 * (LEFT + WIDTH) + 24.0, TOP + HEIGHT + BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"back\" width=\"{width}\" height=\"{height}\"/>\n"
    );
    let loss = |report: &EpochReport| [report.train_loss, report.val_loss];
    let accuracy = |report: &EpochReport| [100.0 * report.train_accuracy, 100.0 * report.val_accuracy];
    chart(&mut out, "Loss", LEFT, &epochs.iter().map(loss).collect::<Vec<_>>());
    chart(&mut out, "Accuracy, %", 2.0 * LEFT + WIDTH, &epochs.iter().map(accuracy).collect::<Vec<_>>());
    out.push_str("</svg>\n");
    out
}

/// One chart of [training, validation] for each epoch, its plotting area starting at `left`.
fn chart(out: &mut String, name: &str, left: f64, values: &[[f64; 2]]) {
    let ticks = ticks(values.as_flattened());
    let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
    let y = |value: f64| TOP + HEIGHT * (high - value) / (high - low);
    let x = |epoch: usize| left + WIDTH * (epoch as f64 - 0.5) / values.len().max(1) as f64;
    let mut put = |text: String| out.push_str(&text);
    put(format!("<text class=\"name\" x=\"{left}\" y=\"20\">{name}</text>\n"));
    for (class, label, shift) in [("train", "training", 180.0), ("val", "validation", 254.0)] {
        let (from, to) = (left + shift - 24.0, left + shift - 4.0);
        put(format!("<polyline class=\"{class}\" points=\"{from},16 {to},16\"/>"));
        put(format!("<text x=\"{}\" y=\"20\">{label}</text>\n", left + shift));
    }
    for &tick in &ticks {
        let (right, y, label) = (left + WIDTH, y(tick), short(tick));
        put(format!("<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"));
        put(format!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n", left - 6.0, y + 4.0));
    }
    let every = values.len().div_ceil(10).max(1);
    for epoch in (1..=values.len()).filter(|epoch| epoch % every == 0) {
        let (x, y) = (x(epoch), TOP + HEIGHT + 18.0);
        put(format!("<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{epoch}</text>\n"));
    }
    let (middle, foot) = (left + WIDTH / 2.0, TOP + HEIGHT + 38.0);
    put(format!("<text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">epoch</text>\n"));
    for (curve, class) in ["train", "val"].into_iter().enumerate() {
        let points = values.iter().enumerate().filter(|(_, pair)| pair[curve].is_finite());
        let points: Vec<_> = points.map(|(at, pair)| (x(at + 1), y(pair[curve]))).collect();
        let mut line = String::new();
        for (x, y) in &points {
            let _ = write!(line, "{x:.1},{y:.1} ");
            put(format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"));
        }
        put(format!("<polyline class=\"{class}\" points=\"{}\"/>\n", line.trim_end()));
    }
}

/// Three to about eight round numbers whose first and last enclose `values`.
fn ticks(values: &[f64]) -> Vec<f64> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let span = (high - low).max(1e-3 * high.abs()).max(1e-9);
    let power = 10f64.powf((span / 4.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| span / step <= 5.0);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let count = (last - first).max(1.0) as usize;
    (0..=count).map(|i| (first + i as f64) * step).collect()
}

/// A tick's number without the noise of its last digits.
fn short(x: f64) -> String {
    let text = format!("{x:.4}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_few_and_enclose() {
        assert_eq!(ticks(&[0.3, 2.25]), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        for values in [&[0.0, 0.0][..], &[], &[f64::NAN], &[61.0, 99.9], &[1e-7, 2e-7], &[1e9, -3.0]] {
            let ticks = ticks(values);
            assert!((2..=9).contains(&ticks.len()) && ticks.is_sorted(), "{values:?}: {ticks:?}");
            for value in values.iter().filter(|value| value.is_finite()) {
                assert!(ticks[0] <= *value && *value <= ticks[ticks.len() - 1], "{values:?}: {ticks:?}");
            }
        }
    }

    #[test]
    fn a_title_cannot_break_out() {
        assert!(svg("a<b & c>", &[]).contains("<title>a&lt;b &amp; c&gt;</title>"));
    }
}
