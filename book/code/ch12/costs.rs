//! What a path costs, how many there can be for a price, and what ResNeXt-50 pays.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    figures, thousands,
};
use residual::{
    Shape,
    models::{
        Model, Options, ResNet,
        resnext_forms::{Cardinality, Form},
    },
    nn::{Layer, Outline, Sequential},
};

/// Paths and their width in a block of 256 channels, as the paper pairs them (its table 2).
const PAPER: [(usize, usize); 5] = [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)];

pub fn run(report: &mut Report) {
    report.part("templates", report_templates);
    report.part("networks", report_networks);
    report.figure("ch12-blocks", figures::blocks());
    report.figure("ch12-width", width_figure());
}

// ANCHOR: price
/// The weights of `paths` paths of width `width` between `channels` channels.
pub fn price(channels: f64, paths: f64, width: f64) -> f64 {
    paths * (2.0 * channels * width + 9.0 * width * width)
}

/// The width at which so many paths cost `weights`.
pub fn width(channels: f64, paths: f64, weights: f64) -> f64 {
    ((channels * channels + 9.0 * weights / paths).sqrt() - channels) / 9.0
}
// ANCHOR_END: price

fn report_templates(report: &mut Report) {
    let options = Options { init: false, ..Options::default() };
    let one = price(256.0, 1.0, 64.0);
    let mut right = true;
    let rows: Vec<_> = (PAPER.iter())
        .map(|&(paths, chosen)| {
            let block =
                Cardinality { paths, width: chosen, channels: 256 }.block::<f32>(Form::Grouped, &options);
            // A convolution's weights are used once for each pixel.
            let weights = Layer::outline(&block, Shape::from([1, 56, 56, 256])).macs / (56 * 56);
            right &= weights as f64 == price(256.0, paths as f64, chosen as f64);
            let exact = width(256.0, paths as f64, one);
            right &= (exact - chosen as f64).abs() < 1.0;
            let numbers = [
                format!("{exact:.2}"),
                chosen.to_string(),
                (paths * chosen).to_string(),
                thousands(9 * (paths * chosen * chosen) as u64),
                thousands(weights),
            ];
            [vec![paths.to_string()], numbers.to_vec()].concat()
        })
        .collect();
    report.table(&["paths", "exact d", "d", "between", "3x3 weights", "all weights"], &rows);
    report.value("weights-one", &rows[0][5]);
    report.value("weights-many", &rows[4][5]);
    report.value("middle-one", &rows[0][4]);
    report.value("middle-many", &rows[4][4]);
    report.value("exact-many", &rows[4][1]);
    let limit = one / 512.0;
    report.value("limit", format!("{limit:.0}"));
    let of_gain = (128.0 - 64.0) / (limit - 64.0);
    report.value("of-gain", format!("{:.0}", 100.0 * of_gain));
    report
        .claim("the formula is the crate's count, and the paper's widths are its solutions, rounded", right);
    report.claim("all five cost the same within 3 %", {
        PAPER.iter().all(|&(c, d)| (price(256.0, c as f64, d as f64) / one - 1.0).abs() < 0.03)
    });
    report.claim(
        "32 paths reach 89 % of what cardinality can add to the width",
        of_gain > 0.885 && of_gain < 0.9,
    );
}

/// The channels between the 1x1 convolutions, by the number of paths, at one cost.
fn width_figure() -> String {
    let one = price(256.0, 1.0, 64.0);
    let between = |paths: f64| paths * width(256.0, paths, one);
    let paths = || (0..=70).map(|i| 2f64.powf(f64::from(i) / 10.0));
    let line = |label: &str, color, dashed, points: Vec<(f64, f64)>| Line {
        label: label.into(),
        color,
        dashed,
        points,
    };
    Chart {
        title:
            "Channels between the 1x1 convolutions against the number of paths, at one cost: from 64 they \
                rise towards 136"
                .into(),
        x: Axis { label: "paths C", range: [1.0, 128.0], log: true },
        y: Axis { label: "channels between, C·d", range: [0.0, 150.0], log: false },
        lines: vec![
            line("C·d", 1, false, paths().map(|c| (c, between(c))).collect()),
            line("limit", 6, true, paths().map(|c| (c, one / 512.0)).collect()),
        ],
        label_width: 60.0,
    }
    .svg()
}

/// Of a stage: images of the shape that leaves it, as papers write it.
fn shape(outline: &Outline) -> String {
    let [_, h, w, c] = outline.output.dims() else { return outline.output.to_string() };
    format!("{c} x {h} x {w}")
}

fn report_networks(report: &mut Report) {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    let outlines = [ResNet::RESNET50, ResNet::RESNEXT50_32X4D].map(|net| {
        let net: Sequential<f32> = net.build(&options);
        Model::outline(&net, Shape::from([1, 224, 224, 3]))
    });
    let [resnet, resnext] = &outlines;
    let mut rows = Vec::new();
    for (a, b) in resnet.children.iter().zip(&resnext.children) {
        if a.macs > 0 {
            let numbers = [a.parameters as u64, b.parameters as u64, a.macs, b.macs].map(thousands);
            rows.push([vec![a.name.clone(), shape(a)], numbers.to_vec()].concat());
        }
    }
    let totals =
        [resnet.parameters as u64, resnext.parameters as u64, resnet.macs, resnext.macs].map(thousands);
    rows.push([vec!["all".into(), String::new()], totals.to_vec()].concat());
    let header = ["layer", "C x H x W", "ResNet-50", "ResNeXt-50", "ResNet-50 MACs", "ResNeXt-50 MACs"];
    report.table(&header, &rows);
    let kept = outlines.each_ref().map(|outline| outline.kept as u64);
    report.line(format!(
        "numbers kept from forward to backward: {} and {}",
        thousands(kept[0]),
        thousands(kept[1])
    ));
    for (name, total) in
        ["parameters-resnet", "parameters-resnext", "macs-resnet", "macs-resnext"].iter().zip(&totals)
    {
        report.value(name, total);
    }
    let percent = |a: f64, b: f64| format!("{:.1}", 100.0 * (b / a - 1.0).abs());
    report.value("fewer-parameters", percent(resnet.parameters as f64, resnext.parameters as f64));
    report.value("more-macs", percent(resnet.macs as f64, resnext.macs as f64));
    report.value("more-kept", format!("{:.0}", 100.0 * (kept[1] as f64 / kept[0] as f64 - 1.0)));
    report.claim(
        "ResNeXt-50 has fewer parameters, more multiply-adds, and keeps more",
        resnext.parameters < resnet.parameters && resnext.macs > resnet.macs && kept[1] > kept[0],
    );
}
