//! The chapter's figure that is no chart.

use super::{
    common::chart::{color, escaped},
    parts::NAMES,
};
use residual::nn::Outline;

type Cost = fn(&Outline) -> f64;

fn text(x: f64, y: f64, anchor: &str, content: &str) -> String {
    let content = escaped(content);
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"var(--fg, #222)\">{content}</text>\n"
    )
}

/// For each layer of the paper's network, torchvision's and the half: millions of parameters and of MACs.
pub fn bars(networks: &[Vec<&Outline>; 3]) -> String {
    const ROW: f64 = 40.0;
    const LEFT: f64 = 58.0;
    const COLUMN: f64 = 256.0;
    const LONGEST: f64 = 190.0;
    let height = 66.0 + ROW * NAMES.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 {height}\" role=\"img\" font-size=\"14\">\n\
         <title>{}</title>\n",
        "Parameters and multiplications of the layers of three networks: parameters sit in fc6 and fc7, \
         multiplications in the convolutions"
    );
    let costs: [(&str, Cost); 2] = [
        ("million parameters", |layer| layer.parameters as f64 / 1e6),
        ("million MACs", |layer| layer.macs as f64 / 1e6),
    ];
    for (row, name) in NAMES.iter().enumerate() {
        svg.push_str(&text(LEFT - 8.0, 51.0 + ROW * row as f64, "end", name));
    }
    for (column, (title, cost)) in costs.into_iter().enumerate() {
        let x = LEFT + COLUMN * column as f64;
        svg.push_str(&text(x, 16.0, "start", title));
        let most = networks.iter().flatten().map(|layer| cost(layer)).fold(0.0, f64::max);
        for (i, network) in networks.iter().enumerate() {
            let ink = color([2, 1, 3][i]);
            for (row, layer) in network.iter().enumerate() {
                let width = (LONGEST * cost(layer) / most).max(0.5);
                let top = 28.0 + ROW * row as f64 + 11.0 * i as f64;
                svg.push_str(&format!(
                    "<rect x=\"{x}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"10\" fill=\"{ink}\"/>\n"
                ));
                // The paper's numbers beside its bars.
                if i == 0 && cost(layer) >= 0.5 {
                    let label = format!("{:.*}", usize::from(cost(layer) < 10.0), cost(layer));
                    let longest = networks.iter().map(|n| cost(n[row])).fold(0.0, f64::max);
                    svg.push_str(&text(x + LONGEST * longest / most + 5.0, top + 16.0, "start", &label));
                }
            }
        }
    }
    let y = height - 14.0;
    for (i, label) in ["the paper's", "torchvision's", "half"].into_iter().enumerate() {
        let x = LEFT + 150.0 * i as f64;
        let ink = color([2, 1, 3][i]);
        svg.push_str(&format!(
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"14\" height=\"10\" fill=\"{ink}\"/>\n",
            y - 10.0
        ));
        svg.push_str(&text(x + 20.0, y, "start", label));
    }
    svg.push_str("</svg>\n");
    svg
}
