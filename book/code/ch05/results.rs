//! What the long run found, as tables, figures and claims.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
        record::{Record, deviation, mean},
    },
    experiment::{SHOWN, all},
    figures,
    network::{Bend, Design, Pool},
    training::FARTHEST,
};

/// T-shirt, pullover, coat, shirt.
const UPPER: [usize; 4] = [0, 2, 4, 6];

pub fn run(report: &mut Report) {
    let record = Record::read("ch05");
    let rounded = |x: f64| format!("{x:.2}");
    report.part("recorded", |report| {
        report.line(record.origin());
        let row = |design: &Design| {
            let right = record.accuracies(design.name());
            let loss = format!("{:.3}", mean(&record.losses(design.name())));
            let cells = [mean(&right), least(&right), most(&right), deviation(&right)].map(rounded);
            [vec![design.name().into(), loss], cells.to_vec()].concat()
        };
        let rows: Vec<_> = all().iter().map(row).collect();
        report.table(&["network", "loss", "% right", "lowest", "highest", "deviation"], &rows);
    });
    for design in all() {
        let name = design.name().replace("'s", "").replace(", ", "-").replace(' ', "-");
        let right = mean(&record.accuracies(design.name()));
        report.value(&format!("right-{name}"), format!("{right:.1}"));
    }
    pools(report, &record);
    shifts(report, &record);
    confusion(report, record.row("confusion"));
    figures::filters(report, record.row("filters"));
    report.figure("ch05-curve", curve(&record));
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Maximum against mean, seed by seed, with the same before both.
fn pools(report: &mut Report, record: &Record) {
    let mut gains = Vec::new();
    for bend in [Bend::Nothing, Bend::Relu, Bend::Tanh] {
        let [max, average] = [Pool::Max, Pool::Average].map(|pool| Design::Variant(pool, bend).name());
        let [from, to] = [average, max].map(|name| record.accuracies(name));
        gains.extend(to.iter().zip(&from).map(|(to, from)| to - from));
        let [more, less] = [average, max].map(|name| mean(&record.losses(name)));
        report.claim("a mean leaves a higher training loss than a maximum", more > less + 0.02);
    }
    report.value("max-gain", format!("{:.1}", mean(&gains)));
    report.value("max-gain-least", format!("{:.1}", least(&gains)));
    report
        .claim("a maximum is a point better than a mean, for every bend and every seed", least(&gains) > 1.0);
}

/// The rows of `design`, one for each seed.
fn rows<'a>(record: &'a Record, design: Design, what: &str) -> Vec<&'a [f64]> {
    let of_seed =
        |run: &super::common::record::Run| record.row(&format!("{}, {}: {what}", run.name, run.seed));
    record.runs.iter().filter(|run| run.name == design.name()).map(of_seed).collect()
}

fn mean_row(rows: &[&[f64]]) -> Vec<f64> {
    (0..rows[0].len()).map(|i| mean(&rows.iter().map(|row| row[i]).collect::<Vec<_>>())).collect()
}

