//! What the branches cost with reductions and without, and what the end of the network costs.

use super::{
    common::Report,
    drawings,
    module::{PLAIN, TABLE, outline},
    thousands,
};
use residual::{
    Shape,
    models::{Model, Options, Vgg, alexnet_paper, googlenet_paper, vgg},
    nn::Outline,
    rng::Generator,
};

/// Branches' costs, in parameters and MACs.
pub struct Costs {
    pub with: [[u64; 2]; 4],
    pub without: [[u64; 2]; 4],
}

/// Millions of operations that the paper's table 1 gives the modules.
const PAPER: [u64; 9] = [128, 304, 73, 88, 100, 119, 170, 54, 71];

fn options() -> Options {
    Options { classes: 1000, input_size: 224, init: false, aux_logits: false, ..Options::default() }
}

fn child<'a>(outline: &'a Outline, name: &str) -> &'a Outline {
    outline.children.iter().find(|child| child.name == name).expect("the network has such a child")
}

fn costs(module: &Outline) -> [[u64; 2]; 4] {
    let cost = |branch: &Outline| [branch.parameters as u64, branch.macs];
    std::array::from_fn(|i| cost(&module.children[i]))
}

fn sum(costs: &[[u64; 2]; 4], what: usize) -> u64 {
    costs.iter().map(|cost| cost[what]).sum()
}

fn millions(macs: u64) -> String {
    format!("{:.1}", macs as f64 / 1e6)
}

fn times(a: u64, b: u64) -> String {
    format!("{:.1}", a as f64 / b as f64)
}

pub fn run(report: &mut Report) {
    let net = Model::outline(&googlenet_paper::<f32>(&options()), Shape::from([1, 224, 224, 3]));
    let rng = &mut Generator::new(0, 0).idle();
    // In front of each module stands what the paper has there, reduced.
    let all: Vec<_> = (TABLE.iter())
        .map(|m| {
            let without = outline(&PLAIN.without_reductions(m.from, m.channels, rng), m.side, m.from);
            Costs { with: costs(child(&net, &format!("inception{}", m.name))), without: costs(&without) }
        })
        .collect();
    report.claim("this chapter's modules are the crate's", {
        TABLE.iter().zip(&all).all(|(m, costs)| {
            let own = outline(&PLAIN.with_reductions(m.from, m.channels, rng), m.side, m.from);
            self::costs(&own) == costs.with && own.output.last() == m.to()
        })
    });
    report.part("first", |report| report_first(report, &all[0]));
    report.part("modules", |report| report_modules(report, &all));
    report.part("blow-up", |report| report_blow_up(report, &net));
    report_ends(report, &net);
    report.figure("ch08-module", drawings::module(&child(&net, "inception3a").children, &TABLE[0]));
    report.figure("ch08-costs", drawings::costs(&all));
}

