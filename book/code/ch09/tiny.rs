//! The same pictures in batches of 32 down to 2.

use super::{
    common::{
        Report,
        record::{Record, Run, mean},
        training::{self, Data, side_by_side},
    },
    modes::accuracy_by_batches,
    network::{Descent, Kind},
};

const BATCHES: [usize; 4] = [32, 8, 4, 2];
const KINDS: [Kind; 3] = [Kind::Plain, Kind::Norm, Kind::Head];

fn called(kind: Kind, batch: usize) -> String {
    let name = match kind {
        Kind::Plain => "no norm",
        Kind::Norm => "batch norm",
        Kind::Head => "in the head too",
    };
    format!("{name}, {batch}")
}

/// Trains on `pictures` pictures in batches of every size, from so many seeds. A run's `accuracy` is by running
/// averages; a second one, "…, by batches", is examined by batches of 250.
pub fn runs(data: &Data, pictures: usize, seeds: u64) -> Vec<Run> {
    let jobs = KINDS.iter().flat_map(|&kind| {
        let sizes = BATCHES.iter();
        sizes.flat_map(move |&batch| (0..seeds).map(move |seed| (kind, batch, seed)))
    });
    let found = side_by_side(&jobs.collect::<Vec<_>>(), |&(kind, batch, seed)| {
        let mut net = kind.network(seed);
        let steps = pictures / batch;
        // ANCHOR: rate
        let rate = 0.25 * batch as f64 / 32.0;
        // ANCHOR_END: rate
        let losses = Descent::new(batch, steps, rate).run(&mut net, &data.seen, seed, |_, _| ());
        let loss = mean(&losses[steps - steps / 10..]);
        let name = called(kind, batch);
        let by_averages = training::accuracy(&mut net, &data.unseen);
        let by_batches = accuracy_by_batches(&mut net, &data.unseen);
        [
            Run { name: name.clone(), seed, loss, accuracy: by_averages },
            Run { name: format!("{name}, by batches"), seed, loss, accuracy: by_batches },
        ]
    });
    found.into_iter().flatten().collect()
}

pub fn table(report: &mut Report, record: &Record, mark: &str) {
    let rows = KINDS.iter().flat_map(|&kind| BATCHES.iter().map(move |&batch| (kind, batch)));
    let rows = rows.map(|(kind, batch)| {
        let name = called(kind, batch);
        let numbers = match kind {
            Kind::Plain => "-".into(),
            Kind::Norm => (49 * batch).to_string(),
            Kind::Head => batch.to_string(),
        };
        let [averages, batches] = [name.clone(), format!("{name}, by batches")]
            .map(|name| format!("{mark}{:.0}", mean(&record.accuracies(&name))));
        let loss = format!("{mark}{:.2}", mean(&record.losses(&name)));
        vec![name, numbers, loss, averages, batches]
    });
    let header = ["network, batch", "fewest m", "loss", "% by averages", "by 250"];
    report.table(&header, &rows.collect::<Vec<_>>());
}

pub fn report_recorded(report: &mut Report, record: &Record) {
    report.part("tiny", |report| table(report, record, ""));
    let loss = |kind, batch| mean(&record.losses(&called(kind, batch)));
    let accuracy = |kind, batch| mean(&record.accuracies(&called(kind, batch)));
    for (name, kind) in [("plain", Kind::Plain), ("norm", Kind::Norm), ("head", Kind::Head)] {
        for batch in [32, 2] {
            report.value(&format!("{name}-loss-{batch}"), format!("{:.2}", loss(kind, batch)));
        }
    }
    for (name, kind, batch) in [
        ("plain-right-2", Kind::Plain, 2),
        ("norm-right-32", Kind::Norm, 32),
        ("norm-right-2", Kind::Norm, 2),
        ("head-right-32", Kind::Head, 32),
        ("head-right-2", Kind::Head, 2),
    ] {
        report.value(name, format!("{:.0}", accuracy(kind, batch)));
    }
    report.claim("without a norm, batches of 2 do no harm", {
        loss(Kind::Plain, 2) < loss(Kind::Plain, 32) + 0.1
    });
    report.claim("with batch norm, loss rises as batches shrink", {
        loss(Kind::Norm, 2) > loss(Kind::Norm, 4) + 0.1 && loss(Kind::Norm, 4) > loss(Kind::Norm, 32) + 0.1
    });
    report.claim("two numbers to a norm are next to none", {
        loss(Kind::Head, 2) > loss(Kind::Norm, 2) + 0.2
            && accuracy(Kind::Head, 2) < accuracy(Kind::Head, 4) - 20.0
    });
}
