//! One gradient, three ways: differences, forward mode, backward. Do they agree, and what do they cost?

use super::{
    by_hand::{self, Counted, Dual, Layer, Scalar, counting},
    common::{Report, thousands},
    spirals::{ARMS, Activation, Design, parameters},
};
use residual::{
    Shape, Tensor,
    models::{Model, Options, ResNet},
    nn::{Init, Sequential},
    ops::cross_entropy::CrossEntropy,
};

/// The one point at which all ask.
const POINT: [f64; 2] = [0.3, -0.7];
const LABEL: usize = 1;

/// What a way of computing the gradient found, and its price in multiplications.
struct Found {
    gradient: Vec<f64>,
    products: u64,
}

pub fn run(report: &mut Report) {
    report.part("modes", report_costs);
    report_resnet(report);
}

fn report_costs(report: &mut Report) {
    let widths = [4, 16, 64];
    let mut rows = Vec::new();
    for width in widths {
        let mut net = Design { activation: Activation::Tanh, width, init: Init::Default }.network(0);
        let layers = layers(&mut net);
        let (_, once) = counting(|| loss(&layers));
        let ways = [by_differences(&layers), by_forward_mode(&layers), by_backward(&layers)];
        let count = ways[2].gradient.len();
        let times = ways.each_ref().map(|way| way.products as f64 / once as f64);
        let cells = [count as u64, once].map(thousands).into_iter();
        let products = ways.iter().map(|way| thousands(way.products));
        rows.push([vec![width.to_string()], cells.chain(products).collect()].concat());
        claims(report, &ways, &mut net);
        report
            .claim("differences cost two forward passes for every parameter", times[0] == 2.0 * count as f64);
        report.claim("forward mode costs more than one and a half", times[1] > 1.5 * count as f64);
        report.claim(
            "backward, with its forward, costs about three forward passes",
            (2.5..3.7).contains(&times[2]),
        );
        if width == 16 {
            report.value("parameters", count);
            report.value("once", once);
            report.value("backward-products", thousands(ways[2].products));
            report.value("differences-products", thousands(ways[0].products));
            report.value("backward-times", format!("{:.1}", times[2]));
            report.value("forward-mode-times", thousands(times[1].round() as u64));
            let outline = Model::outline(&net, Shape::from([1, 2]));
            report.value("kept", outline.kept);
        }
        if width == 64 {
            report.value("parameters-64", thousands(count as u64));
            report.value("backward-times-64", format!("{:.1}", times[2]));
        }
    }
    let header = ["width", "parameters", "forward", "differences", "forward mode", "forward + backward"];
    report.table(&header, &rows);
}

/// The three ways agree, and so does the crate.
fn claims(report: &mut Report, [differences, forward, backward]: &[Found; 3], net: &mut Sequential<f64>) {
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let exact = &backward.gradient;
    report.claim("forward mode and backward agree", apart(&forward.gradient, exact) < 1e-13);
    report.claim("differences and backward agree", apart(&differences.gradient, exact) < 1e-8);
    net.train_step(Tensor::from_vec([1, 2], POINT.into()), &[LABEL], &CrossEntropy::default());
    let crates: Vec<_> = parameters(net).iter().flat_map(|param| param.grad.as_slice().to_vec()).collect();
    report.claim("the crate's backward is the one written here", {
        crates.len() == exact.len() && apart(&crates, exact) < 1e-13
    });
}

/// The crate's weights, for plain loops.
fn layers(net: &mut Sequential<f64>) -> Vec<Layer<f64>> {
    let params = parameters(net);
    let row = |row: &[f64]| row.to_vec();
    let layer = |pair: &[residual::nn::Param<f64>]| {
        let [w, b] = pair else { unreachable!("weights and a bias") };
        let inputs = w.value.shape().last();
        Layer { w: w.value.as_slice().chunks(inputs).map(row).collect(), b: b.value.as_slice().to_vec() }
    };
    params.chunks(2).map(layer).collect()
}

/// The same layers of other numbers; `f` sees each number's position among the parameters.
fn converted<S>(layers: &[Layer<f64>], f: impl Fn(usize, f64) -> S) -> Vec<Layer<S>> {
    let mut at = 0;
    let mut next = |x: f64| {
        at += 1;
        f(at - 1, x)
    };
    let mut all = Vec::new();
    for layer in layers {
        let w = layer.w.iter().map(|row| row.iter().map(|&w| next(w)).collect()).collect();
        all.push(Layer { w, b: layer.b.iter().map(|&b| next(b)).collect() });
    }
    all
}

fn count(layers: &[Layer<f64>]) -> usize {
    layers.iter().map(|layer| layer.w.iter().map(Vec::len).sum::<usize>() + layer.b.len()).sum()
}

fn loss_of<S: Scalar>(layers: &[Layer<S>]) -> S {
    let kept = by_hand::forward(layers, &POINT.map(S::of));
    by_hand::loss(&kept[layers.len()], LABEL)
}

fn loss(layers: &[Layer<f64>]) -> f64 {
    loss_of(&converted(layers, |_, x| Counted(x))).0
}

fn by_differences(layers: &[Layer<f64>]) -> Found {
    let step = 1e-5;
    let moved = |i: usize, by: f64| loss(&converted(layers, |at, x| if at == i { x + by } else { x }));
    let slope = |i| (moved(i, step) - moved(i, -step)) / (2.0 * step);
    let (gradient, products) = counting(|| (0..count(layers)).map(slope).collect());
    Found { gradient, products }
}

// ANCHOR: forward_mode
/// A run of the network for each parameter, in which that parameter has slope 1.
fn by_forward_mode(layers: &[Layer<f64>]) -> Found {
    let slope = |i: usize| {
        let seed = |at| Counted(if at == i { 1.0 } else { 0.0 });
        let seeded = |at, x| Dual { value: Counted(x), slope: seed(at) };
        loss_of(&converted(layers, seeded)).slope.0
    };
    let (gradient, products) = counting(|| (0..count(layers)).map(slope).collect());
    Found { gradient, products }
}
// ANCHOR_END: forward_mode

fn by_backward(layers: &[Layer<f64>]) -> Found {
    let layers = converted(layers, |_, x| Counted(x));
    let (gradients, products) = counting(|| {
        let kept = by_hand::forward(&layers, &POINT.map(Counted));
        let z = &kept[layers.len()];
        let total: f64 = z.iter().map(|z| z.0.exp()).sum();
        let wanted = |k| if k == LABEL { 1.0 } else { 0.0 };
        let dz = (0..ARMS).map(|k| Counted(z[k].0.exp() / total - wanted(k))).collect();
        by_hand::backward(&layers, &kept, dz)
    });
    let numbers = |layer: &Layer<Counted>| {
        layer.w.iter().flatten().chain(&layer.b).map(|number| number.0).collect::<Vec<_>>()
    };
    Found { gradient: gradients.iter().flat_map(numbers).collect(), products }
}

/// What differences would cost a network of the usual size.
fn report_resnet(report: &mut Report) {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    let net = ResNet::RESNET50.build::<f32>(&options);
    let parameters = Model::outline(&net, Shape::from([1, 224, 224, 3])).parameters as u64;
    report.value("resnet-parameters", thousands(parameters));
    report.value("resnet-days", format!("{:.0}", 2.0 * parameters as f64 * 0.1 / 86_400.0));
}
