//! What was found: tables, figures, claims.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
        record::{Record, deviation, mean, standard_error},
    },
    figures,
    leave_out::{LONG, Length, SHORT},
    recipe::Change,
};

// ANCHOR: clear
/// Whether seeds settle a difference: all have the same sign, and the mean is more than four standard errors from zero.
pub fn is_clear(gains: &[f64]) -> bool {
    let agree = gains.iter().all(|&gain| gain > 0.0) || gains.iter().all(|&gain| gain < 0.0);
    agree && mean(gains).abs() > 4.0 * standard_error(gains)
}
// ANCHOR_END: clear

/// What a change gains over the whole recipe, seed by seed.
fn gains(record: &Record, length: Length, change: Change) -> Vec<f64> {
    record.gains(&length.called(Change::Nothing), &length.called(change))
}

fn found(record: &Record, length: Length, change: Change, what: &str) -> f64 {
    mean(record.row(&format!("{}: {what}", length.called(change))))
}

/// A row for each change; numbers that another processor would change are marked.
pub fn table(report: &mut Report, record: &Record, length: Length, changes: &[Change], mark: &str) {
    let rows = changes.iter().map(|&change| {
        let name = length.called(change);
        let accuracies = record.accuracies(&name);
        let spread = if accuracies.len() > 1 { format!("{mark}{:.2}", deviation(&accuracies)) } else { "-".into() };
        let numbers = [mean(&record.losses(&name)), mean(&accuracies)].map(|number| format!("{mark}{number:.2}"));
        let moved = format!("{mark}{:.2}", found(record, length, change, "moved"));
        [vec![change.name().to_string()], numbers.to_vec(), vec![spread, moved]].concat()
    });
    report.table(&["", "loss", "% right", "deviation", "% moved"], &rows.collect::<Vec<_>>());
}

/// The same for the record, with gains.
fn long_table(report: &mut Report, record: &Record, length: Length, changes: &[Change]) {
    let rows = changes.iter().map(|&change| {
        let name = length.called(change);
        let accuracies = record.accuracies(&name);
        let gains = gains(record, length, change);
        let [gain, error] = if change == Change::Nothing {
            ["", ""].map(String::from)
        } else {
            [signed(mean(&gains)), format!("{:.2}", standard_error(&gains))]
        };
        let clear = if change != Change::Nothing && is_clear(&gains) { "clear" } else { "" };
        let numbers = [mean(&record.losses(&name)), mean(&accuracies), deviation(&accuracies)];
        [
            vec![change.name().to_string()],
            numbers.map(|number| format!("{number:.2}")).to_vec(),
            vec![gain, error, clear.into(), format!("{:.2}", found(record, length, change, "moved"))],
        ]
        .concat()
    });
    let header = ["", "loss", "% right", "deviation", "gain", "error", "", "% moved"];
    report.table(&header, &rows.collect::<Vec<_>>());
}

fn signed(gain: f64) -> String {
    format!("{gain:+.2}").replace('-', "−")
}

pub fn recorded(report: &mut Report, record: &Record) {
    for (name, length, seeds) in [("short", SHORT, 8), ("long", LONG, 5)] {
        report.part(name, |report| {
            if length == SHORT {
                report.line(record.origin());
            }
            report.line(format!("{} epochs, {} steps; {seeds} seeds", length.0, length.steps()));
            long_table(report, record, length, &Change::EACH);
        });
    }
    report.part("hot", |report| long_table(report, record, SHORT, &[&[Change::Nothing][..], &Change::HOT].concat()));
    report.part("sure", |report| {
        let changes = [Change::Nothing, Change::Smoothing];
        let rows = [SHORT, LONG].iter().flat_map(|&length| changes.map(|change| (length, change)));
        let rows = rows.map(|(length, change)| {
            let number = |what: &str| found(record, length, change, what);
            let right = mean(&record.accuracies(&length.called(change)));
            let cells = [right, number("sure")].map(|number| format!("{number:.1}"));
            [vec![length.called(change)], cells.to_vec(), vec![format!("{:.3}", number("surprise"))]].concat()
        });
        report.table(&["", "% right", "% sure", "surprise"], &rows.collect::<Vec<_>>());
    });
    report.figure("ch14-bars", figures::bars(record, [SHORT, LONG]));
    report.figure("ch14-falls", falls(record));
}

/// Training loss against the epoch, by the schedule.
fn falls(record: &Record) -> String {
    let line = |(change, label, color): (Change, &str, usize)| {
        let losses = record.row(&format!("{}: losses", LONG.called(change)));
        let points = losses.iter().enumerate().map(|(epoch, &loss)| (epoch as f64 + 1.0, loss)).collect();
        Line { label: label.into(), color, dashed: false, points }
    };
    let changes = [(Change::Schedule, "constant", 6), (Change::Steps, "two steps", 3), (Change::Nothing, "cosine", 1)];
    Chart {
        title: "Training loss over sixty epochs by the schedule: at a constant rate it stays highest, with two steps down it \
                falls at each, along a cosine it ends as low"
            .into(),
        x: Axis { label: "epoch", range: [0.0, 60.0], log: false },
        y: Axis { label: "training loss", range: [0.7, 1.3], log: false },
        lines: changes.map(line).into(),
        label_width: 84.0,
    }
    .svg()
}
