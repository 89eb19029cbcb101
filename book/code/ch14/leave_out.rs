//! One ingredient left out at a time, in a short training and in a long one.

use super::{
    common::{
        Budget, Report,
        record::{Record, Run, mean},
        thousands,
        training::side_by_side,
    },
    exam::{Exam, length},
    figures,
    recipe::{BATCH, Change, network},
};
use residual::{
    Shape,
    data::{self, Dataset},
    nn::Layer,
};
use std::time::Instant;

/// How many pictures are learned from.
const PICTURES: usize = 1_024;

/// How often each picture is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub usize);

pub const SHORT: Length = Length(10);
pub const LONG: Length = Length(60);

impl Length {
    pub fn steps(self) -> usize {
        self.0 * PICTURES / BATCH
    }

    /// What a training of this length is called in a record.
    pub fn called(self, change: Change) -> String {
        format!("{}, {} epochs", change.name(), self.0)
    }
}

#[derive(Clone)]
struct Job {
    length: Length,
    change: Change,
    seed: u64,
}

fn jobs(length: Length, changes: &[Change], seeds: u64) -> Vec<Job> {
    let each = changes.iter().flat_map(|&change| (0..seeds).map(move |seed| Job { length, change, seed }));
    each.collect()
}

/// Of one training: what goes into a record, what else was found, and the loss of each epoch.
struct Found {
    run: Run,
    rows: Vec<(&'static str, f64)>,
    losses: Vec<f64>,
}

/// Trains each job's network, and examines it.
fn train(seen: &Dataset, exam: &Exam, &Job { length: long, change, seed }: &Job) -> Found {
    let mut net = network(seed);
    let before = length(&mut net);
    let losses = change.recipe().train(&mut net, seen, long.steps(), seed);
    let marks = exam.of(&mut net);
    if long == LONG {
        eprintln!("{}, seed {seed}: {:.2} %", long.called(change), marks.accuracy);
    }
    let loss = rounded(mean(&losses[losses.len() - PICTURES / BATCH..]));
    let rows = [
        ("moved", marks.moved),
        ("surprise", marks.surprise),
        ("sure", marks.sure),
        ("longer", length(&mut net) / before),
    ];
    let losses = losses.chunks(PICTURES / BATCH).map(mean).collect();
    Found {
        run: Run { name: long.called(change), seed, loss, accuracy: marks.accuracy },
        rows: rows.into(),
        losses,
    }
}

/// Everything that was found, as a record; rows have a number for each seed, those of losses one for each epoch.
fn collected(found: Vec<Found>) -> (Vec<Run>, Vec<(String, Vec<f64>)>) {
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    let mut losses: Vec<(String, Vec<Vec<f64>>)> = Vec::new();
    for Found { run, rows: numbers, losses: of_epochs } in &found {
        for (what, number) in numbers {
            let name = format!("{}: {what}", run.name);
            let rounded = rounded(*number);
            match rows.iter_mut().find(|row| row.0 == name) {
                Some(row) => row.1.push(rounded),
                None => rows.push((name, vec![rounded])),
            }
        }
        let name = format!("{}: losses", run.name);
        match losses.iter_mut().find(|row| row.0 == name) {
            Some(row) => row.1.push(of_epochs.clone()),
            None => losses.push((name, vec![of_epochs.clone()])),
        }
    }
    for (name, seeds) in losses {
        let of_epoch = |epoch: usize| mean(&seeds.iter().map(|losses| losses[epoch]).collect::<Vec<_>>());
        rows.push((name, (0..seeds[0].len()).map(|epoch| rounded(of_epoch(epoch))).collect()));
    }
    (found.into_iter().map(|found| found.run).collect(), rows)
}

/// To four decimals; a training that overflows is given a high loss.
fn rounded(number: f64) -> f64 {
    if number.is_finite() { (1e4 * number).round() / 1e4 } else { 99.0 }
}

pub fn run(budget: Budget, report: &mut Report) {
    let sets = data::open("fashion-mnist").expect("the data set comes with the repository");
    let seen = sets.train.select(0..PICTURES);
    let outline = Layer::outline(&network(0), Shape::from([1, 28, 28, 1]));
    report.value("parameters", thousands(outline.parameters as u64));
    report.value("macs", thousands(outline.macs));
    report.figure("ch14-moved", figures::moved(&seen));
    let trained = |exam: &Exam, jobs: &[Job]| collected(side_by_side(jobs, |job| train(&seen, exam, job)));
    match budget {
        Budget::Full => {
            let exam = Exam::new(&sets.test, 10_000);
            let short = [&Change::EACH[..], &Change::HOT].concat();
            let all = [jobs(SHORT, &short, 8), jobs(LONG, &Change::EACH, 5)].concat();
            eprintln!("{} trainings: four minutes of processor time", all.len());
            let start = Instant::now();
            let (runs, rows) = trained(&exam, &all);
            let minutes = start.elapsed().as_secs_f64() / 60.0;
            let command = "cargo run --release --example ch14_recipe -- --full --write";
            report.record = Some(Record { rows, ..Record::new(command, minutes, runs) });
            return;
        }
        Budget::Standard => now(report, SHORT, &Change::EACH, 3, Exam::new(&sets.test, 2_000), trained),
        Budget::Quick => {
            let changes = [Change::Nothing, Change::Momentum, Change::MomentumPaid];
            now(report, Length(3), &changes, 1, Exam::new(&sets.test, 500), trained);
        }
    }
    super::results::recorded(report, &Record::read("ch14"));
}

/// Trains each change from so many seeds, here and now.
fn now(
    report: &mut Report,
    length: Length,
    changes: &[Change],
    seeds: u64,
    exam: Exam,
    trained: impl Fn(&Exam, &[Job]) -> (Vec<Run>, Vec<(String, Vec<f64>)>),
) {
    let (runs, rows) = trained(&exam, &jobs(length, changes, seeds));
    let record = Record { runs, rows, ..Record::default() };
    report.part("now", |report| {
        let [unseen, moved] = exam.len().map(|count| thousands(count as u64));
        let (steps, epochs) = (length.steps(), length.0);
        report.line(format!(
            "{epochs} epochs, {steps} steps; {unseen} unseen pictures, {moved} moved; seeds: {seeds}"
        ));
        super::results::table(report, &record, length, changes, "≈");
    });
    let right = |change: Change| mean(&record.accuracies(&length.called(change)));
    report.claim("every training learns", record.runs.iter().all(|run| run.accuracy > 20.0));
    report.claim("without momentum at its rate it learns much less", {
        right(Change::Momentum) < right(Change::Nothing) - 4.0
    });
    report.claim("without momentum at ten times the rate it does not", {
        right(Change::MomentumPaid) > right(Change::Nothing) - 4.0
    });
}
