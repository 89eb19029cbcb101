//! Shapes, parameters and connections, of the network as it is taught and as the paper has it.

use super::{common::Report, network::Design, thousands};
use residual::{
    Shape,
    models::Model,
    nn::{Outline, Sequential},
};

pub fn run(report: &mut Report) {
    let [taught, paper, dense] = [Design::Taught, Design::Paper, Design::Dense].map(outline);
    report.part("shapes", |report| {
        report.table(&["layer", "C x H x W", "parameters", "MACs"], &shapes(&taught));
    });
    report.part("parameters", |report| report_parameters(report, [&taught, &paper]));
    report.value("parameters", thousands(taught.parameters as u64));
    report.value("macs", thousands(taught.macs));
    report.value("dense-parameters", thousands(dense.parameters as u64));
    report.value("dense-macs", thousands(dense.macs));
    let fc1 = child(&taught, "fc1").parameters;
    report.value("fc1-share", format!("{:.0}", 100.0 * fc1 as f64 / taught.parameters as f64));
    let convolved = child(&taught, "conv1").macs + child(&taught, "conv2").macs;
    report.value("conv-share", format!("{:.0}", 100.0 * convolved as f64 / taught.macs as f64));
    report.claim("what is taught has 61,706 parameters", taught.parameters == 61_706);
    report.claim("the fully connected net has as many within a tenth of a percent", {
        (dense.parameters as f64 / taught.parameters as f64 - 1.0).abs() < 1e-3
    });
}

fn outline(design: Design) -> Outline {
    let net: Sequential<f32> = design.network(0);
    Model::outline(&net, Shape::from([1, 28, 28, 1]))
}

fn child<'a>(outline: &'a Outline, name: &str) -> &'a Outline {
    outline.children.iter().find(|child| child.name == name).expect("the network has such a layer")
}

fn shapes(net: &Outline) -> Vec<Vec<String>> {
    let row = |name: &str, shape: String, parameters: usize, macs: u64| {
        vec![name.into(), shape, thousands(parameters as u64), thousands(macs)]
    };
    let shape = |output: Shape| match *output.dims() {
        [_, h, w, c] => format!("{c} x {h} x {w}"),
        _ => output.last().to_string(),
    };
    let mut rows = vec![row("picture", "1 x 28 x 28".into(), 0, 0)];
    rows.extend(net.children.iter().map(|l| row(&l.name, shape(l.output), l.parameters, l.macs)));
    rows.push(row("all", String::new(), net.parameters, net.macs));
    rows
}

/// The paper's layers beside today's.
fn report_parameters(report: &mut Report, [taught, paper]: [&Outline; 2]) {
    let pairs = [
        ("c1", "conv1"),
        ("s2", "pool1"),
        ("c3", "conv2"),
        ("s4", "pool2"),
        ("c5", "fc1"),
        ("f6", "fc2"),
        ("output", "fc3"),
    ];
    let mut rows = Vec::new();
    let mut all = 0;
    for (old, new) in pairs {
        let (then, now) = (child(paper, old), child(taught, new));
        let connections = connections(then);
        all += connections;
        let numbers = [then.parameters as u64, now.parameters as u64, connections].map(thousands);
        rows.push([vec![format!("{} / {new}", old.to_uppercase())], numbers.to_vec()].concat());
    }
    let numbers = [paper.parameters as u64, taught.parameters as u64, all].map(thousands);
    rows.push([vec!["all".into()], numbers.to_vec()].concat());
    report.table(&["layer", "paper", "today", "paper's connections"], &rows);
    report.value("paper-parameters", thousands(paper.parameters as u64));
    report.value("paper-connections", thousands(all));
    report.claim("the paper's counts: 60,000 parameters, 340,908 connections", {
        (paper.parameters, all) == (60_000, 340_908)
    });
}

/// As the paper counts: a bias is a connection, and so is each of four pixels under one coefficient.
fn connections(layer: &Outline) -> u64 {
    let outputs = layer.output.len() as u64;
    match layer.name.as_str() {
        "s2" | "s4" => 5 * outputs,
        "output" => layer.macs,
        _ => layer.macs + outputs,
    }
}
