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
        let spread =
            if accuracies.len() > 1 { format!("{mark}{:.2}", deviation(&accuracies)) } else { "-".into() };
        let numbers =
            [mean(&record.losses(&name)), mean(&accuracies)].map(|number| format!("{mark}{number:.2}"));
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

/// What the long run found.
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
    report.part("hot", |report| {
        long_table(report, record, SHORT, &[&[Change::Nothing][..], &Change::HOT].concat())
    });
    report_gains(report, record);
    report_sure(report, record);
    report_lengths(report, record);
    report_falls(report, record);
    report.figure("ch14-bars", figures::bars(record, [SHORT, LONG]));
}

/// Whose differences are clear.
fn clear(record: &Record, length: Length) -> Vec<&'static str> {
    let changes = Change::EACH[1..].iter().filter(|&&change| is_clear(&gains(record, length, change)));
    changes.map(|change| change.name()).collect()
}

fn report_gains(report: &mut Report, record: &Record) {
    let gain = |length, change| mean(&gains(record, length, change));
    let changes = [
        ("momentum", Change::Momentum),
        ("paid", Change::MomentumPaid),
        ("schedule", Change::Schedule),
        ("decay", Change::Decay),
        ("smoothing", Change::Smoothing),
        ("augmentation", Change::Augmentation),
        ("all", Change::All),
    ];
    for (name, length) in [("short", SHORT), ("long", LONG)] {
        for (what, change) in changes {
            report.value(&format!("{name}-{what}"), format!("{:.1}", gain(length, change).abs()));
        }
        for (what, change) in [("whole", Change::Nothing), ("bare", Change::Augmentation)] {
            let moved = found(record, length, change, "moved");
            report.value(&format!("{name}-moved-{what}"), format!("{moved:.1}"));
        }
        let right = mean(&record.accuracies(&length.called(Change::Nothing)));
        report.value(&format!("{name}-whole"), format!("{right:.1}"));
    }
    report.claim("in ten epochs, momentum, augmentation and all six together make a clear difference", {
        clear(record, SHORT) == [Change::Momentum, Change::Augmentation, Change::All].map(Change::name)
    });
    let settled =
        [Change::Momentum, Change::MomentumPaid, Change::Schedule, Change::Steps, Change::Smoothing];
    report.claim(
        "in sixty, momentum, the schedule and smoothing do",
        clear(record, LONG) == settled.map(Change::name),
    );
    report.claim("leaving out augmentation gains in ten epochs, and loses from each seed in sixty", {
        gain(SHORT, Change::Augmentation) > 3.0
            && gains(record, LONG, Change::Augmentation).iter().all(|&gain| gain < 0.0)
    });
    report.claim("most of what momentum costs comes back with the rate", {
        gain(SHORT, Change::MomentumPaid) > 0.1 * gain(SHORT, Change::Momentum)
            && gain(LONG, Change::MomentumPaid) > 0.2 * gain(LONG, Change::Momentum)
    });
    report.claim("leaving out all six costs less than leaving out momentum", {
        [SHORT, LONG].iter().all(|&length| gain(length, Change::All) > gain(length, Change::Momentum))
    });
    report.claim("without augmentation, moved pictures are named worse by 20 points and more", {
        [SHORT, LONG].iter().all(|&length| {
            let [whole, bare] =
                [Change::Nothing, Change::Augmentation].map(|change| found(record, length, change, "moved"));
            bare < whole - 20.0
        })
    });
    let spread = |change: Change| deviation(&record.accuracies(&SHORT.called(change)));
    let unlucky = gains(record, SHORT, Change::Schedule).into_iter().fold(0.0f64, f64::min);
    let cold = record.accuracies(&SHORT.called(Change::HotAtOnce));
    let worst = cold.iter().fold(100.0f64, |worst, &right| worst.min(right));
    report.value("lottery", format!("{:.2}", spread(Change::Schedule)));
    report.value("calm", format!("{:.2}", spread(Change::Nothing)));
    report.value("unlucky", format!("{:.1}", -unlucky));
    report.value("hot-loss", format!("{:.1}", gain(SHORT, Change::Hot) - gain(SHORT, Change::HotAtOnce)));
    report.value("hot-spread", format!("{:.1}", spread(Change::Hot)));
    report.value("cold-spread", format!("{:.1}", spread(Change::HotAtOnce)));
    report.value("cold-worst", format!("{worst:.1}"));
    report.claim(
        "at ten times the rate, no warm-up costs points and makes the spread three times as wide",
        {
            gain(SHORT, Change::HotAtOnce) < gain(SHORT, Change::Hot) - 3.0
                && spread(Change::HotAtOnce) > 3.0 * spread(Change::Hot)
        },
    );
}

