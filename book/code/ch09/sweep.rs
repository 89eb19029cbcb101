//! The same networks at many learning rates.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record::{Record, Run, mean},
        thousands,
        training::{self, Data, side_by_side},
    },
    network::{Descent, Kind, lengths},
};

/// The loss of guessing among ten classes. A training that ends above it, or at no number, counts as this.
const GUESSING: f64 = std::f64::consts::LN_10;
/// A rate works if no seed ends above this loss: a bar that is low enough for every network here.
const WORKS: f64 = 1.8;

/// Who descends, and at which rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Design {
    Plain,
    Norm,
    /// With batch norm; after every step the filters get their first lengths back.
    Held,
    /// With batch norm; the rate is that of the filters, and all else has a rate of 1/4.
    Filters,
}

use Design::*;
const DESIGNS: [Design; 4] = [Plain, Norm, Held, Filters];

impl Design {
    fn name(self) -> &'static str {
        match self {
            Plain => "no norm",
            Norm => "batch norm",
            Held => "lengths held",
            Filters => "filters alone",
        }
    }

    /// Exponents of two.
    fn rates(self, budget: Budget) -> Vec<i32> {
        let all = if self == Filters { (-6..=16).step_by(2) } else { (-8..=4).step_by(1) };
        let used = |exponent: &i32| match budget {
            Budget::Quick => matches!(exponent, -2 | 0),
            Budget::Standard => exponent % 4 == 0 || *exponent == -2,
            Budget::Full => true,
        };
        all.filter(used).collect()
    }

    fn descent(self, exponent: i32, steps: usize) -> Descent {
        let all = Descent::new(32, steps, 2f64.powi(exponent));
        match self {
            Plain | Norm => all,
            Held => Descent { held: true, ..all },
            Filters => Descent { others: 0.25, ..all },
        }
    }

    fn called(self, exponent: i32) -> String {
        format!("{}, 2^{exponent}", self.name())
    }

    fn curve(self, record: &Record) -> Curve {
        let rates = self.rates(Budget::Full).into_iter();
        let points = rates.map(|exponent| (exponent, record.losses(&self.called(exponent))));
        Curve { design: self, points: points.collect() }
    }
}

/// What a design's trainings came to.
struct Curve {
    design: Design,
    /// The exponent of a rate, and the loss of every seed.
    points: Vec<(i32, Vec<f64>)>,
}

struct Job {
    design: Design,
    exponent: i32,
    seed: u64,
}

/// Trains every design at every rate, from so many seeds. Beside each training, how many times as long its filters became.
pub fn runs(data: &Data, budget: Budget, seeds: u64) -> Vec<(Run, f64)> {
    let jobs = DESIGNS.iter().flat_map(|&design| {
        let rates = design.rates(budget).into_iter();
        rates.flat_map(move |exponent| (0..seeds).map(move |seed| Job { design, exponent, seed }))
    });
    side_by_side(&jobs.collect::<Vec<_>>(), |job| train(data, job))
}

fn train(data: &Data, &Job { design, exponent, seed }: &Job) -> (Run, f64) {
    let mut net = if design == Plain { Kind::Plain } else { Kind::Norm }.network(seed);
    let first = lengths(&mut net);
    let steps = data.recipe.steps;
    let losses = design.descent(exponent, steps).run(&mut net, &data.seen, seed, |_, _| ());
    let loss = mean(&losses[steps - steps.min(20)..]);
    let loss = if loss < GUESSING { loss } else { GUESSING };
    let growth: Vec<_> = lengths(&mut net).iter().zip(&first).map(|(last, first)| last / first).collect();
    let accuracy = training::accuracy(&mut net, &data.unseen);
    (Run { name: design.called(exponent), seed, loss, accuracy }, mean(&growth))
}

/// A few rates, here and now.
pub fn report_now(report: &mut Report, data: &Data, budget: Budget) {
    let seeds = if budget == Budget::Quick { 1 } else { 2 };
    let (runs, growths): (Vec<_>, Vec<_>) = runs(data, budget, seeds).into_iter().unzip();
    let seen = Record { runs, ..Record::default() };
    let growth_of = |name: &str| {
        let of = seen.runs.iter().zip(&growths).filter(|(run, _)| run.name == name);
        mean(&of.map(|(_, growth)| *growth).collect::<Vec<_>>())
    };
    let loss_of = |design: Design, exponent| mean(&seen.losses(&design.called(exponent)));
    report.part("sweep-now", |report| {
        report.line(format!("{} steps of 32 pictures; seeds: {seeds}", data.recipe.steps));
        let rows = DESIGNS
            .iter()
            .flat_map(|&design| design.rates(budget).into_iter().map(move |exponent| (design, exponent)));
        let rows = rows.map(|(design, exponent)| {
            let name = design.called(exponent);
            // Where a training fails, its filters may have any length.
            let fails = loss_of(design, exponent) > WORKS;
            let growth = if fails { "-".into() } else { format!("≈{:.2}", growth_of(&name)) };
            vec![name, format!("≈{:.2}", loss_of(design, exponent)), growth]
        });
        report.table(&["network, rate", "loss", "filters, times as long"], &rows.collect::<Vec<_>>());
    });
    if budget == Budget::Standard {
        let growth = |exponent| growth_of(&Filters.called(exponent));
        for (name, times) in [
            ("growth-16", growth(4)),
            ("growth-256", growth(8)),
            ("growth-rise", growth(8) / growth(4)),
            ("growth-high", growth(16) / growth(12)),
        ] {
            report.value(name, format!("≈{times:.1}"));
        }
        report.claim("sixteen times a high rate, three to eight times the length", {
            (3.0..8.0).contains(&(growth(8) / growth(4)))
        });
        report.claim("sixteen times a very high rate, eleven to seventeen times the length", {
            (11.0..17.0).contains(&(growth(16) / growth(12)))
        });
        report.claim("at a rate of one, the filters grow and it learns; without norm, it does not", {
            growth_of(&Norm.called(0)) > 1.2 && loss_of(Norm, 0) < 1.3 && loss_of(Plain, 0) > 1.8
        });
        report.claim("at a rate of 65,536 for its filters, a network learns", loss_of(Filters, 16) < WORKS);
    } else {
        report.claim("at a rate of 1/4, the network with batch norm learns", loss_of(Norm, -2) < 2.2);
    }
}

