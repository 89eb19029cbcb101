//! What a step costs: a model with two constants of the lines and one of the devices.

use super::{common::Report, group::Wire, why};

/// Ten gigabits a second, and fifty microseconds until a message is under way.
pub const LINES: Wire = Wire { alpha: 50e-6, beta: 0.8e-9 };

// ANCHOR: model
/// Seconds of an all-reduce of so many bytes among `k` workers by a ring: each turn moves the k-th part.
pub fn ring(wire: Wire, k: f64, bytes: f64) -> f64 {
    2.0 * (k - 1.0) * wire.seconds(bytes / k)
}

/// The same by a server: its line carries everybody's numbers one after another, in and then out.
pub fn server(wire: Wire, k: f64, bytes: f64) -> f64 {
    2.0 * (k - 1.0) * wire.seconds(bytes)
}

/// How many times as fast `k` workers are as one that needs `alone` seconds for a step and exchanges nothing.
pub fn speed_up(alone: f64, k: f64, exchange: f64) -> f64 {
    alone / (alone / k + exchange)
}
// ANCHOR_END: model

pub fn run(report: &mut Report) {
    let bytes = why::gradient_bytes();
    // A batch of 256 for all of them together; or 32 for each.
    let whole = 256.0 / why::device_rate();
    let own = why::SHARD / why::device_rate();
    let fixed = |k: f64| speed_up(whole, k, ring(LINES, k, bytes));
    let efficiency = |exchange: f64| 100.0 * own / (own + exchange);
    report.part("model", |report| {
        let row = |k: f64| {
            let exchanges = [ring(LINES, k, bytes), server(LINES, k, bytes)];
            let milliseconds = exchanges.map(|s| format!("{:.0}", 1e3 * s));
            let efficiencies = exchanges.map(|s| format!("{:.0}", efficiency(s)));
            let fixed = [fixed(k), speed_up(whole, k, exchanges[1])].map(|times| format!("{times:.2}"));
            [vec![k.to_string()], milliseconds.into(), fixed.into(), efficiencies.into()].concat()
        };
        let header = [
            "workers",
            "ring, ms",
            "server, ms",
            "256: ring",
            "256: server",
            "32 each: ring, %",
            "server, %",
        ];
        report.table(&header, &[2.0, 4.0, 8.0, 16.0, 64.0, 256.0].map(row));
    });
    report.value("own-milliseconds", format!("{:.0}", 1e3 * own));
    report.value("whole-seconds", format!("{whole:.2}"));
    report.value("ring-256", format!("{:.0}", 1e3 * ring(LINES, 256.0, bytes)));
    report.value("server-256", format!("{:.0}", server(LINES, 256.0, bytes)));
    report.value("efficiency-256", format!("{:.0}", efficiency(ring(LINES, 256.0, bytes))));
    let limit = whole / (2.0 * LINES.beta * bytes);
    report.value("limit", format!("{limit:.1}"));
    // Where the derivative by k is zero: whole / k² = 2 alpha.
    let best = (whole / (2.0 * LINES.alpha)).sqrt();
    report.value("best-workers", format!("{best:.0}"));
    report.value("best-speed-up", format!("{:.1}", fixed(best)));
    report.claim("no number of workers does better than the best", {
        (1..1000).all(|k| fixed(f64::from(k)) <= fixed(best) + 0.01)
    });
    report.claim("a batch that stays as it is has a limit", fixed(best) < limit);
}
