//! The paper's network, its half and torchvision's, side by side: shapes, parameters, multiplications.

use super::{
    common::{Report, thousands},
    drawings,
};
use residual::{
    Shape,
    models::{Model, Options, alexnet, alexnet_half, alexnet_paper},
    nn::{Outline, Sequential},
};

/// The layers with weights, as the paper's readers number them.
pub const NAMES: [&str; 8] = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"];
const NETWORKS: [&str; 3] = ["paper", "torchvision", "half"];

type Build = fn(&Options) -> Sequential<f32>;

/// The three networks for ImageNet, as they are counted.
pub fn outlines() -> [Outline; 3] {
    let networks: [(Build, usize); 3] = [(alexnet_paper, 227), (alexnet, 224), (alexnet_half, 224)];
    networks.map(|(network, side)| {
        let options = Options { classes: 1000, input_size: side, init: false, ..Options::default() };
        Model::outline(&network(&options), Shape::from([1, side, side, 3]))
    })
}

/// The leaves of a network, in order.
fn leaves(outline: &Outline) -> Vec<&Outline> {
    match outline.children.is_empty() {
        true => vec![outline],
        false => outline.children.iter().flat_map(leaves).collect(),
    }
}

/// Its layers with weights.
pub fn weighted(outline: &Outline) -> Vec<&Outline> {
    leaves(outline).into_iter().filter(|leaf| leaf.parameters > 0).collect()
}

fn shape(output: Shape) -> String {
    match *output.dims() {
        [_, h, w, c] => format!("{c} x {h} x {w}"),
        _ => output.last().to_string(),
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}", 100.0 * part as f64 / whole as f64)
}

pub fn run(report: &mut Report) {
    let nets = outlines();
    report.part("shapes", |report| report_shapes(report, &nets));
    report.part("costs", |report| report_costs(report, &nets));
    report.figure("ch06-parts", drawings::bars(&nets.each_ref().map(weighted)));
    report_shares(report, &nets);
    report_memory(report, &nets[0]);
}

/// Behind every convolution, pool and linear layer.
fn report_shapes(report: &mut Report, nets: &[Outline; 3]) {
    let kinds = ["Conv2d", "MaxPool2d", "Linear"];
    let stages: Vec<Vec<_>> = nets
        .iter()
        .map(|net| leaves(net).into_iter().filter(|l| kinds.iter().any(|k| l.kind.starts_with(k))).collect())
        .collect();
    let (mut layers, mut pools) = (NAMES.iter(), 1..);
    let names: Vec<_> = (stages[0].iter())
        .map(|stage| match stage.kind.starts_with("MaxPool2d") {
            true => format!("pool{}", [1, 2, 5][pools.next().expect("three pools") - 1]),
            false => layers.next().expect("eight layers with weights").to_string(),
        })
        .collect();
    let input = ["3 x 227 x 227", "3 x 224 x 224", "3 x 224 x 224"].map(String::from);
    let mut rows = vec![[vec!["picture".into()], input.to_vec()].concat()];
    rows.extend((0..names.len()).map(|i| {
        let shapes = stages.iter().map(|stages| shape(stages[i].output));
        [vec![names[i].clone()], shapes.collect()].concat()
    }));
    report.table(&["behind", NETWORKS[0], NETWORKS[1], NETWORKS[2]], &rows);
}

fn report_costs(report: &mut Report, nets: &[Outline; 3]) {
    let layers = nets.each_ref().map(weighted);
    let row = |name: &str, costs: [&Outline; 3]| {
        let parameters = costs.iter().map(|l| thousands(l.parameters as u64));
        let macs = costs.iter().map(|l| format!("{:.1}", l.macs as f64 / 1e6));
        [vec![name.to_string()], parameters.chain(macs).collect()].concat()
    };
    let mut rows: Vec<_> =
        (0..8).map(|i| row(NAMES[i], [layers[0][i], layers[1][i], layers[2][i]])).collect();
    rows.push(row("all", nets.each_ref()));
    report.line(format!("{:>36}{:>40}", "parameters", "million MACs"));
    report.table(&[&["layer"], NETWORKS.as_slice(), NETWORKS.as_slice()].concat(), &rows);
}

fn report_shares(report: &mut Report, nets: &[Outline; 3]) {
    let [paper, torchvision, half] = nets.each_ref();
    let layers = weighted(paper);
    let sum = |part: &[&Outline]| part.iter().map(|l| l.parameters as u64).sum::<u64>();
    let macs = |part: &[&Outline]| part.iter().map(|l| l.macs).sum::<u64>();
    report.value("paper-parameters", thousands(paper.parameters as u64));
    report.value("vision-parameters", thousands(torchvision.parameters as u64));
    report.value("half-parameters", thousands(half.parameters as u64));
    report.value("half-share", percent(half.parameters as u64, paper.parameters as u64));
    report.value("fc6-parameters", thousands(layers[5].parameters as u64));
    report.value("fc6-share", percent(layers[5].parameters as u64, paper.parameters as u64));
    report.value("fc-share", percent(sum(&layers[5..]), paper.parameters as u64));
    report.value("conv-macs", percent(macs(&layers[..5]), paper.macs));
    report.value("mega-macs", format!("{:.0}", paper.macs as f64 / 1e6));
    report.claim("fc6 reads 256 maps of 6x6 and has 4096 outputs, with a bias each", {
        layers[5].parameters == 6 * 6 * 256 * 4096 + 4096
    });
    report.claim(
        "the linear layers have 19 of 20 parameters",
        20 * sum(&layers[5..]) > 19 * paper.parameters as u64,
    );
    report.claim("the convolutions do nine tenths of the MACs", 10 * macs(&layers[..5]) > 9 * paper.macs);
    // The paper counts what every layer with weights puts out.
    let neurons: Vec<_> = layers.iter().map(|l| l.output.len() as u64).collect();
    report.value("neurons", thousands(neurons.iter().sum()));
    report.value("first-neurons", thousands(neurons[0]));
    report.claim("of the paper's list of neurons, all but the first are the crate's", {
        neurons[1..] == [186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    });
    report.claim(
        "the paper's first number has lost seven columns",
        neurons[0] == 55 * 55 * 96 && neurons[0] - 253_440 == 55 * 7 * 96,
    );
}

/// What 128 pictures need of a graphics card's 3 GB, by the crate's count.
fn report_memory(report: &mut Report, paper: &Outline) {
    let gigabytes = |numbers: u64| 4.0 * numbers as f64 / 1e9;
    let kept = 128 * paper.kept as u64;
    // Values, gradients, and the momentum's memory.
    let learned = 3 * paper.parameters as u64;
    report.value("kept", thousands(paper.kept as u64));
    report.value("kept-gigabytes", format!("{:.2}", gigabytes(kept)));
    report.value("learned-gigabytes", format!("{:.2}", gigabytes(learned)));
    report.claim("the crate would need less than 3 GB", gigabytes(kept + learned) < 3.0);
}
