//! ReLU against tanh: how many epochs a small network takes to a given training error, on today's terms and on those
//! of 2012.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::{self, Record},
        training::side_by_side,
    },
    racers::{Bend, DESIGNS, Design},
};
use residual::data::Dataset;

/// Training errors, in percent.
const LEVELS: [f64; 4] = [30.0, 25.0, 20.0, 15.0];
const EPOCHS: usize = 12;
const SEEDS: u64 = 3;

// ANCHOR: epochs_to
/// After how many epochs the error was `level` or less for the first time.
fn epochs_to(level: f64, errors: &[f64]) -> Option<f64> {
    let quarter = errors.iter().position(|&error| error <= level)?;
    Some((quarter + 1) as f64 / 4.0)
}
// ANCHOR_END: epochs_to

/// A short race, here and now: each network at one rate.
pub fn run(budget: Budget, report: &mut Report, pictures: &Dataset) {
    let (epochs, seeds) = if budget == Budget::Quick { (2, 1) } else { (6, 2) };
    let jobs: Vec<_> =
        DESIGNS.into_iter().flat_map(|design| (0..seeds).map(move |seed| (design, seed))).collect();
    let rate = |design: Design| design.rates()[1];
    let all = side_by_side(&jobs, |&(design, seed)| design.errors(rate(design), seed, pictures, epochs));
    let means: Vec<_> = all.chunks(seeds as usize).map(mean_way).collect();
    report.part("raced", |report| {
        report.line(format!("Training error in percent; seeds: {seeds}"));
        let row = |(design, errors): (&Design, &Vec<f64>)| {
            let shown = (1..=epochs).filter(|epoch| epochs < 3 || epoch % 2 == 0);
            let errors = shown.map(|epoch| format!("≈{:.0}", errors[4 * epoch - 1]));
            [vec![design.name().to_string(), rate(*design).to_string()], errors.collect()].concat()
        };
        let rows: Vec<_> = DESIGNS.iter().zip(&means).map(row).collect();
        let epochs: Vec<_> =
            (1..=epochs).filter(|e| epochs < 3 || e % 2 == 0).map(|e| format!("epoch {e}")).collect();
        let header: Vec<_> =
            ["network", "rate"].into_iter().chain(epochs.iter().map(String::as_str)).collect();
        report.table(&header, &rows);
    });
    let [today, then] = [DESIGNS[1], DESIGNS[3]].map(|design| design.pressed(pictures));
    report.value("pressed-today", format!("~{today:.0}"));
    report.value("pressed-then", format!("~{then:.0}"));
    report.claim("on the terms of 2012 many more of tanh's first numbers are pressed to its ends", {
        today < 15.0 && then > 35.0
    });
    report.claim("on today's terms both learn at once", means[..2].iter().all(|m| m[m.len() - 1] < 50.0));
}

/// The mean of several ways, place by place.
fn mean_way(ways: &[Vec<f64>]) -> Vec<f64> {
    (0..ways[0].len()).map(|i| record::mean(&ways.iter().map(|way| way[i]).collect::<Vec<_>>())).collect()
}

/// The long race, into the record: each network's mean way at each rate, and each seed's epochs to each level, 0 where
/// it does not get there.
pub fn full(pictures: &Dataset, record: &mut Record) {
    let jobs: Vec<_> = DESIGNS
        .into_iter()
        .flat_map(|design| design.rates().iter().map(move |&rate| (design, rate)))
        .flat_map(|(design, rate)| (0..SEEDS).map(move |seed| (design, rate, seed)))
        .collect();
    let all = side_by_side(&jobs, |&(design, rate, seed)| {
        let errors = design.errors(rate, seed, pictures, EPOCHS);
        eprintln!("{}, {rate}, seed {seed}: {:.1} %", design.name(), errors[errors.len() - 1]);
        errors
    });
    for (job, ways) in jobs.chunks(SEEDS as usize).zip(all.chunks(SEEDS as usize)) {
        let name = format!("{}, {}", job[0].0.name(), job[0].1);
        for level in LEVELS {
            let epochs = ways.iter().map(|errors| epochs_to(level, errors).unwrap_or(0.0));
            record.rows.push((format!("{name}: to {level}"), epochs.collect()));
        }
        let way = mean_way(ways).into_iter().map(|error| (100.0 * error).round() / 100.0);
        record.rows.push((name, way.collect()));
    }
}

