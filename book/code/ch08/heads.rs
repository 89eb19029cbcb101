//! Do auxiliary heads help? Twenty layers of small modules, trained with heads and without, from three starts.

use super::{
    common::{
        Budget, Report,
        record::{self, Record, Run},
        training::{Data, each, side_by_side},
    },
    module::{Making, PLAIN},
    starts::Start,
};
use residual::{
    models::{GoogLeNet, Model},
    nn::{AvgPool2d, Conv2d, Flatten, GlobalAvgPool, Init, Linear, MaxPool2d, Relu, Sequential},
    rng::Generator,
};

/// Channels between modules.
const WIDTH: usize = 32;
/// Of every module, in the order of table 1.
const CHANNELS: [usize; 6] = [8, 8, 16, 4, 4, 4];
/// The rate at which all of them learn.
const RATE: f64 = 0.05;

#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    start: Start,
    norm: bool,
    heads: bool,
}

const PLANS: [Plan; 6] = {
    const HE: Plan = Plan { name: "2/fan-in", start: Start::FanIn, norm: false, heads: false };
    const HALF: Plan = Plan { name: "1/fan-in", start: Start::Half, ..HE };
    const NORM: Plan = Plan { name: "batch norm", norm: true, ..HE };
    [HE, HE.headed(), HALF, HALF.headed(), NORM, NORM.headed()]
};

impl Plan {
    const fn headed(self) -> Self {
        Self { heads: true, ..self }
    }

    fn name(self) -> String {
        format!("{}, {}", self.name, if self.heads { "two heads" } else { "no heads" })
    }

    // ANCHOR: network
    /// GoogLeNet's nine modules in small, with its pools between them, and its heads behind 4a and 4d.
    fn network(self, seed: u64) -> GoogLeNet<f32> {
        let rng = &mut Generator::new(seed, 0);
        let pool = || MaxPool2d::new(3).stride(2).padding(1);
        let patches = Conv2d::new(1, WIDTH, 2).stride(2).init(Init::KaimingNormal, rng);
        let stem = Sequential::new().push(patches).push(Relu::new());
        let mut modules = |count: usize, net| {
            let making = Making { norm: self.norm, ..PLAIN };
            (0..count)
                .fold(net, |net: Sequential<f32>, _| net.push(making.with_reductions(WIDTH, CHANNELS, rng)))
        };
        let stem = modules(2, stem).push(pool());
        let stem = modules(1, stem);
        let middle = modules(3, Sequential::new());
        let top = modules(1, Sequential::new()).push(pool());
        let top = modules(2, top);
        let classes = Linear::new(WIDTH, 10).init(Init::KaimingNormal, rng);
        let classifier = Sequential::new().push(GlobalAvgPool::new()).push(Flatten::new()).push(classes);
        // Drawn last: with heads or without, the rest starts from the same weights.
        let heads = self.heads.then(|| [head(rng), head(rng)]);
        let mut net = GoogLeNet::new([stem, middle, top], heads, classifier);
        net.visit(&mut |_, slot| self.start.resize(slot));
        net
    }
    // ANCHOR_END: network
}

/// The paper's head in small, without its dropout.
fn head(rng: &mut Generator) -> Sequential<f32> {
    let linear = |from, to, rng: &mut Generator| Linear::new(from, to).init(Init::KaimingNormal, rng);
    // 7x7 become 3x3.
    let grid = Sequential::new().push(AvgPool2d::new(3).stride(2)).push(PLAIN.unit([WIDTH, 16], 1, rng));
    let hidden = grid.push(Flatten::new()).push(linear(3 * 3 * 16, WIDTH, rng)).push(Relu::new());
    hidden.push(linear(WIDTH, 10, rng))
}

pub fn run(budget: Budget, report: &mut Report) {
    let mut data = Data::of(budget, 400);
    data.recipe.rate = RATE;
    match budget {
        Budget::Full => {}
        Budget::Standard => trained(report, &data, &PLANS, 3),
        Budget::Quick => trained(report, &data, &PLANS[..2], 1),
    }
}

fn train(data: &Data, plans: &[Plan], seeds: u64) -> Vec<Run> {
    side_by_side(&each(plans, seeds), |(plan, seed)| data.train(plan.network(*seed), plan.name(), *seed))
}

fn trained(report: &mut Report, data: &Data, plans: &[Plan], seeds: u64) {
    let record = Record { runs: train(data, plans, seeds), ..Record::default() };
    let row = |plan: &Plan| {
        let accuracies = record.accuracies(&plan.name());
        let (low, high) = record::ends(&accuracies);
        let percents = [record::mean(&accuracies), low, high].map(|a| format!("≈{a:.1}"));
        [vec![plan.name()], percents.to_vec()].concat()
    };
    report.part("heads-trained", |report| {
        let (recipe, unseen) = (data.recipe, data.unseen.len());
        report.line(format!(
            "{} steps of {} pictures, examined on {unseen}; seeds: {seeds}",
            recipe.steps, recipe.batch
        ));
        report.table(&["start", "% right", "lowest", "highest"], &plans.iter().map(row).collect::<Vec<_>>());
    });
    let mean = |plan: &Plan| record::mean(&record.accuracies(&plan.name()));
    for (i, name) in ["in", "in-heads", "half", "half-heads", "norm", "norm-heads"].iter().enumerate() {
        let value = plans.get(i).map_or("–".into(), |plan| format!("≈{:.1}", mean(plan)));
        report.value(&format!("trained-{name}"), value);
    }
    let best = plans.get(2).map(|plan| record::ends(&record.accuracies(&plan.name())).1);
    report.value("trained-half-best", best.map_or("–".into(), |best| format!("≈{best:.1}")));
    if let [he, headed, _, _, norm, _] = plans {
        let [he, headed, norm] = [he, headed, norm].map(|plan| record.accuracies(&plan.name()));
        report.claim("without batch norm and from 2/fan-in, two heads help from every seed", {
            he.iter().zip(&headed).all(|(without, with)| with > without)
        });
        report.claim("batch norm without heads beats heads without batch norm, from every seed", {
            headed.iter().zip(&norm).all(|(heads, norm)| norm > heads)
        });
    }
}
