//! The spirals, learned: how the regions grow, which networks manage, and from which starts.

use super::{
    common::{
        Budget, Report,
        chart::{Axis, Chart, Line},
        record, thousands,
        training::{each, side_by_side},
    },
    figures::{self, Panel},
    spirals::{ARMS, Activation, Design, Points, Recipe, accuracy, parameters, spirals, train},
};
use residual::{
    Tensor,
    models::Model,
    nn::{Init, Sequential, Slot},
    ops::{bias, cross_entropy::CrossEntropy, linear},
    rng::Generator,
    train::optim::{Optimizer, Sgd},
};

const RECIPE: Recipe = Recipe { steps: 1000, rate: 0.2, momentum: 0.9 };
const SHOWN: [usize; 6] = [0, 50, 100, 200, 400, 1000];

/// Loss in the charts.
const HIGHEST: f64 = 1.5;

const fn design(activation: Activation, width: usize) -> Design {
    Design { activation, width, init: Init::Default }
}

const TANH: Design = design(Activation::Tanh, 16);
const DESIGNS: [Design; 7] = [
    design(Activation::Nothing, 16),
    design(Activation::Tanh, 4),
    design(Activation::Tanh, 8),
    TANH,
    design(Activation::Relu, 4),
    design(Activation::Relu, 8),
    design(Activation::Relu, 16),
];

/// What is learned from, and what is asked afterwards.
struct Data {
    seen: Points,
    unseen: Points,
}

pub fn run(budget: Budget, report: &mut Report) {
    let data = Data {
        seen: spirals(60, &mut Generator::new(2, 1)),
        unseen: spirals(1000, &mut Generator::new(2, 2)),
    };
    report_regions(report, &data);
    let [many, some, few] = if budget == Budget::Quick { [2, 1, 1] } else { [10, 6, 3] };
    report.part("seeds", |report| report_seeds(report, &data, many));
    report_linear(report, &data);
    report_starts(report, &data, few);
    report_forgetful(report, &data, some);
}

/// The regions of one network as it learns, and its loss.
fn report_regions(report: &mut Report, data: &Data) {
    let mut net = TANH.network(0);
    let (mut panels, mut losses) = (Vec::new(), Vec::new());
    let recipe = Recipe { steps: RECIPE.steps + 1, ..RECIPE };
    train(&mut net, &data.seen, recipe, |step, net, loss| {
        losses.push(loss);
        if SHOWN.contains(&step) {
            let label = format!("step {step}: {:.0} %", accuracy(net, &data.unseen));
            panels.push(Panel { label, regions: figures::regions(|points| net.scores(points)) });
            if step == RECIPE.steps {
                report.value("unseen", format!("{:.1}", accuracy(net, &data.unseen)));
                report.value("seen", format!("{:.0}", accuracy(net, &data.seen)));
            }
        }
    });
    report.figure("ch02-regions", figures::panels(&panels, &data.seen));
    let mut lines = vec![line("tanh", 1, false, &losses[..RECIPE.steps])];
    let (mut entered, mut kinks) = (0, 0);
    for (design, label, color) in [(DESIGNS[6], "ReLU", 3), (DESIGNS[0], "nothing", 2)] {
        let mut losses = Vec::new();
        train(&mut design.network(0), &data.seen, RECIPE, |_, net, loss| {
            losses.push(loss);
            if design.activation == Activation::Relu {
                for z in entering(net, Activation::Relu, &data.seen.x) {
                    entered += z.len();
                    kinks += z.as_slice().iter().filter(|&&z| z == 0.0).count();
                }
            }
        });
        lines.push(line(label, color, false, &losses));
    }
    report.value("entered", thousands(entered as u64));
    report.value("kinks", kinks);
    report.figure(
        "ch02-losses",
        chart("Loss against step with tanh, ReLU and nothing between the layers", lines),
    );
    report.value("points", data.seen.labels.len());
    report.value("loss-first", format!("{:.2}", losses[0]));
    report.value("loss-last", format!("{:.4}", losses[RECIPE.steps]));
}

/// One training of one design.
#[derive(Clone, Copy)]
struct Outcome {
    loss: f64,
    accuracy: f64,
    /// Units of the two hidden layers that are zero at every point that was seen.
    dead: [usize; 2],
}