/// The fewest epochs to `level`, a mean over seeds, and the rate that took them; rates at which a seed does not get
/// there are out.
fn fewest(record: &Record, design: Design, level: f64) -> Option<(f64, f64)> {
    let tried = design.rates().iter().filter_map(|&rate| {
        let epochs = record.row(&format!("{}, {rate}: to {level}", design.name()));
        epochs.iter().all(|&e| e > 0.0).then(|| (record::mean(epochs), rate))
    });
    tried.min_by(|a, b| a.0.total_cmp(&b.0))
}

/// What the long race found.
pub fn recorded(report: &mut Report, record: &Record) {
    report.part("recorded-race", |report| {
        report.line(record.origin());
        let cell = |design: Design, level: f64| match fewest(record, design, level) {
            Some((epochs, rate)) => format!("{epochs:.1} at {rate}"),
            None => format!("not in {EPOCHS}"),
        };
        let row = |&design: &Design| {
            [vec![design.name().to_string()], LEVELS.map(|level| cell(design, level)).to_vec()].concat()
        };
        let levels = LEVELS.map(|level| format!("to {level} %"));
        let header: Vec<_> = ["epochs"].into_iter().chain(levels.iter().map(String::as_str)).collect();
        report.table(&header, &DESIGNS.iter().map(row).collect::<Vec<_>>());
    });
    let to_25 =
        DESIGNS.map(|design| fewest(record, design, 25.0).map_or(f64::INFINITY, |(epochs, _)| epochs));
    for (epochs, name) in to_25.iter().zip(["today-relu", "today-tanh", "then-relu", "then-tanh"]) {
        report.value(name, format!("{epochs:.1}"));
    }
    let [relu, tanh, then_relu, then_tanh] = to_25;
    report.value("times-then", format!("{:.1}", then_tanh / then_relu));
    report
        .claim("on today's terms neither is sooner at 25 % by half", relu < 1.5 * tanh && tanh < 1.5 * relu);
    report.claim("on those of 2012 ReLU is sooner, and later than tanh on today's", {
        then_tanh > 1.2 * then_relu && then_relu > tanh
    });
    let ends = |design: Design| {
        design
            .rates()
            .iter()
            .map(move |rate| record.row(&format!("{}, {rate}", design.name()))[4 * EPOCHS - 1])
    };
    report.claim("of 2012's networks ReLU guesses at the two upper rates, and tanh at none", {
        ends(DESIGNS[2]).skip(2).all(|error| error > 85.0) && ends(DESIGNS[3]).all(|error| error < 50.0)
    });
    report.figure("ch06-race", figure(record));
}

/// Training error on the way, each at the rate that is the first at 20 %.
fn figure(record: &Record) -> String {
    let line = |(i, &design): (usize, &Design)| {
        let (_, rate) = fewest(record, design, 20.0).or(fewest(record, design, 25.0))?;
        let errors = record.row(&format!("{}, {rate}", design.name()));
        let points = errors.iter().enumerate().map(|(i, &error)| ((i + 1) as f64 / 4.0, error)).collect();
        Some(Line { label: design.name().into(), color: i + 1, dashed: design.bend == Bend::Tanh, points })
    };
    Chart {
        title: "Training error of four small networks against epochs, ReLU and tanh on the terms of today and of 2012"
            .into(),
        x: Axis { label: "epochs", range: [0.0, EPOCHS as f64], log: false },
        y: Axis { label: "% of training pictures wrong", range: [0.0, 80.0], log: false },
        lines: DESIGNS.iter().enumerate().filter_map(line).collect(),
        label_width: 96.0,
    }
    .svg()
}