/// The first module, branch by branch.
fn report_first(report: &mut Report, costs: &Costs) {
    let row = |name: &str, writes: usize, a: [u64; 2], b: [u64; 2]| {
        let ratio = if b[1] > 0 && a[1] > 0 { times(a[1], b[1]) } else { "–".into() };
        vec![
            name.to_string(),
            writes.to_string(),
            thousands(a[0]),
            thousands(b[0]),
            millions(a[1]),
            millions(b[1]),
            ratio,
        ]
    };
    let mut rows: Vec<_> = (["1x1", "3x3", "5x5", "pool"].iter().enumerate())
        .map(|(i, name)| row(name, TABLE[0].written()[i], costs.without[i], costs.with[i]))
        .collect();
    let total = |costs: &[[u64; 2]; 4]| [sum(costs, 0), sum(costs, 1)];
    rows.push(row("all", TABLE[0].to(), total(&costs.without), total(&costs.with)));
    let header = ["branch", "writes", "parameters without", "with", "million MACs without", "with", "times"];
    report.table(&header, &rows);
    report.value("five-without", millions(costs.without[2][1]));
    report.value("five-with", millions(costs.with[2][1]));
    report.value("five-times", &rows[2][6]);
    report.value("three-times", &rows[1][6]);
    report.value("module-times", &rows[4][6]);
    let share = |costs: &[[u64; 2]; 4]| format!("{:.0}", 100.0 * costs[2][1] as f64 / sum(costs, 1) as f64);
    report.value("five-share-without", share(&costs.without));
    report.value("five-share-with", share(&costs.with));
    let [_, reduce3, threes, reduce5, fives, _] = TABLE[0].channels;
    for (name, used, to, taps) in [("three", reduce3, threes, 9), ("five", reduce5, fives, 25)] {
        let even = break_even(TABLE[0].from as f64, (taps * to) as f64);
        report.value(&format!("even-{name}"), format!("{even:.1}"));
        report.claim(format!("{used} channels are fewer than where the {name}s break even"), {
            (used as f64) < even
        });
    }
    report.claim("a reduction pays in all nine modules, for both kernels", {
        TABLE.iter().all(|m| {
            let [_, reduce3, threes, reduce5, fives, _] = m.channels;
            (reduce3 as f64) < break_even(m.from as f64, (9 * threes) as f64)
                && (reduce5 as f64) < break_even(m.from as f64, (25 * fives) as f64)
        })
    });
}

// ANCHOR: break_even
/// Reducing to fewer channels than this pays, between `from` channels and `taps` times outputs.
fn break_even(from: f64, taps_out: f64) -> f64 {
    1.0 / (1.0 / from + 1.0 / taps_out)
}
// ANCHOR_END: break_even

fn report_modules(report: &mut Report, all: &[Costs]) {
    let row = |(m, costs): (&super::module::Module, &Costs)| {
        let cells = costs.with.iter().map(|cost| millions(cost[1]));
        let rest = [
            millions(sum(&costs.with, 1)),
            millions(sum(&costs.without, 1)),
            times(sum(&costs.without, 1), sum(&costs.with, 1)),
            thousands(sum(&costs.with, 0)),
            thousands(sum(&costs.without, 0)),
        ];
        [vec![m.name.to_string(), m.from.to_string(), m.to().to_string()], cells.collect(), rest.to_vec()]
            .concat()
    };
    let mut rows: Vec<_> = TABLE.iter().zip(all).map(row).collect();
    let total = |what: usize, with: bool| {
        all.iter().map(|costs| sum(if with { &costs.with } else { &costs.without }, what)).sum::<u64>()
    };
    let branches = (0..4).map(|i| millions(all.iter().map(|costs| costs.with[i][1]).sum()));
    let rest = [
        millions(total(1, true)),
        millions(total(1, false)),
        times(total(1, false), total(1, true)),
        thousands(total(0, true)),
        thousands(total(0, false)),
    ];
    rows.push([vec!["all".into(), String::new(), String::new()], branches.collect(), rest.to_vec()].concat());
    report.line(
        "Million MACs by branch, with reductions; all of them with and without; parameters with and without",
    );
    let header =
        ["", "in", "out", "1x1", "3x3", "5x5", "pool", "with", "without", "times", "parameters", "without"];
    report.table(&header, &rows);
    report.value("all-times", times(total(1, false), total(1, true)));
    report.value("three-share", {
        format!("{:.0}", 100.0 * all.iter().map(|c| c.with[1][1]).sum::<u64>() as f64 / total(1, true) as f64)
    });
    let near =
        |(paper, costs): (&u64, &Costs)| (sum(&costs.with, 1) as f64 / 1e6 - *paper as f64).abs() < 1.0;
    report.claim("eight modules cost what the paper's table says, to the million; 5a does not", {
        let agree: Vec<_> = PAPER.iter().zip(all).map(near).collect();
        agree.iter().filter(|&&agrees| agrees).count() == 8 && !agree[7]
    });
    report.value("last-but-one", millions(sum(&all[7].with, 1)));
}