impl Curve {
    /// The longest stretch of rates that work, as exponents.
    fn stretch(&self) -> [i32; 2] {
        let fails = |point: &(i32, Vec<f64>)| point.1.iter().any(|&loss| loss >= WORKS);
        let stretches = self.points.split(fails).filter(|stretch| !stretch.is_empty());
        let ends = stretches.map(|stretch| [stretch[0].0, stretch[stretch.len() - 1].0]);
        ends.max_by_key(|[low, high]| high - low).unwrap_or([0, 0])
    }

    /// The mean loss at a rate.
    fn at(&self, exponent: i32) -> f64 {
        mean(&self.points.iter().find(|point| point.0 == exponent).expect("a rate of the record").1)
    }
}

/// What the long run found.
pub fn report_recorded(report: &mut Report, record: &Record) {
    let all = DESIGNS.map(|design| design.curve(record));
    let found = all.each_ref().map(Curve::stretch);
    report.part("sweep", |report| {
        report.line(record.origin());
        let rows = all.iter().zip(&found).map(|(Curve { design, points }, [low, high])| {
            let best = points.iter().map(|(exponent, losses)| (mean(losses), *exponent));
            let (loss, at) = best.min_by(|a, b| a.0.total_cmp(&b.0)).expect("some rates");
            let cells =
                [power(*low), power(*high), thousands(1 << (high - low)), format!("{loss:.2}"), power(at)];
            [vec![design.name().to_string()], cells.to_vec()].concat()
        });
        let header = ["network", "works from", "to", "times", "lowest loss", "at"];
        report.table(&header, &rows.collect::<Vec<_>>());
    });
    let [plain, norm, held, filters] = found.map(|[low, high]| 1u64 << (high - low));
    for (name, times) in [("plain", plain), ("norm", norm), ("held", held), ("filters", filters)] {
        report.value(&format!("times-{name}"), thousands(times));
    }
    let at = |i: usize, exponent| all[i].at(exponent);
    for (name, i, exponent) in [
        ("plain-best", 0, -3),
        ("plain-quarter", 0, -2),
        ("plain-one", 0, 0),
        ("norm-quarter", 1, -2),
        ("norm-one", 1, 0),
        ("norm-four", 1, 2),
        ("norm-eight", 1, 3),
        ("held-one", 2, 0),
        ("held-four", 2, 2),
        ("filters-least", 3, -6),
        ("filters-thousand", 3, 10),
        ("filters-most", 3, 16),
    ] {
        report.value(name, format!("{:.2}", at(i, exponent)));
    }
    report.claim("with batch norm the workable rates reach eight times as wide, and more", norm >= 8 * plain);
    report.claim("with its filters alone at the rate, over a million times", filters >= 1_000_000);
    report
        .claim("at a rate of 1,024 the filters learn: with next to no rate, the rest does not get as far", {
            at(3, 10) < at(3, -6) - 0.2
        });
    report.claim("a factor of two and more of that is the lengths", norm >= 2 * held);
    report.claim(
        "without growth, the range is still four times that without a norm, and more",
        held >= 4 * plain,
    );
    report.claim("held lengths cost more and more loss as the rate rises", {
        at(2, 0) > at(1, 0) + 0.05 && at(2, 2) > at(1, 2) + 0.3
    });
    report.figure("ch09-sweep", figure(&all[..2], "with and without batch norm"));
    report.figure(
        "ch09-lengths",
        figure(&all[1..], "with batch norm, whole, with lengths held, for filters alone"),
    );
}

fn power(exponent: i32) -> String {
    if exponent < 0 { format!("1/{}", 1 << -exponent) } else { thousands(1 << exponent) }
}

/// Loss against rate: a line through the means, a mark for each seed.
fn figure(curves: &[Curve], what: &str) -> String {
    let mut lines = Vec::new();
    for Curve { design, points } in curves {
        let color = match design {
            Plain => 2,
            Norm => 1,
            Held => 4,
            Filters => 3,
        };
        let line = |label: &str, points| Line { label: label.into(), color, dashed: false, points };
        for (exponent, losses) in points {
            let x = |by: f64| 2f64.powf(f64::from(*exponent) + by);
            let marks = losses.iter().map(|&loss| line("", vec![(x(-0.12), loss), (x(0.12), loss)]));
            lines.extend(marks);
        }
        let means = points.iter().map(|(exponent, losses)| (2f64.powi(*exponent), mean(losses)));
        lines.push(Line { dashed: true, ..line(design.name(), means.collect()) });
    }
    let widest = curves.iter().any(|curve| curve.design == Filters);
    Chart {
        title: format!("Final training loss against the learning rate, {what}"),
        x: Axis { label: "learning rate", range: [2e-3, if widest { 2e5 } else { 30.0 }], log: true },
        y: Axis { label: "training loss of the last steps", range: [0.5, 2.4], log: false },
        lines,
        label_width: 96.0,
    }
    .svg()
}
