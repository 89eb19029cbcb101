//! The three forms of a block: counted, compared, and taken apart where they stop being one.

use super::{common::Report, figures, thousands};
use residual::{
    Real, Shape, Tensor,
    models::{
        Options,
        resnext_forms::{Cardinality, Form, Grouped, gradients, load, values},
    },
    nn::{BatchNorm2d, Conv2d, Layer, Mode, Outline, Relu, Residual, Sequential, Sum},
    rng::Generator,
};

/// A block of ResNeXt-50's first stage.
const MEASURES: Cardinality = Cardinality { paths: 32, width: 4, channels: 256 };
const FORMS: [(&str, Form); 3] =
    [("(a) split", Form::Split), ("(b) concatenated", Form::Concatenated), ("(c) grouped", Form::Grouped)];

pub fn run(report: &mut Report) {
    report.part("forms", report_forms);
    two_layers(report);
    norm_of_a_sum(report);
    report.figure("ch12-forms", figures::forms());
}

/// What a step of training leaves behind.
struct Trace<T: Real> {
    y: Tensor<T>,
    dx: Tensor<T>,
    gradients: Grouped<T>,
}

impl<T: Real> Trace<T> {
    // ANCHOR: trace
    fn of(block: &mut Residual<T>, x: &Tensor<T>, dy: &Tensor<T>) -> Self {
        let y = block.forward(x.clone(), Mode::Train);
        let dx = block.backward(dy.clone());
        Self { y, dx, gradients: gradients(block) }
    }
    // ANCHOR_END: trace
}

// ANCHOR: distances
/// How far a form is from (c) with the same weights: in its output, its dL/dx, its worst gradient.
fn distances<T: Real>(form: Form) -> [f64; 3] {
    let rng = &mut Generator::new(12, 0);
    let [x, dy] = [(); 2].map(|()| Tensor::from_fn([2, 7, 7, 256], |_| T::of(rng.normal())));
    let mut grouped = MEASURES.block::<T>(Form::Grouped, &Options::default());
    let mut other = MEASURES.block::<T>(form, &Options::default());
    load(&mut other, &values(&mut grouped));

    let [expected, found] = [&mut grouped, &mut other].map(|block| Trace::of(block, &x, &dy));
    let worst = (expected.gradients.iter())
        .map(|(name, gradient)| distance(&found.gradients[name], gradient))
        .fold(0.0, f64::max);
    [distance(&found.y, &expected.y), distance(&found.dx, &expected.dx), worst]
}
// ANCHOR_END: distances

/// |a - b| over |b|, in lengths of vectors.
fn distance<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let square = |f: &dyn Fn(usize) -> f64| (0..a.len()).map(|i| f(i).powi(2)).sum::<f64>();
    let [x, y] = [a, b].map(|t| move |i: usize| t.as_slice()[i].to_f64());
    (square(&|i| x(i) - y(i)) / square(&y)).sqrt()
}

fn convolutions(outline: &Outline) -> usize {
    let own = usize::from(outline.kind.starts_with("Conv2d"));
    own + outline.children.iter().map(convolutions).sum::<usize>()
}

fn report_forms(report: &mut Report) {
    let options = Options { init: false, ..Options::default() };
    let mut rows = Vec::new();
    let mut outlines = Vec::new();
    let mut worst = [0.0f64; 2];
    for (name, form) in FORMS {
        let outline = Layer::outline(&MEASURES.block::<f32>(form, &options), Shape::from([1, 56, 56, 256]));
        let (single, double) = (distances::<f32>(form), distances::<f64>(form));
        for (worst, found) in worst.iter_mut().zip([single, double]) {
            *worst = found.iter().copied().fold(*worst, f64::max);
        }
        let cells = [
            convolutions(&outline).to_string(),
            thousands(outline.parameters as u64),
            thousands(outline.macs),
        ];
        let apart = single.map(|d| if d == 0.0 { "0".into() } else { format!("≈{d:.0e}") });
        rows.push([vec![name.to_string()], cells.to_vec(), apart.to_vec()].concat());
        outlines.push(outline);
    }
    let header = ["form", "convolutions", "parameters", "MACs", "output", "dL/dx", "gradients"];
    report.table(&header, &rows);
    report.line("(32 paths of 4 channels, 256 around them, 56x56 pixels; the last three columns: relative");
    report.line("distance from (c) in f32)");
    for (name, row) in ["split", "concatenated", "grouped"].iter().zip(&rows) {
        report.value(&format!("{name}-convolutions"), &row[1]);
    }
    report.value("block-parameters", &rows[2][2]);
    report.value("forms-single", scientific(worst[0]));
    report.value("forms-double", scientific(worst[1]));
    let equal =
        |i: usize| (outlines[i].parameters, outlines[i].macs) == (outlines[2].parameters, outlines[2].macs);
    report.claim("the forms have the same parameters and multiply-adds", equal(0) && equal(1));
    report.claim("in f32 outputs and gradients are equal to 1e-5", worst[0] < 1e-5);
    report.claim("in f64 they are equal to 1e-12", worst[1] < 1e-12);
    report.claim("the forms are not the same sums in another name: f32 sees a difference", worst[0] > 0.0);
}

