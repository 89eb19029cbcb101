//! What a block costs, and how the list [3, 4, 6, 3] becomes fifty layers.

use super::{
    blocks::Bodies,
    common::{
        Report,
        chart::{color, escaped},
    },
    thousands,
};
use residual::{
    Shape,
    models::{Model, Options, ResNet},
    nn::{Layer, Outline, Residual},
    rng::Generator,
};
use std::{iter, slice};

/// Pixels of ResNet's first stage.
const PIXELS: u64 = 56 * 56;

pub fn run(report: &mut Report) {
    report.part("blocks", report_blocks);
    let [resnet34, resnet50] = [ResNet::RESNET34, ResNet::RESNET50].map(outline);
    report.part("networks", |report| report_networks(report, [&resnet34, &resnet50]));
    report.part("unfolded", |report| report_unfolded(report, &resnet50));
    report.part("tree", |report| report_tree(report, &resnet50));
    report.figure("ch11-prices", prices());
}

/// The network for ImageNet, as it is counted.
fn outline(net: ResNet) -> Outline {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    Model::outline(&net.build::<f32>(&options), Shape::from([1, 224, 224, 3]))
}

/// MACs of all convolutions whose kernel has as many rows and columns.
fn macs_of_kernel(outline: &Outline, kernel: usize) -> u64 {
    let is_one = outline.kind.contains(&format!("kernel_size=({kernel}, {kernel})"));
    let own = if is_one { outline.macs } else { 0 };
    own + outline.children.iter().map(|child| macs_of_kernel(child, kernel)).sum::<u64>()
}

fn child<'a>(outline: &'a Outline, name: &str) -> &'a Outline {
    outline.children.iter().find(|child| child.name == name).expect("the network has such a child")
}

fn layers_with_weights(outline: &Outline) -> usize {
    let own = ["Conv2d", "Linear"].iter().any(|kind| outline.kind.starts_with(kind));
    // The paper counts no shortcut.
    let children = outline.children.iter().filter(|child| child.name != "downsample");
    usize::from(own) + children.map(layers_with_weights).sum::<usize>()
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0}", 100.0 * part as f64 / whole as f64)
}

fn report_blocks(report: &mut Report) {
    let mut bodies = Bodies { zero_init: false, rng: Generator::new(0, 0).idle() };
    let outlines = [
        ("basic, 64 channels", 64, bodies.basic::<f32>(64)),
        ("bottleneck, 256 channels", 256, bodies.bottleneck(256, 64)),
        ("basic, 256 channels", 256, bodies.basic(256)),
    ]
    .map(|(name, n, body)| (name, Layer::outline(&Residual::new(body), Shape::from([1, 56, 56, n]))));
    let rows = outlines.each_ref().map(|(name, outline)| {
        let Outline { parameters, macs, kept, .. } = outline;
        let cells = [
            thousands(macs / PIXELS),
            thousands(*parameters as u64),
            thousands(*macs),
            percent(macs_of_kernel(outline, 3), *macs),
            thousands(*kept as u64),
        ];
        [vec![name.to_string()], cells.to_vec()].concat()
    });
    report.table(&["block", "weights", "parameters", "MACs", "% in 3x3", "kept"], &rows);
    report.value("basic-weights", &rows[0][1]);
    report.value("bottleneck-weights", &rows[1][1]);
    report.value("dense-weights", &rows[2][1]);
    report.value("bottleneck-share", &rows[1][4]);
    // A convolution's weights are used once for each pixel.
    let weights = outlines.each_ref().map(|(_, outline)| outline.macs / PIXELS);
    report.value("times-dense", format!("{:.1}", weights[2] as f64 / weights[1] as f64));
    report.value("kept-times", format!("{:.1}", outlines[1].1.kept as f64 / outlines[0].1.kept as f64));
    report.claim("a basic block has 18 w² weights, a bottleneck 17 w²", {
        weights == [18 * 64 * 64, 17 * 64 * 64, 18 * 256 * 256]
    });
}

fn report_networks(report: &mut Report, [resnet34, resnet50]: [&Outline; 2]) {
    let row =
        |name: &str, of: &dyn Fn(&Outline) -> String| vec![name.to_string(), of(resnet34), of(resnet50)];
    let rows = [
        row("layers with weights", &|net| layers_with_weights(net).to_string()),
        row("channels at the end", &|net| child(net, "layer4").output.last().to_string()),
        row("parameters", &|net| thousands(net.parameters as u64)),
        row("MACs", &|net| thousands(net.macs)),
        row("  in 3x3, %", &|net| percent(macs_of_kernel(net, 3), net.macs)),
        row("  in 1x1, %", &|net| percent(macs_of_kernel(net, 1), net.macs)),
        row("numbers kept", &|net| thousands(net.kept as u64)),
    ];
    report.table(&["for 224x224", "ResNet-34", "ResNet-50"], &rows);
    report.value("billions-50", format!("{:.1}", resnet50.macs as f64 / 1e9));
    report.value("more-macs", format!("{:.0}", 100.0 * (resnet50.macs as f64 / resnet34.macs as f64 - 1.0)));
    let fewer = macs_of_kernel(resnet50, 3) as f64 / macs_of_kernel(resnet34, 3) as f64;
    report.value("spent-on-3x3", format!("{:.0}", 100.0 * fewer));
    report.claim("fifty layers are fifty, and thirty-four thirty-four", {
        [layers_with_weights(resnet34), layers_with_weights(resnet50)] == [34, 50]
    });
    report.claim("ResNet-50 spends less on its 3x3 convolutions than ResNet-34 does", fewer < 0.6);
}

