//! A network of PyTorch's, quantity by quantity.

use super::common::{
    Report,
    chart::{color, escaped},
};
use residual::{
    Real, Tensor,
    checkpoint::{self, TensorFile},
    models::{self, Options},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
};
use serde_json::Value;
use std::{fmt::Write, path::PathBuf};

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/torch/golden", file].iter().collect()
}

/// One quantity: how far from PyTorch's f64 the crate is in f32 and f64, and PyTorch itself in f32.
struct Row {
    name: String,
    ours: [f64; 2],
    theirs: f64,
}

// ANCHOR: step
/// Every quantity of one training step of ResNet-8 with PyTorch's weights, on PyTorch's images.
fn step<T: Real>(golden: &TensorFile) -> Vec<(String, Tensor<T>)> {
    let array = |name: &str| &golden.arrays[name];
    let images = Tensor::from_nchw(&array("step/images").to_tensor::<T>().expect("four axes"));
    let labels = array("step/labels").to_tensor::<f64>().expect("one axis");
    let labels: Vec<_> = labels.as_slice().iter().map(|&label| label as usize).collect();

    let mut net = models::build::<T>("resnet8", &Options::default()).expect("a known name");
    checkpoint::load(&path("resnet8_weights.safetensors"), |each| net.visit(each))
        .unwrap_or_else(|error| panic!("{error}"));
    let mut found = vec![("eval_logits".into(), net.scores(images.clone()))];
    let step = net.train_step(images, &labels, &CrossEntropy::default());
    found.push(("train_logits".into(), step.logits));
    found.push(("loss".into(), Tensor::full([], T::of(step.loss))));
    net.visit(&mut |path, slot| match slot {
        Slot::Param(param) => found.push((format!("grad/{path}"), param.grad.clone())),
        Slot::Buffer(buffer) => found.push((format!("buffer/{path}"), buffer.clone())),
        Slot::Count(_) | Slot::Generator(_) => {}
    });
    found
}
// ANCHOR_END: step

// ANCHOR: distance
/// ‖a - b‖ / ‖b‖.
fn distance<T: Real>(a: &Tensor<T>, b: &Tensor<f64>) -> f64 {
    let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let (a, b) = (a.cast::<f64>(), b.as_slice());
    length(&mut a.as_slice().iter().zip(b).map(|(a, b)| a - b)) / length(&mut b.iter().copied())
}
// ANCHOR_END: distance

fn rows() -> Vec<Row> {
    let golden = TensorFile::read(&path("resnet8.safetensors")).unwrap_or_else(|error| panic!("{error}"));
    let about: Value = serde_json::from_str(&golden.metadata["about"]).expect("JSON");
    let (single, double) = (step::<f32>(&golden), step::<f64>(&golden));
    let rows = single.iter().zip(&double).map(|((name, single), (_, double))| {
        let key = format!("step/{name}");
        let expected = golden.arrays[&key].to_tensor::<f64>().expect("at most four axes");
        Row {
            name: name.clone(),
            ours: [distance(single, &expected), distance(double, &expected)],
            theirs: about["f32_errors"][&key].as_f64().expect("a number"),
        }
    });
    rows.collect()
}

pub fn run(report: &mut Report) {
    let rows = rows();
    let worst = |of: &dyn Fn(&Row) -> f64| rows.iter().map(of).fold(0.0, f64::max);
    let [single, double, theirs] =
        [worst(&|row| row.ours[0]), worst(&|row| row.ours[1]), worst(&|row| row.theirs)];
    report.part("torch", |report| {
        let middle = |of: &dyn Fn(&Row) -> f64| {
            let mut all: Vec<_> = rows.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let line = |name: &str, middle: f64, worst: f64| vec![name.into(), shown(middle), shown(worst)];
        let lines = [
            line("residual, f32", middle(&|row| row.ours[0]), single),
            line("PyTorch, f32", middle(&|row| row.theirs), theirs),
            line("residual, f64", middle(&|row| row.ours[1]), double),
        ];
        report.table(&["distance from PyTorch, f64", "middle", "largest"], &lines);
    });
    report.value("torch-quantities", rows.len());
    report.value("torch-worst", format!("≈{}", tex(single)));
    report.value("torch-theirs", format!("≈{}", tex(theirs)));
    report.claim("in f32, no quantity is off by 1e-5 of its length", single < 1e-5);
    report.claim("in f64, by 1e-13", double < 1e-13);
    report.claim("PyTorch in f32 is as far from PyTorch in f64", {
        theirs > 1e-7 && theirs < 1e-5 && single < 10.0 * theirs && theirs < 10.0 * single
    });
    report.figure("ch15-torch", chart(&rows));
}

/// In f64, the rounding of a few numbers differs from machine to machine by more than a factor of two.
fn shown(distance: f64) -> String {
    if distance < 1e-13 { "below 1e-13".into() } else { format!("≈{distance:.1e}") }
}

fn tex(x: f64) -> String {
    let text = format!("{x:.1e}");
    let (digits, exponent) = text.split_once('e').expect("an exponent");
    format!("{digits}\\times10^{{{exponent}}}")
}

/// Every quantity as three points on a line of its own, from 1e-17 to 1e-5.
fn chart(rows: &[Row]) -> String {
    const LEFT: f64 = 190.0;
    const RIGHT: f64 = 548.0;
    const STEP: f64 = 15.0;
    const TOP: f64 = 44.0;
    let bottom = TOP + rows.len() as f64 * STEP;
    let place = |x: f64| LEFT + (x.max(1e-17).log10() + 17.0) / 12.0 * (RIGHT - LEFT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 {:.0}\" role=\"img\" font-size=\"11\">\n\
         <title>{} quantities of a training step: in f32 all lie around 1e-7 to 1e-6 from PyTorch's f64, residual's beside \
         PyTorch's own; in f64 below 1e-14</title>\n",
        bottom + 44.0,
        rows.len()
    );
    let mut add = |line: String| writeln!(svg, "{line}").expect("strings take every write");
    for decade in (-16..=-6).step_by(2) {
        let x = place(10f64.powi(decade));
        add(format!(
            "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"var(--chart-grid, #8884)\"/>\n<text x=\"{x:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\" font-size=\"13\" fill=\"var(--fg, #222)\">10<tspan dy=\"-5\" \
             font-size=\"10\">−{}</tspan></text>",
            bottom + 20.0,
            -decade
        ));
    }
    add(format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"13\" fill=\"var(--fg, #222)\">distance from \
         PyTorch's f64, relative</text>",
        (LEFT + RIGHT) / 2.0,
        bottom + 40.0
    ));
    let legend = [(3, "residual, f64"), (1, "residual, f32"), (2, "PyTorch, f32")];
    for ((ink, label), x) in legend.into_iter().zip([196.0, 318.0, 440.0]) {
        add(format!(
            "<circle cx=\"{x}\" cy=\"22\" r=\"4.5\" fill=\"{}\"/>\n<text x=\"{}\" y=\"27\" font-size=\"13\" \
             fill=\"var(--fg, #222)\">{label}</text>",
            color(ink),
            x + 9.0
        ));
    }
    for (row, i) in rows.iter().zip(0..) {
        let y = TOP + (f64::from(i) + 0.5) * STEP;
        add(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"var(--fg, #222)\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            escaped(&row.name)
        ));
        for (x, ink) in [(row.ours[1], 3), (row.theirs, 2), (row.ours[0], 1)] {
            add(format!(
                "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{}\" fill-opacity=\"0.8\"/>",
                place(x),
                color(ink)
            ));
        }
    }
    svg.push_str("</svg>\n");
    svg
}