/// One digit, in TeX, to a factor of two.
fn scientific(value: f64) -> String {
    let text = format!("{value:.0e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("≈{digits}\\times10^{{{exponent}}}")
}

/// With two convolutions to a path there is no cardinality: the sum of paths is one wider path.
fn two_layers(report: &mut Report) {
    let rng = &mut Generator::new(13, 0);
    // Whole numbers: all sums are exact.
    let mut whole = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.below(7) as f64 - 3.0);
    // ANCHOR: two_layers
    const PATHS: usize = 4;
    let x = whole([1, 6, 6, 8]);
    let weights: Vec<_> = (0..PATHS).map(|_| (whole([3, 8, 3, 3]), whole([8, 3, 3, 3]))).collect();
    let mut paths = weights.iter().enumerate().fold(Sum::new(), |sum, (i, (first, second))| {
        sum.add(i.to_string(), two_layer(first.clone(), second.clone()))
    });
    // One path of 12 channels: first filters one below the other, second filters side by side.
    let mut wide = two_layer(stacked(&weights), side_by_side(&weights));
    assert_eq!(paths.forward(x.clone(), Mode::Eval), wide.forward(x.clone(), Mode::Eval));
    // ANCHOR_END: two_layers
    let same = paths.forward(x.clone(), Mode::Eval) == wide.forward(x, Mode::Eval);
    report.claim("paths of two convolutions are one wide path, bit for bit", same);
}

fn two_layer(first: Tensor<f64>, second: Tensor<f64>) -> Sequential<f64> {
    let conv = |weight: Tensor<f64>| {
        let [to, from, k, _] = weight.dims();
        let mut conv = Conv2d::new(from, to, k).padding(k / 2).no_bias();
        conv.visit(&residual::nn::Path::root(), &mut |_, slot| {
            if let residual::nn::Slot::Param(param) = slot {
                param.value = weight.clone();
            }
        });
        conv
    };
    Sequential::new().add("conv1", conv(first)).add("relu", Relu::new()).add("conv2", conv(second))
}

fn stacked(weights: &[(Tensor<f64>, Tensor<f64>)]) -> Tensor<f64> {
    let [width, from, kh, kw] = weights[0].0.dims();
    let numbers = weights.iter().flat_map(|(first, _)| first.as_slice()).copied().collect();
    Tensor::from_vec([weights.len() * width, from, kh, kw], numbers)
}

fn side_by_side(weights: &[(Tensor<f64>, Tensor<f64>)]) -> Tensor<f64> {
    let [to, width, kh, kw] = weights[0].1.dims();
    let row = width * kh * kw;
    let numbers = (0..to)
        .flat_map(|o| weights.iter().flat_map(move |(_, second)| &second.as_slice()[o * row..][..row]));
    Tensor::from_vec([to, weights.len() * width, kh, kw], numbers.copied().collect())
}

/// What would happen if every path of (a) had its own last norm.
fn norm_of_a_sum(report: &mut Report) {
    let rng = &mut Generator::new(14, 0);
    let [a, b] = [(); 2].map(|()| Tensor::from_fn([8, 7, 7, 16], |_| rng.normal()));
    let normalized = |x: &Tensor<f64>| BatchNorm2d::new(16).forward(x.clone(), Mode::Train);
    let sum =
        |a: &Tensor<f64>, b: &Tensor<f64>| Tensor::from_fn(a.shape(), |i| a.as_slice()[i] + b.as_slice()[i]);
    let apart = distance(&sum(&normalized(&a), &normalized(&b)), &normalized(&sum(&a, &b)));
    report.line(format!("norm of two paths' sum against sum of their norms: {:.0} % apart", 100.0 * apart));
    report.value("norms-apart", format!("{:.0}", 100.0 * apart));
    report.claim("the norm of a sum is not the sum of norms", apart > 0.2);
}