/// All modules without any reduction, one behind the other: each hands all that it read on to the next.
fn report_blow_up(report: &mut Report, net: &Outline) {
    let rng = &mut Generator::new(0, 0).idle();
    let (mut from, mut macs, mut parameters, mut rows) = (TABLE[0].from, 0, 0, Vec::new());
    for m in &TABLE {
        let module = outline(&PLAIN.without_reductions(from, m.channels, rng), m.side, from);
        let to = module.output.last();
        let cells = [from, to, m.to()].map(|c| thousands(c as u64));
        rows.push([vec![m.name.into()], cells.to_vec(), vec![millions(module.macs)]].concat());
        (from, macs, parameters) = (to, macs + module.macs, parameters + module.parameters as u64);
    }
    report.table(&["module", "reads", "writes", "the paper's writes", "million MACs"], &rows);
    report.value("naive-writes", thousands(from as u64));
    report.value("naive-giga", format!("{:.1}", macs as f64 / 1e9));
    report.value("naive-parameters", format!("{:.0}", parameters as f64 / 1e6));
    let modules: u64 = TABLE.iter().map(|m| child(net, &format!("inception{}", m.name)).macs).sum();
    report.value("naive-times", format!("{:.0}", macs as f64 / modules as f64));
    report.value("modules-giga", format!("{:.2}", modules as f64 / 1e9));
}

/// Everything behind the last convolution.
fn report_ends(report: &mut Report, net: &Outline) {
    let vgg16 = Model::outline(&vgg::<f32>(Vgg::new(16), &options()), Shape::from([1, 224, 224, 3]));
    fn linears(outline: &Outline) -> u64 {
        let own = if outline.kind.starts_with("Linear") { outline.parameters as u64 } else { 0 };
        own + outline.children.iter().map(linears).sum::<u64>()
    }
    let three_layers = |channels: u64| {
        let layer = |from: u64, to: u64| from * to + to;
        layer(7 * 7 * channels, 4096) + layer(4096, 4096) + layer(4096, 1000)
    };
    let one_layer = |channels: u64| channels * 1000 + 1000;
    let rest = |net: &Outline| net.parameters as u64 - linears(net);
    let rows: Vec<_> = [("VGG-16", rest(&vgg16), 512), ("GoogLeNet", rest(net), 1024)]
        .map(|(name, rest, channels)| {
            let [flat, mean] = [three_layers(channels), one_layer(channels)];
            let share = |end: u64| format!("{:.1}", 100.0 * end as f64 / (end + rest) as f64);
            [
                vec![name.to_string()],
                [rest, flat].map(thousands).to_vec(),
                vec![share(flat), thousands(mean), share(mean)],
            ]
            .concat()
        })
        .into();
    report.part("ends", |report| {
        let header = ["network", "before the end", "three linear layers", "%", "mean and one layer", "%"];
        report.table(&header, &rows);
    });
    report.claim("VGG-16 ends in the three layers, GoogLeNet in the one", {
        linears(&vgg16) == three_layers(512) && linears(net) == one_layer(1024)
    });
    let alexnet = Model::outline(&alexnet_paper::<f32>(&options()), Shape::from([1, 224, 224, 3]));
    report.value("flat-end", &rows[1][2]);
    report.value("mean-end", &rows[1][4]);
    report.value("vgg-times", times(vgg16.parameters as u64, net.parameters as u64));
    report.value("alexnet-times", times(alexnet.parameters as u64, net.parameters as u64));
    report.value("net-parameters", thousands(net.parameters as u64));
    report.value("net-giga", format!("{:.2}", net.macs as f64 / 1e9));
    report.value("vgg-macs-times", times(vgg16.macs, net.macs));
    report.value("conv1-millions", format!("{:.0}", child(net, "conv1").macs as f64 / 1e6));
}
