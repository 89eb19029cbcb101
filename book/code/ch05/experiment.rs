//! Who trains, for how long, and what is written down.

use super::{
    common::{
        Budget, Report,
        record::{Record, Run},
        training::{Data, Recipe, each, side_by_side},
    },
    network::{Design, VARIANTS},
    training::{self, Trained},
};
use residual::data::{self, Dataset, Sets};
use std::time::Instant;

/// Pictures on which a network is examined on the way, and on shifted ones.
const WATCHED: usize = 1_000;
const SEEDS: u64 = 3;

/// The two whose way is shown.
pub const SHOWN: [Design; 2] = [Design::Taught, Design::Dense];

pub fn fashion() -> Sets {
    data::open("fashion-mnist").expect("the data set comes with the repository")
}

/// Trains now, and shows what a longer run found.
pub fn run(budget: Budget, report: &mut Report) {
    let sets = fashion();
    let (unseen, batch, steps) = match budget {
        Budget::Quick => (500, 32, 60),
        _ => (WATCHED, 32, 930),
    };
    let recipe = Recipe { batch, steps, rate: 0.03 };
    let data = Data { seen: sets.train, unseen: sets.test.select(0..unseen), recipe };
    if budget == Budget::Full {
        report.record = Some(full(&data, &sets.test));
        report.claim("the long run is done", true);
    } else {
        now(&data, report);
    }
}

/// One network of each kind, here and now.
fn now(data: &Data, report: &mut Report) {
    let steps = data.recipe.steps;
    let shifted = training::all_shifted(&data.unseen);
    let mut trained = side_by_side(&SHOWN, |design| {
        let mut trained = training::train(*design, data, 0, steps / 3);
        let shifts = training::over_shifts(&mut trained.net, &shifted);
        (trained, shifts)
    });
    report.part("trained", |report| {
        let unseen = data.unseen.len();
        report
            .line(format!("{steps} steps of {} pictures, examined on {unseen}; one seed", data.recipe.batch));
        let rows: Vec<_> = trained.iter().map(|(trained, shifts)| row_of(trained, shifts)).collect();
        report.table(&["network", "loss", "% right", "moved 1", "2", "3"], &rows);
    });
    let learned = trained.iter_mut().all(|(trained, _)| {
        let counts = training::confusion(&mut trained.net, &data.unseen);
        trained.accuracy() > 40.0 && (diagonal(&counts) - trained.accuracy()).abs() < 1.0
    });
    report.claim("both networks learn", learned);
    if steps > 100 {
        let at_two = [0, 1].map(|i| trained[i].1[2]);
        report.claim("moved by two pixels, LeNet-5 is ahead", at_two[0] > at_two[1] + 3.0);
    }
}

fn row_of(trained: &Trained, shifts: &[f64]) -> Vec<String> {
    let last = trained.curve.last().expect("a curve has points");
    let mut row = vec![trained.design.name().into(), format!("≈{:.3}", last.loss)];
    row.extend(shifts.iter().map(|right| format!("≈{right:.1}")));
    row
}

/// The share of a table of counts that lies on its diagonal, in percent.
pub fn diagonal(counts: &[f64]) -> f64 {
    let classes = (counts.len() as f64).sqrt() as usize;
    let right: f64 = (0..classes).map(|i| counts[i * classes + i]).sum();
    100.0 * right / counts.iter().sum::<f64>()
}

pub fn all() -> Vec<Design> {
    VARIANTS.into_iter().chain([Design::Paper, Design::Dense]).collect()
}

/// The long run.
fn full(data: &Data, unseen: &Dataset) -> Record {
    eprintln!("24 trainings: about five minutes of processor time");
    let start = Instant::now();
    let shifted = training::all_shifted(&data.unseen);
    let done = side_by_side(&each(&all(), SEEDS), |&(design, seed)| {
        let mut trained = training::train(design, data, seed, data.recipe.steps / 10);
        let counts = training::confusion(&mut trained.net, unseen);
        let shifts = training::over_shifts(&mut trained.net, &shifted);
        eprintln!("{}, seed {seed}: {:.2} %, moved {shifts:.1?}", design.name(), diagonal(&counts));
        (trained, counts, shifts)
    });
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let runs = done.iter().map(|(trained, counts, _)| Run {
        name: trained.design.name().into(),
        seed: trained.seed,
        loss: trained.curve.last().expect("a curve has points").loss,
        accuracy: diagonal(counts),
    });
    let command = "cargo run --release --example ch05_lenet -- --full --write";
    let mut record = Record::new(command, minutes, runs.collect());
    let mut confusion = vec![0.0; 100];
    for (mut trained, counts, shifts) in done {
        let (name, seed) = (trained.design.name(), trained.seed);
        record.rows.push((format!("{name}, {seed}: shifted"), shifts));
        if SHOWN.contains(&trained.design) {
            let of = |what: fn(&training::Point) -> f64| trained.curve.iter().map(what).collect();
            record.rows.push((format!("{name}, {seed}: step"), of(|point| point.step as f64)));
            record.rows.push((format!("{name}, {seed}: loss"), of(|point| point.loss)));
            record.rows.push((format!("{name}, {seed}: right"), of(|point| point.accuracy)));
        }
        if trained.design == Design::Taught {
            confusion.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            if seed == 0 {
                record.rows.push(("filters".into(), training::first_filters(&mut trained.net)));
            }
        }
    }
    record.rows.push(("confusion".into(), confusion));
    record
}
