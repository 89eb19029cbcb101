//! Two groups: that they are two convolutions, what they save, and what crosses between two towers.

use super::{
    common::{Report, thousands},
    parts,
};
use residual::{
    Tensor,
    nn::Outline,
    ops::{
        concat,
        conv2d::{self, Geometry},
    },
    rng::Generator,
};

pub fn run(report: &mut Report) {
    let difference = apart();
    report.claim("two groups are two convolutions side by side, and one with half of its weights zero", {
        difference < 1e-12
    });
    let [paper, ..] = parts::outlines();
    let layers = parts::weighted(&paper);
    report.part("groups", |report| report_groups(report, &layers[..5]));
    report_crossings(report);
}

// ANCHOR: apart
/// How far a convolution in two groups is from two convolutions of half the channels, and from one in one group
/// whose weights across the towers are zero.
fn apart() -> f64 {
    let rng = &mut Generator::new(6, 0);
    let x = Tensor::from_fn([1, 7, 7, 8], |_| rng.normal());
    let w = Tensor::from_fn([6, 4, 3, 3], |_| rng.normal());
    let one = Geometry::default();
    let y = conv2d::forward(&x, &w, one.groups(2));
    let half = |tower: usize| {
        let x = Tensor::from_fn([1, 7, 7, 4], |i| x.as_slice()[i / 4 * 8 + 4 * tower + i % 4]);
        let w = Tensor::from_fn([3, 4, 3, 3], |i| w.as_slice()[3 * 36 * tower + i]);
        conv2d::forward(&x, &w, one)
    };
    let side_by_side = concat::forward(&[half(0), half(1)]);
    let wide = Tensor::from_fn([6, 8, 3, 3], |i| {
        let (out, from, tap) = (i / 72, i / 9 % 8, i % 9);
        if out / 3 == from / 4 { w.as_slice()[(out * 4 + from % 4) * 9 + tap] } else { 0.0 }
    });
    let with_zeros = conv2d::forward(&x, &wide, one);
    let far = |other: &Tensor<f64>| {
        y.as_slice().iter().zip(other.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    far(&side_by_side).max(far(&with_zeros))
}
// ANCHOR_END: apart

/// Every convolution as it is, and with all channels together. Biases stay as many.
fn report_groups(report: &mut Report, convolutions: &[&Outline]) {
    let counts: Vec<_> = convolutions
        .iter()
        .map(|conv| {
            let groups = if conv.kind.contains("groups=2") { 2 } else { 1 };
            let biases = conv.output.last();
            let weights = conv.parameters - biases;
            [
                groups as u64,
                conv.parameters as u64,
                (groups * weights + biases) as u64,
                conv.macs,
                groups as u64 * conv.macs,
            ]
        })
        .collect();
    let row = |name: &str, [groups, rest @ ..]: [u64; 5]| {
        let [as_is, whole, macs, all] = rest;
        let millions = |n: u64| format!("{:.1}", n as f64 / 1e6);
        let groups = if groups > 0 { groups.to_string() } else { String::new() };
        vec![name.into(), groups, thousands(as_is), thousands(whole), millions(macs), millions(all)]
    };
    let total =
        counts.iter().fold([0; 5], |sum, c| [0, 1, 2, 3, 4].map(|i| if i == 0 { 0 } else { sum[i] + c[i] }));
    let mut rows: Vec<_> = counts.iter().zip(parts::NAMES).map(|(&c, name)| row(name, c)).collect();
    rows.push(row("all five", total));
    report.table(&["layer", "groups", "parameters", "in one group", "million MACs", "in one group"], &rows);
    report.value("grouped-convs", thousands(total[1]));
    report.value("whole-convs", thousands(total[2]));
    report.value("grouped-macs", thousands((total[3] + 500_000) / 1_000_000));
    report.value("whole-macs", thousands((total[4] + 500_000) / 1_000_000));
    let share = |part: u64, whole: u64| 100.0 * (1.0 - part as f64 / whole as f64);
    report.value("saved-parameters", format!("{:.0}", share(total[1], total[2])));
    report.value("saved-macs", format!("{:.0}", share(total[3], total[4])));
    report.claim("three of the five convolutions are in two groups", {
        counts.iter().map(|c| c[0]).eq([1, 2, 1, 2, 2])
    });
    report.claim("groups save more than a third of the convolutions' parameters and MACs", {
        3 * total[1] < 2 * total[2] && 3 * total[3] < 2 * total[4]
    });
}

/// Numbers that a tower reads from the other one, of both towers, for one picture on the way forward.
fn report_crossings(report: &mut Report) {
    // What a layer reads, of both towers: conv3 and the linear layers read all of it; each of the others its own.
    let needed = [13 * 13 * 256, 6 * 6 * 256, 4096, 4096];
    let spared = [27 * 27 * 96, 13 * 13 * 384, 13 * 13 * 384];
    let (crossing, more) = (needed.iter().sum::<u64>(), spared.iter().sum::<u64>());
    report.value("crossing", thousands(crossing));
    report.value("all-crossing", thousands(crossing + more));
    report.value("times-crossing", format!("{:.1}", (crossing + more) as f64 / crossing as f64));
}