/// How sure networks are of their answers, with smoothed labels and without.
fn report_sure(report: &mut Report, record: &Record) {
    let changes = [Change::Nothing, Change::Smoothing];
    report.part("sure", |report| {
        let rows = [SHORT, LONG].iter().flat_map(|&length| changes.map(|change| (length, change)));
        let rows = rows.map(|(length, change)| {
            let number = |what: &str| found(record, length, change, what);
            let right = mean(&record.accuracies(&length.called(change)));
            let cells = [right, number("sure")].map(|number| format!("{number:.1}"));
            [vec![length.called(change)], cells.to_vec(), vec![format!("{:.3}", number("surprise"))]].concat()
        });
        report.table(&["", "% right", "% sure", "surprise"], &rows.collect::<Vec<_>>());
    });
    for (name, change) in [("whole", Change::Nothing), ("bare", Change::Smoothing)] {
        report.value(&format!("sure-{name}"), format!("{:.1}", found(record, LONG, change, "sure")));
        report.value(&format!("surprise-{name}"), format!("{:.2}", found(record, LONG, change, "surprise")));
        let right = mean(&record.accuracies(&LONG.called(change)));
        report.value(&format!("right-{name}"), format!("{right:.1}"));
    }
    let bold = |change| found(record, LONG, change, "sure") - mean(&record.accuracies(&LONG.called(change)));
    report.claim("bare labels make too bold, smoothed ones too modest", {
        bold(Change::Smoothing) > 2.0 && bold(Change::Nothing) < -2.0
    });
}

/// What became of the length of all weights that a norm follows.
fn report_lengths(report: &mut Report, record: &Record) {
    let [whole, bare] = [Change::Nothing, Change::Decay].map(|change| found(record, LONG, change, "longer"));
    report.value("longer-whole", format!("{whole:.2}"));
    report.value("longer-bare", format!("{bare:.2}"));
    report.value("slower", format!("{:.1}", (bare / whole).powi(2)));
    report.claim("without decay the filters become longer", bare > 1.1 * whole);
}

fn report_falls(report: &mut Report, record: &Record) {
    let losses = |change| record.row(&format!("{}: losses", LONG.called(change)));
    let [steps, constant, cosine] = [Change::Steps, Change::Schedule, Change::Nothing].map(losses);
    // The first milestone lies in the epoch after half of the steps that follow the warm-up.
    let milestone = LONG.0 * 21 / 40;
    report.value("fall-before", format!("{:.2}", mean(&steps[milestone - 5..milestone])));
    report.value("fall-after", format!("{:.2}", mean(&steps[milestone + 1..milestone + 6])));
    report.value("constant-end", format!("{:.2}", constant[LONG.0 - 1]));
    report.value("cosine-end", format!("{:.2}", cosine[LONG.0 - 1]));
    report.claim("the loss falls with the rate, and not before", {
        mean(&steps[milestone + 1..milestone + 6]) < mean(&steps[milestone - 5..milestone]) - 0.04
            && cosine[LONG.0 - 1] < constant[LONG.0 - 1] - 0.05
    });
    report.figure("ch14-falls", falls(record));
}

/// Training loss against the epoch, by the schedule.
fn falls(record: &Record) -> String {
    let line = |(change, label, color): (Change, &str, usize)| {
        let losses = record.row(&format!("{}: losses", LONG.called(change)));
        let points = losses.iter().enumerate().map(|(epoch, &loss)| (epoch as f64 + 1.0, loss)).collect();
        Line { label: label.into(), color, dashed: false, points }
    };
    let changes =
        [(Change::Schedule, "constant", 6), (Change::Steps, "two steps", 3), (Change::Nothing, "cosine", 1)];
    Chart {
        title: "Training loss over sixty epochs by the schedule: at a constant rate it stays highest, with two steps down it \
                falls at each, along a cosine it ends lowest"
            .into(),
        x: Axis { label: "epoch", range: [0.0, 60.0], log: false },
        y: Axis { label: "training loss", range: [0.8, 1.2], log: false },
        lines: changes.map(line).into(),
        label_width: 84.0,
    }
    .svg()
}
