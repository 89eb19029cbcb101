//! Where VGG's parameters, multiplications and kept numbers sit.

use super::{STAGES, common::Report, drawings, thousands};
use residual::{
    Shape,
    models::{Model, Options, Vgg, vgg},
    nn::Outline,
};

/// A layer with weights.
pub struct Part {
    pub name: String,
    /// Parameters, MACs, and numbers in the output.
    pub costs: [u64; 3],
}

/// The network for ImageNet, as it is counted.
fn outline(kind: Vgg) -> Outline {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    Model::outline(&vgg::<f32>(kind, &options), Shape::from([1, 224, 224, 3]))
}

// ANCHOR: parts
/// Every convolution and linear layer, in the order of the network.
fn parts(outline: &Outline) -> Vec<&Outline> {
    match ["Conv2d", "Linear"].iter().any(|kind| outline.kind.starts_with(kind)) {
        true => vec![outline],
        false => outline.children.iter().flat_map(parts).collect(),
    }
}
// ANCHOR_END: parts

/// `conv3_2` for the second convolution of the third stage, as the paper's readers call it; `fc6`, `fc7`, `fc8`.
fn names() -> Vec<String> {
    let stages = STAGES.iter().zip(1..);
    let convs = stages.flat_map(|((count, _), stage)| (1..=*count).map(move |i| format!("conv{stage}_{i}")));
    convs.chain(["fc6", "fc7", "fc8"].map(String::from)).collect()
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}", 100.0 * part as f64 / whole as f64)
}

pub fn run(report: &mut Report) {
    report.part("family", report_family);
    let net = outline(Vgg::new(16));
    let layers = parts(&net);
    let parts: Vec<_> = names()
        .into_iter()
        .zip(&layers)
        .map(|(name, layer)| Part {
            name,
            costs: [layer.parameters as u64, layer.macs, layer.output.len() as u64],
        })
        .collect();
    report.part("layers", |report| report_layers(report, &parts));
    report.figure("ch07-parts", drawings::bars(&parts));
    report.claim("VGG-16 is as this chapter's stages have it", {
        let channels = STAGES.iter().flat_map(|&(count, channels)| vec![channels; count]);
        layers.len() == 16 && channels.eq(layers[..13].iter().map(|layer| layer.output.last()))
    });
}

fn report_family(report: &mut Report) {
    let row = |(name, depth): (&str, usize)| {
        let [plain, norm] = [Vgg::new(depth), Vgg::new(depth).batch_norm()].map(outline);
        let added = (norm.parameters - plain.parameters) as u64;
        vec![
            name.to_string(),
            parts(&plain).len().to_string(),
            thousands(plain.parameters as u64),
            thousands(plain.macs),
            thousands(plain.kept as u64),
            thousands(added),
            thousands(norm.kept as u64 - plain.kept as u64),
        ]
    };
    let rows = [("A, vgg11", 11), ("B, vgg13", 13), ("D, vgg16", 16), ("E, vgg19", 19)].map(row);
    let header = ["network", "layers", "parameters", "MACs", "kept", "norms add", "and keep"];
    report.table(&header, &rows);
    report.value("norm-parameters", &rows[2][5]);
    report.value("norm-kept", &rows[2][6]);
    report.value("kept-16", &rows[2][4]);
    // Four bytes each.
    let megabytes = 4.0 * outline(Vgg::new(16)).kept as f64 / 1e6;
    report.value("megabytes", format!("{megabytes:.0}"));
}

fn report_layers(report: &mut Report, parts: &[Part]) {
    let total = |cost: usize, parts: &[Part]| parts.iter().map(|part| part.costs[cost]).sum::<u64>();
    let totals = [0, 1, 2].map(|cost| total(cost, parts));
    let row = |part: &Part| {
        let cells = (0..3).flat_map(|i| [thousands(part.costs[i]), percent(part.costs[i], totals[i])]);
        [vec![part.name.clone()], cells.collect()].concat()
    };
    let mut rows: Vec<_> = parts.iter().map(row).collect();
    rows.push(row(&Part { name: "all".into(), costs: totals }));
    report.table(&["layer", "parameters", "%", "MACs", "%", "outputs", "%"], &rows);
    let (convs, linears) = parts.split_at(13);
    let share = |cost, parts: &[Part]| percent(total(cost, parts), totals[cost]);
    report.value("all-parameters", thousands(totals[0]));
    report.value("fc6-parameters", thousands(parts[13].costs[0]));
    report.value("fc6-share", share(0, &parts[13..14]));
    report.value("conv-parameters", thousands(total(0, convs)));
    report.value("conv-share", share(0, convs));
    report.value("linear-share", share(0, linears));
    report.value("conv-macs", share(1, convs));
    report.value("giga-macs", format!("{:.2}", totals[1] as f64 / 1e9));
    report.value("first-outputs", share(2, &parts[..2]));
    let pooled = total(0, convs) + 513_000;
    report.value("pooled", thousands(pooled));
    report.value("pooled-share", percent(pooled, totals[0]));
    report.claim("fc6 is a 7x7 convolution of 512 channels into 4096, with a bias each", {
        parts[13].costs[0] == 7 * 7 * 512 * 4096 + 4096
    });
    report.claim("fc6 has more than two thirds of the parameters", 3 * parts[13].costs[0] > 2 * totals[0]);
    report.claim("convolutions have 99 % of the MACs", 100 * total(1, convs) > 99 * totals[1]);
    report.claim("the first two layers make almost half of all outputs", {
        (45..50).contains(&(100 * total(2, &parts[..2]) / totals[2]))
    });
}
