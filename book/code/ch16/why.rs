//! What a step and a training of ResNet-50 need, counted.

use super::common::{Report, thousands};
use residual::{
    models::{Model, Options, ResNet},
    nn::{Outline, Sequential},
};

/// ImageNet's pictures, those to learn from.
pub const PICTURES: f64 = 1_281_167.0;
/// What Goyal and others (2017) did: passes through all pictures, devices, seconds, pictures of a device and step.
pub const EPOCHS: f64 = 90.0;
pub const DEVICES: f64 = 256.0;
pub const HOUR: f64 = 3600.0;
pub const SHARD: f64 = 32.0;
/// Pictures a second that this crate trains on with one thread; README has the table, and this is about its number.
const OURS: f64 = 3.0;
const DAY: f64 = 24.0 * HOUR;

/// ResNet-50 as it is counted, for so many pictures.
pub fn outline(pictures: usize) -> Outline {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    let net: Sequential<f32> = ResNet::RESNET50.build(&options);
    Model::outline(&net, [pictures, 224, 224, 3].into())
}

/// Bytes of the gradient.
pub fn gradient_bytes() -> f64 {
    4.0 * outline(1).parameters as f64
}

/// Pictures a second of one of the paper's devices.
pub fn device_rate() -> f64 {
    PICTURES * EPOCHS / HOUR / DEVICES
}

// ANCHOR: memory
/// Bytes of a training step on so many pictures: what layers keep for their backward, and parameters with their
/// gradient and momentum, in `f32`.
fn memory(pictures: usize) -> [u64; 2] {
    let Outline { kept, parameters, .. } = outline(pictures);
    [4 * kept as u64, 4 * 3 * parameters as u64]
}
// ANCHOR_END: memory

pub fn run(report: &mut Report) {
    report.part("memory", |report| {
        let row = |n: usize| {
            let [kept, fixed] = memory(n);
            [vec![n.to_string()], [kept, fixed, kept + fixed].map(|b| thousands(b / 1_000_000)).to_vec()]
                .concat()
        };
        let header = ["pictures", "kept, MB", "parameters, gradient, momentum, MB", "together, MB"];
        report.table(&header, &[1, 8, 32, 256].map(row));
    });
    let gigabytes = |n| memory(n).iter().sum::<u64>() as f64 / 1e9;
    report.value("gigabytes-256", format!("{:.0}", gigabytes(256)));
    report.value("gigabytes-32", format!("{:.1}", gigabytes(32)));
    report.value("parameters-50", thousands(outline(1).parameters as u64));
    report.value("gradient-megabytes", format!("{:.1}", gradient_bytes() / 1e6));
    let macs = 3.0 * outline(1).macs as f64;
    report.value("giga-macs", format!("{:.1}", macs / 1e9));
    report.value("training-macs", format!("{:.1}\\times10^{{18}}", macs * PICTURES * EPOCHS / 1e18));
    report.value("epoch-days", format!("{:.1}", PICTURES / OURS / DAY));
    report.value("training-days", format!("{:.0}", PICTURES * EPOCHS / OURS / DAY));
    report.value("device-rate", format!("{:.0}", device_rate()));
    report.value("device-days", format!("{:.1}", PICTURES * EPOCHS / device_rate() / DAY));
    report.claim("what grows with the batch is nearly all of it", {
        let [kept, fixed] = memory(32);
        kept > 10 * fixed
    });
}
