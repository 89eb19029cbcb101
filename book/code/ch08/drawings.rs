//! The chapter's figures that are no charts.

use super::{
    common::chart::{color, escaped, opened, text},
    costs::Costs,
    module::{Module, TABLE},
};
use residual::nn::Outline;

/// Colours of the branches: 1x1, 3x3, 5x5, pool.
const INKS: [usize; 4] = [1, 2, 3, 5];
const NAMES: [&str; 4] = ["1x1", "3x3", "5x5", "pool"];

fn rect([x, y, width, height]: [f64; 4], ink: usize, opacity: f64) -> String {
    format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\" \
         fill-opacity=\"{opacity}\"/>\n",
        color(ink)
    )
}

/// A band from a middle and a width at one height to those at another.
fn band((x, y, width): (f64, f64, f64), (to_x, to_y, to_width): (f64, f64, f64), ink: usize) -> String {
    let (half, to_half, bend) = (width / 2.0, to_width / 2.0, (y + to_y) / 2.0);
    format!(
        "<path d=\"M{:.1} {y:.1}C{0:.1} {bend:.1} {1:.1} {bend:.1} {1:.1} {to_y:.1}H{2:.1}C{2:.1} {bend:.1} {3:.1} \
         {bend:.1} {3:.1} {y:.1}Z\" fill=\"{4}\" fill-opacity=\"0.45\"/>\n",
        x - half,
        to_x - to_half,
        to_x + to_half,
        x + half,
        color(ink)
    )
}

/// A layer's box, with its name and what it costs.
fn boxed(x: f64, y: f64, layer: &Outline, ink: usize) -> String {
    let kernel = layer.kind.split("kernel_size=(").nth(1).and_then(|rest| rest.chars().next());
    let (name, cost) = match kernel {
        Some(kernel) => {
            let label = format!("{kernel}x{kernel} to {}", layer.output.last());
            (label, format!("{:.1} M", layer.macs as f64 / 1e6))
        }
        None => ("3x3 max pool".into(), "no MACs".into()),
    };
    let ink = color(ink);
    let line = |y: f64, size: usize, content: &str| {
        format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"middle\" \
             fill=\"var(--fg, #222)\">{}</text>\n",
            escaped(content)
        )
    };
    format!(
        "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"104\" height=\"38\" rx=\"5\" fill=\"var(--bg, #fff)\" \
         stroke=\"{ink}\" stroke-width=\"1.5\"/>\n{}{}",
        x - 52.0,
        line(y + 16.0, 14, &name),
        line(y + 32.0, 12, &cost)
    )
}

/// The first layer of a branch that is no ReLU, and the second if there is one.
fn layers(branch: &Outline) -> Vec<&Outline> {
    match branch.children.is_empty() {
        true if branch.kind.starts_with("ReLU") => Vec::new(),
        true => vec![branch],
        false => branch.children.iter().flat_map(layers).collect(),
    }
}

/// Four branches as bands, as wide as they have channels.
pub fn module(branches: &[Outline], module: &Module) -> String {
    const WIDE: f64 = 0.5;
    const MIDDLE: f64 = 280.0;
    let mut svg = opened(
        560,
        380.0,
        "An Inception module as bands as wide as their channels: 192 go into each of four branches, narrow in front of \
         the 3x3 and the 5x5, and 256 come out side by side",
    );
    let from = module.from as f64 * WIDE;
    let columns = [56.0, 196.0, 364.0, 504.0];
    let mut left = MIDDLE - module.to() as f64 * WIDE / 2.0;
    let (mut bands, mut boxes) = (String::new(), String::new());
    for (i, branch) in branches.iter().enumerate() {
        let (x, ink, layers) = (columns[i], INKS[i], layers(branch));
        bands.push_str(&band((MIDDLE, 44.0, from), (x, 104.0, from), ink));
        let mut at = (x, 104.0, from);
        for (layer, top) in layers.iter().zip(if layers.len() == 1 { [210.0, 0.0] } else { [120.0, 210.0] }) {
            bands.push_str(&band(at, (x, top + 19.0, at.2), ink));
            at = (x, top + 19.0, layer.output.last() as f64 * WIDE);
            boxes.push_str(&boxed(x, top, layer, ink));
        }
        bands.push_str(&band(at, (x, 262.0, at.2), ink));
        bands.push_str(&band((x, 262.0, at.2), (left + at.2 / 2.0, 330.0, at.2), ink));
        boxes.push_str(&rect([left, 330.0, at.2, 14.0], ink, 1.0));
        left += at.2;
    }
    svg.push_str(&rect([MIDDLE - from / 2.0, 30.0, from, 14.0], 6, 1.0));
    svg.push_str(&bands);
    svg.push_str(&boxes);
    svg.push_str(&text(MIDDLE, 20.0, "middle", &format!("{} channels", module.from)));
    svg.push_str(&text(MIDDLE, 366.0, "middle", &format!("{} channels", module.to())));
    svg.push_str("</svg>\n");
    svg
}

/// Two bars for each module, cut into branches: with reductions and without.
pub fn costs(all: &[Costs]) -> String {
    const ROW: f64 = 40.0;
    const LEFT: f64 = 34.0;
    let mut svg = opened(
        560,
        40.0 + ROW * all.len() as f64,
        "Multiplications of each branch in the nine modules, with reductions and without: without, the 5x5 costs about as much as the 3x3",
    );
    let total = |costs: &[[u64; 2]; 4]| costs.iter().map(|cost| cost[1]).sum::<u64>();
    let most = all.iter().map(|costs| total(&costs.without)).max().expect("modules");
    let mut x = LEFT;
    for (name, ink) in NAMES.iter().zip(INKS) {
        svg.push_str(&rect([x, 6.0, 14.0, 14.0], ink, 1.0));
        svg.push_str(&text(x + 20.0, 18.0, "start", name));
        x += 72.0;
    }
    svg.push_str(&text(x + 8.0, 18.0, "start", "above: with 1x1; below: without"));
    for (row, (costs, module)) in all.iter().zip(TABLE).enumerate() {
        let top = 36.0 + ROW * row as f64;
        svg.push_str(&text(LEFT - 8.0, top + 20.0, "end", module.name));
        for (half, costs, opacity) in [(0.0, &costs.with, 1.0), (15.0, &costs.without, 0.5)] {
            let mut x = LEFT;
            for (cost, ink) in costs.iter().zip(INKS) {
                let width = 440.0 * cost[1] as f64 / most as f64;
                svg.push_str(&rect([x, top + half, width, 13.0], ink, opacity));
                x += width;
            }
            let label = format!("{:.0} M", total(costs) as f64 / 1e6);
            svg.push_str(&text(x + 5.0, top + half + 12.0, "start", &label));
        }
    }
    svg.push_str("</svg>\n");
    svg
}
