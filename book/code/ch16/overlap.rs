//! Sending while backward still computes: ResNet-50's layers on a time line.

use super::{
    common::Report,
    cost::{LINES, ring},
    drawings, why,
};
use residual::nn::Outline;

/// The workers of the example.
pub const WORKERS: f64 = 16.0;
/// Bytes of a bucket, about: the usual number in PyTorch.
const BUCKET: f64 = 25e6;

/// A piece of the gradient on its way: when it was ready, when its exchange began and when it ended, in seconds of
/// the step, and its bytes.
pub struct Bucket {
    pub ready: f64,
    pub begin: f64,
    pub end: f64,
    pub bytes: f64,
}

/// Every layer that has parameters or multiplies, in the order of the network.
fn layers(outline: &Outline) -> Vec<&Outline> {
    match outline.children.is_empty() {
        true => vec![outline],
        false => outline.children.iter().flat_map(layers).collect(),
    }
}

// ANCHOR: timeline
/// Walks backward from the last layer. `backward` seconds are shared out by multiplications.
fn buckets(layers: &[&Outline], forward: f64, backward: f64, size: f64) -> Vec<Bucket> {
    let macs: u64 = layers.iter().map(|layer| layer.macs).sum();
    let (mut now, mut line_free, mut bytes) = (forward, 0f64, 0.0);
    let mut buckets = Vec::new();
    for (left, layer) in layers.iter().enumerate().rev() {
        now += backward * layer.macs as f64 / macs as f64;
        bytes += 4.0 * layer.parameters as f64;
        if bytes > 0.0 && (bytes >= size || left == 0) {
            let begin = now.max(line_free);
            line_free = begin + ring(LINES, WORKERS, bytes);
            buckets.push(Bucket { ready: now, begin, end: line_free, bytes });
            bytes = 0.0;
        }
    }
    buckets
}
// ANCHOR_END: timeline

pub fn run(report: &mut Report) {
    let outline = why::outline(1);
    let layers = layers(&outline);
    let step = why::SHARD / why::device_rate();
    let (forward, backward) = (step / 3.0, step * 2.0 / 3.0);
    let end = |size: f64| buckets(&layers, forward, backward, size).last().expect("a bucket").end;
    let all = why::gradient_bytes();
    let (whole, parts) = (end(all), buckets(&layers, forward, backward, BUCKET));
    report.part("overlap", |report| {
        let row = |bucket: &Bucket| {
            let times = [bucket.ready, bucket.begin, bucket.end].map(|s| format!("{:.0}", 1e3 * s));
            [vec![format!("{:.1}", bucket.bytes / 1e6)], times.to_vec()].concat()
        };
        report.table(
            &["bucket, MB", "ready, ms", "begins", "ends"],
            &parts.iter().map(row).collect::<Vec<_>>(),
        );
    });
    let overlapped = end(BUCKET);
    let milliseconds = |s: f64| format!("{:.0}", 1e3 * s);
    report.value("step-waiting", milliseconds(whole));
    report.value("step-overlapped", milliseconds(overlapped));
    report.value("exchange", milliseconds(ring(LINES, WORKERS, all)));
    report.value("hidden", format!("{:.0}", 100.0 * (whole - overlapped) / ring(LINES, WORKERS, all)));
    let early: f64 = parts.iter().filter(|b| b.ready < forward + backward / 2.0).map(|b| b.bytes).sum();
    report.value("early", format!("{:.0}", 100.0 * early / all));
    let per_layer = end(0.0);
    report.value("step-by-layer", milliseconds(per_layer));
    report.claim("all bytes are sent once", {
        (parts.iter().map(|bucket| bucket.bytes).sum::<f64>() - all).abs() < 1.0
    });
    report.claim("overlap cannot end before the backward does, and helps", {
        overlapped > step && overlapped < whole
    });
    report.figure("ch16-overlap", drawings::timeline(forward, step, &parts, whole));
}