fn shifts(report: &mut Report, record: &Record) {
    report.part("shifts", |report| {
        let row = |design: &Design| {
            let means = mean_row(&rows(record, *design, "shifted"));
            [vec![design.name().into()], means.iter().map(|right| format!("{right:.1}")).collect()].concat()
        };
        let rows: Vec<_> = all().iter().map(row).collect();
        report.table(&["% right, moved by", "0", "1", "2", "3"], &rows);
    });
    let [taught, dense] = SHOWN.map(|design| rows(record, design, "shifted"));
    for (name, of) in [("taught", &taught), ("dense", &dense)] {
        let means = mean_row(of);
        for (by, right) in means.iter().enumerate() {
            report.value(&format!("{name}-moved-{by}"), format!("{right:.1}"));
        }
    }
    report.claim("at two pixels LeNet-5's worst seed is five points above the best fully connected one", {
        let at_two = |rows: &[&[f64]]| rows.iter().map(|row| row[2]).collect::<Vec<_>>();
        least(&at_two(&taught)) > most(&at_two(&dense)) + 5.0
    });
    report.claim("and LeNet-5 itself loses more than fifteen points at three", {
        taught.iter().all(|row| row[0] > row[FARTHEST] + 15.0)
    });
    let line = |design: Design, color, label: &str| Line {
        label: label.into(),
        color,
        dashed: false,
        points: mean_row(&rows(record, design, "shifted"))
            .into_iter()
            .enumerate()
            .map(|(i, y)| (i as f64, y))
            .collect(),
    };
    let chart = Chart {
        title: "Accuracy on pictures moved by 0 to 3 pixels: LeNet-5 falls, a fully connected network falls faster"
            .into(),
        x: Axis { label: "pixels moved", range: [0.0, FARTHEST as f64], log: false },
        y: Axis { label: "% of unseen pictures right", range: [20.0, 90.0], log: false },
        lines: vec![
            line(Design::Taught, 1, "LeNet-5"),
            line(Design::Variant(Pool::Average, Bend::Tanh), 3, "average, tanh"),
            line(Design::Dense, 2, "fully connected"),
        ],
        label_width: 118.0,
    };
    report.figure("ch05-shifts", chart.svg());
}

fn confusion(report: &mut Report, counts: &[f64]) {
    let of = |label: usize, guess: usize| counts[10 * label + guess];
    let pairs = |among: &[usize]| {
        let each = among.iter().flat_map(|&a| among.iter().map(move |&b| (a, b)));
        each.filter(|(a, b)| a != b).map(|(a, b)| of(a, b)).sum::<f64>()
    };
    let classes: Vec<_> = (0..10).collect();
    let share = 100.0 * pairs(&UPPER) / pairs(&classes);
    report.value("upper-share", format!("{share:.0}"));
    // A hundredth of the test pictures' thousand of a class, over all seeds.
    let percent =
        |label: usize, guess: usize| 100.0 * of(label, guess) / (0..10).map(|g| of(label, g)).sum::<f64>();
    for (name, label, guess) in [
        ("shirt", 6, 6),
        ("shirt-t-shirt", 6, 0),
        ("shirt-pullover", 6, 2),
        ("shirt-coat", 6, 4),
        ("trouser", 1, 1),
    ] {
        report.value(&format!("confused-{name}"), format!("{:.0}", percent(label, guess)));
    }
    report.claim(
        "twelve of ninety confusions, among four garments, are more than half of all errors",
        share > 55.0,
    );
    let worst = (0..10).filter(|&c| c != 6).all(|c| percent(c, c) > percent(6, 6) + 5.0);
    report.claim("a shirt is named rightly least often, by five points and more", worst);
    report.figure("ch05-confusion", figures::confusion(&|label, guess| percent(label, guess)));
}

/// Accuracy on the way: each seed thin, their mean thick.
fn curve(record: &Record) -> String {
    let mut lines = Vec::new();
    for (design, label, color) in [(SHOWN[0], "LeNet-5", 1), (SHOWN[1], "fully connected", 2)] {
        let [steps, right] = ["step", "right"].map(|what| rows(record, design, what));
        let along = |right: &[f64]| steps[0].iter().copied().zip(right.iter().copied()).collect();
        let of = |label: &str, dashed, points| Line { label: label.into(), color, dashed, points };
        lines.extend(right.iter().map(|right| of("", true, along(right))));
        lines.push(of(label, false, along(&mean_row(&right))));
    }
    Chart {
        title: "Accuracy on unseen pictures against steps of training, LeNet-5 and a fully connected network"
            .into(),
        x: Axis { label: "steps of 32 pictures", range: [0.0, 930.0], log: false },
        y: Axis { label: "% of unseen pictures right", range: [50.0, 90.0], log: false },
        lines,
        label_width: 118.0,
    }
    .svg()
}