/// Every block of the four stages, a line each.
fn report_unfolded(report: &mut Report, net: &Outline) {
    let mut rows = Vec::new();
    for stage in net.children.iter().filter(|child| child.name.starts_with("layer")) {
        for block in &stage.children {
            let convs: Vec<_> = convolutions(block).map(|conv| conv.output.last().to_string()).collect();
            let projected = block.children.iter().any(|child| child.name == "downsample");
            let [_, h, w, c] = block.output.dims() else { unreachable!("a block makes images") };
            rows.push(vec![
                format!("{}.{}", stage.name, block.name),
                convs[..3].join(" "),
                if projected { "1x1".into() } else { "identity".into() },
                format!("{c} x {h} x {w}"),
                thousands(block.parameters as u64),
                thousands(block.macs),
            ]);
        }
    }
    report.table(&["block", "channels", "shortcut", "C x H x W", "parameters", "MACs"], &rows);
    report.value("blocks", rows.len());
    // With the stride in their first convolutions, as in the paper, these would have a quarter of the outputs.
    let first = ["layer2", "layer3", "layer4"].map(|stage| child(net, stage).children[0].clone());
    let spared: u64 = first
        .iter()
        .flat_map(convolutions)
        .filter(|conv| conv.name == "conv1")
        .map(|conv| conv.macs * 3 / 4)
        .sum();
    report.value("billions-paper", format!("{:.2}", (net.macs - spared) as f64 / 1e9));
    let mut repeated = rows.iter().filter(|row| row[2] == "identity").map(|row| &row[5]);
    let macs = repeated.next().expect("the second block of every stage");
    report.value("repeated-macs", macs);
    report.claim("every block without a projection costs the same", repeated.all(|each| each == macs));
}

fn convolutions(outline: &Outline) -> Box<dyn Iterator<Item = &Outline> + '_> {
    if outline.kind.starts_with("Conv2d") {
        return Box::new(iter::once(outline));
    }
    Box::new(outline.children.iter().flat_map(convolutions))
}

// ANCHOR: tree
/// The modules as PyTorch prints them. A nameless child is its parent's chain.
fn tree(outline: &Outline) -> String {
    if outline.children.is_empty() {
        return outline.kind.clone();
    }
    let line = |child: &Outline| {
        let inner = tree(child).replace('\n', "\n  ");
        format!("  ({}): {inner}\n", child.name)
    };
    let children = outline.children.iter().flat_map(|child| match child.name.as_str() {
        "" => &child.children[..],
        _ => slice::from_ref(child),
    });
    format!("{}(\n{})", outline.kind, children.map(line).collect::<String>())
}
// ANCHOR_END: tree

/// The second stage's tree: its first block has a projection, the others are alike.
fn report_tree(report: &mut Report, net: &Outline) {
    let stage = child(net, "layer2");
    let two = Outline { children: stage.children[..2].to_vec(), ..stage.clone() };
    report.line(format!("(layer2): {}", tree(&two)));
}

/// Three blocks as areas: as many weights, as much paint.
fn prices() -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 268\" role=\"img\" font-size=\"14\">\n\
         <title>Areas for the weights of three blocks: a basic block of 64 channels and a bottleneck of 256 are \
         small and alike, a basic block of 256 is sixteen times as large</title>\n",
    );
    // The convolutions of each, with their colours.
    let (one, three) = (|weights| (weights, 1), |weights| (weights, 2));
    let blocks = [
        (20.0, "basic,", "64 channels", vec![three(36_864), three(36_864)]),
        (180.0, "bottleneck,", "256 channels", vec![one(16_384), three(36_864), one(16_384)]),
        (340.0, "basic,", "256 channels", vec![three(589_824), three(589_824)]),
    ];
    for (x, kind, channels, parts) in blocks {
        let whole: u64 = parts.iter().map(|(weights, _)| weights).sum();
        // The largest is 200 wide.
        let size = 200.0 * (whole as f64 / 1_179_648.0).sqrt();
        let mut top = 204.0 - size;
        for (weights, ink) in parts {
            let height = size * weights as f64 / whole as f64;
            svg.push_str(&format!(
                "<rect x=\"{x}\" y=\"{top:.1}\" width=\"{size:.1}\" height=\"{height:.1}\" fill=\"{}\" \
                 fill-opacity=\"0.75\" stroke=\"var(--bg, #fff)\"/>\n",
                color(ink)
            ));
            top += height;
        }
        let labels = [kind.into(), channels.into(), format!("{} weights", thousands(whole))];
        for (y, label) in [222, 240, 258].into_iter().zip(labels) {
            let label = escaped(&label);
            svg.push_str(&format!("<text x=\"{x}\" y=\"{y}\" fill=\"var(--fg, #222)\">{label}</text>\n"));
        }
    }
    svg.push_str("</svg>\n");
    svg
}