impl Outcome {
    fn of(design: Design, seed: u64, data: &Data) -> Self {
        let mut net = design.network(seed);
        let mut loss = 0.0;
        train(&mut net, &data.seen, RECIPE, |_, _, now| loss = now);
        let hidden = entering(&mut net, design.activation, &data.seen.x).map(|z| design.activation.of(z));
        let is_dead =
            |h: &Tensor<f64>, unit| h.as_slice().iter().skip(unit).step_by(design.width).all(|&h| h == 0.0);
        let dead = hidden.each_ref().map(|h| (0..design.width).filter(|&unit| is_dead(h, unit)).count());
        Self { loss, accuracy: accuracy(&mut net, &data.unseen), dead }
    }
}

/// The same from several seeds: lowest, mean and highest percentage.
fn spread(outcomes: &[Outcome]) -> [f64; 3] {
    let mut right: Vec<_> = outcomes.iter().map(|outcome| outcome.accuracy).collect();
    right.sort_by(f64::total_cmp);
    [right[0], record::mean(&right), right[right.len() - 1]]
}

fn report_seeds(report: &mut Report, data: &Data, seeds: u64) {
    let outcomes = side_by_side(&each(&DESIGNS, seeds), |(design, seed)| Outcome::of(*design, *seed, data));
    let all: Vec<_> = DESIGNS.iter().zip(outcomes.chunks(seeds as usize)).collect();
    let row = |(design, outcomes): &(&Design, &[Outcome])| {
        // Where units die or are few, rounding decides in the end: another processor has other digits.
        let mark = if design.activation == Activation::Relu || design.width == 4 { "≈" } else { "" };
        let loss = record::mean(&outcomes.iter().map(|outcome| outcome.loss).collect::<Vec<_>>());
        let dead: usize = outcomes.iter().flat_map(|outcome| outcome.dead).sum();
        let percents = spread(outcomes).map(|x| format!("{mark}{x:.1}"));
        let dead = if dead == 0 { "0".into() } else { format!("{mark}{dead}") };
        [vec![design.name(), format!("{mark}{loss:.3}")], percents.to_vec(), vec![dead]].concat()
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    report.line(format!("{} steps on {} points; seeds: {seeds}", RECIPE.steps, data.seen.labels.len()));
    report.table(&["between, width", "loss", "% lowest", "mean", "highest", "dead units"], &rows);
    let has_dead_layer = |outcome: &&Outcome, width| outcome.dead.contains(&width);
    report.claim("a dead layer is the end", {
        let mut dead = all.iter().flat_map(|(design, outcomes)| {
            outcomes.iter().filter(|outcome| has_dead_layer(outcome, design.width))
        });
        dead.all(|outcome| outcome.accuracy < 34.0)
    });
    let [nothing, few, _, tanh, _, relu, _] = [0, 1, 2, 3, 4, 5, 6].map(|i| spread(all[i].1));
    report.claim("without an activation it guesses, from every seed", nothing[2] < 40.0);
    let losses = all[0].1.iter().map(|outcome| outcome.loss);
    report.claim("and every seed ends at the same loss", {
        losses.clone().fold(0.0, f64::max) - losses.clone().fold(f64::INFINITY, f64::min) < 1e-3
    });
    report.value("linear-loss", &rows[0][1]);
    report.claim("with sixteen tanh units it learns, from every seed", tanh[0] > 90.0);
    if seeds < 10 {
        return;
    }
    report.claim("with four, the seed decides", few[2] - few[0] > 25.0);
    report.claim("so it does with eight ReLU units", relu[2] > 95.0 && relu[0] < 40.0);
    report.value("linear-accuracy", format!("{:.1}", nothing[1]));
    for (name, number) in [("tanh-lowest", tanh[0]), ("tanh-highest", tanh[2])] {
        report.value(name, format!("{number:.1}"));
    }
    for (name, number) in
        [("few-lowest", few[0]), ("few-highest", few[2]), ("relu-lowest", relu[0]), ("relu-highest", relu[2])]
    {
        report.value(name, format!("≈{number:.1}"));
    }
    let dead_layers = [(4, 4), (5, 8)]
        .map(|(i, width)| all[i].1.iter().filter(|outcome| has_dead_layer(outcome, width)).count());
    report.value("dead-four", format!("≈{}", dead_layers[0]));
    report.value("dead-eight", format!("≈{}", dead_layers[1]));
}

/// What enters the two activations.
fn entering(net: &mut Sequential<f64>, activation: Activation, x: &Tensor<f64>) -> [Tensor<f64>; 2] {
    let params = parameters(net);
    let linear = |x: &Tensor<f64>, at: usize| {
        bias::forward(linear::forward(x, &params[at].value), &params[at + 1].value)
    };
    let first = linear(x, 0);
    let second = linear(&activation.of(first.clone()), 2);
    [first, second]
}

/// Three linear layers are one.
fn report_linear(report: &mut Report, data: &Data) {
    let mut net = DESIGNS[0].network(0);
    train(&mut net, &data.seen, RECIPE, |_, _, _| ());
    let p: Vec<_> = parameters(&mut net).into_iter().map(|param| param.value).collect();
    // The product of the three matrices; the biases' part is the answer to zero.
    let w = linear::grad_input(&linear::grad_input(&p[4], &p[2]), &p[0]);
    let b = net.scores(Tensor::zeros([1, 2])).reshape([ARMS]);
    let one = bias::forward(linear::forward(&data.unseen.x, &w), &b);
    let three = net.scores(data.unseen.x.clone());
    report.claim("three linear layers are one", apart(&one, &three) < 1e-12);
    report.value("linear-numbers", w.len() + b.len());
}

/// The largest difference.
fn apart(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// What came of one start.
struct Start {
    slope: f64,
    loss: f64,
    accuracy: f64,
    parameters: Vec<Tensor<f64>>,
}

impl Start {
    fn of(name: &str, seed: u64, data: &Data) -> Self {
        let normal = |deviation| Design { init: Init::Normal { deviation, bias: 0.0 }, ..TANH };
        let mut net = match name {
            "large" => normal(10.0).network(seed),
            "zeros" => normal(0.0).network(seed),
            _ => TANH.network(seed),
        };
        if name == "alike" {
            make_alike(&mut net);
        }
        let [_, z] = entering(&mut net, Activation::Tanh, &data.seen.x);
        let slopes = Activation::Tanh.of(z).map(|y| 1.0 - y * y);
        let mut loss = 0.0;
        train(&mut net, &data.seen, RECIPE, |_, _, now| loss = now);
        let parameters = parameters(&mut net).into_iter().map(|param| param.value).collect();
        let accuracy = accuracy(&mut net, &data.unseen);
        Self { slope: record::mean(slopes.as_slice()), loss, accuracy, parameters }
    }
}

/// The same network from the usual start, from large weights, from units that are all alike, and from zeros.
fn report_starts(report: &mut Report, data: &Data, seeds: u64) {
    const NAMES: [&str; 4] = ["usual", "large", "alike", "zeros"];
    let starts = side_by_side(&each(&NAMES, seeds), |(name, seed)| Start::of(name, *seed, data));
    let all: Vec<_> = NAMES.into_iter().zip(starts.chunks(seeds as usize)).collect();
    let row = |(name, starts): &(&str, &[Start])| {
        let mark = if *name == "large" { "≈" } else { "" };
        let mean = |of: &dyn Fn(&Start) -> f64| record::mean(&starts.iter().map(of).collect::<Vec<_>>());
        let [slope, loss] = [mean(&|start| start.slope), mean(&|start| start.loss)];
        let right = mean(&|start| start.accuracy);
        vec![name.to_string(), format!("{slope:.3}"), format!("{mark}{loss:.3}"), format!("{mark}{right:.1}")]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    report.value("large-slope", &rows[1][1]);
    report.part("starts", |report| report.table(&["start", "mean slope", "loss", "% right"], &rows));
    let [_, large, alike, zeros] = [0, 1, 2, 3].map(|i| all[i].1);
    report.claim("large weights saturate, and learn worse", {
        large.iter().all(|start| start.slope < 0.05 && start.accuracy < 90.0)
    });
    let same =
        |w: &[f64]| w.chunks(2).all(|row| (row[0] - w[0]).abs() < 1e-9 && (row[1] - w[1]).abs() < 1e-9);
    report.claim("units that start alike stay alike", {
        alike.iter().all(|start| same(start.parameters[0].as_slice()) && start.accuracy < 60.0)
    });
    let is_zero = |w: &Tensor<f64>| w.as_slice().iter().all(|&w| w == 0.0);
    report.claim("from zeros, only the last biases ever move", {
        zeros.iter().all(|start| start.parameters[..5].iter().all(is_zero))
    });
}

/// All units of a layer get the numbers of its first.
fn make_alike(net: &mut Sequential<f64>) {
    let first_if_unit = |extent: usize, i: usize| if extent == TANH.width { 0 } else { i };
    Model::visit(net, &mut |_, slot| {
        let Slot::Param(param) = slot else { return };
        let old = param.value.clone();
        let inputs = if old.shape().rank() == 2 { old.shape().last() } else { 1 };
        let outputs = old.len() / inputs;
        param.value = Tensor::from_fn(old.shape(), |i| {
            let (to, from) = (first_if_unit(outputs, i / inputs), first_if_unit(inputs, i % inputs));
            old.as_slice()[to * inputs + from]
        });
    });
}

// ANCHOR: forgetful
/// Plain steps that never forget a gradient: the loss before each.
fn forgetful(points: &Points, rate: f64, seed: u64) -> Vec<f64> {
    let mean = CrossEntropy::default();
    let mut net = TANH.network(seed);
    let mut sgd = Optimizer::new(Sgd::default());
    let step = |_| {
        // zero_grad belongs here.
        let done = net.train_step(points.x.clone(), &points.labels, &mean);
        sgd.step(rate, |each| Model::visit(&mut net, each));
        done.loss
    };
    (0..RECIPE.steps).map(step).collect()
}
// ANCHOR_END: forgetful

/// Steps without momentum, gradients forgotten in time and not, and what the second is equal to.
struct Forgotten {
    zeroed: Vec<f64>,
    never: Vec<f64>,
    frictionless: Vec<f64>,
}

impl Forgotten {
    fn of(rate: f64, seed: u64, data: &Data) -> Self {
        let losses = |momentum| {
            let (mut net, mut losses) = (TANH.network(seed), Vec::new());
            train(&mut net, &data.seen, Recipe { rate, momentum, ..RECIPE }, |_, _, loss| losses.push(loss));
            losses
        };
        Self { zeroed: losses(0.0), never: forgetful(&data.seen, rate, seed), frictionless: losses(1.0) }
    }
}

/// Never to forget is a momentum of 1.
fn report_forgetful(report: &mut Report, data: &Data, seeds: u64) {
    let rates = [RECIPE.rate, RECIPE.rate / 10.0];
    let all = side_by_side(&each(&rates, seeds), |(rate, seed)| Forgotten::of(*rate, *seed, data));
    report.claim("never to forget is a momentum of one, to the bit", {
        all.iter().all(|run| run.never == run.frictionless)
    });
    let (high, low) = all.split_at(seeds as usize);
    report.claim("at the high rate it learns, and then explodes", {
        high.iter().all(|run| {
            let learned = run.never.iter().position(|&loss| loss < 0.25).unwrap_or(RECIPE.steps);
            run.never[learned..].iter().any(|&loss| loss > 3.0)
        })
    });
    let last = |losses: &[f64]| losses[RECIPE.steps - 1];
    report.claim("at the low rate it beats the right way", {
        low.iter().all(|run| last(&run.never) < 0.6 && last(&run.zeroed) > 1.0)
    });
    // Beyond this it is chaos, and another processor's is another.
    let end = high[0].never.iter().position(|&loss| loss > HIGHEST).expect("it explodes");
    report.value("explodes", format!("~{end}"));
    report.value("forgetful-loss", format!("≈{:.3}", last(&low[0].never)));
    report.value("plain-loss", format!("{:.3}", last(&low[0].zeroed)));
    let of_all = |losses: &dyn Fn(&Forgotten) -> f64| low.iter().map(losses).collect::<Vec<_>>();
    let worst = of_all(&|run| last(&run.never)).into_iter().fold(0.0, f64::max);
    let best = of_all(&|run| last(&run.zeroed)).into_iter().fold(f64::INFINITY, f64::min);
    report.value("forgetful-worst", format!("≈{worst:.2}"));
    report.value("plain-best", format!("{best:.2}"));
    report.value("forgetful-seeds", seeds);
    let mut lines = Vec::new();
    for (run, rate, color, end) in [(&high[0], rates[0], 2, end + 1), (&low[0], rates[1], 1, RECIPE.steps)] {
        lines.push(line(&format!("never, {rate}"), color, false, &run.never[..end]));
        lines.push(line(&format!("zeroed, {rate}"), color, true, &run.zeroed));
    }
    let title = "Loss against step, with gradients forgotten before each step and never";
    report.figure("ch02-forgotten", chart(title, lines));
}

fn line(label: &str, color: usize, dashed: bool, losses: &[f64]) -> Line {
    let points = losses.iter().enumerate().step_by(losses.len().div_ceil(250));
    let points = points.map(|(step, &loss)| (step as f64, loss.min(HIGHEST)));
    Line { label: label.into(), color, dashed, points: points.collect() }
}

fn chart(title: &str, lines: Vec<Line>) -> String {
    Chart {
        title: title.into(),
        x: Axis { label: "step", range: [0.0, RECIPE.steps as f64], log: false },
        y: Axis { label: "loss", range: [0.0, HIGHEST], log: false },
        lines,
        label_width: 108.0,
    }
    .svg()
}
