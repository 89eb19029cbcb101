//! What can be said of pools and of the paper's parts before anything is trained.

use super::{
    common::Report,
    network::Design,
    paper::{Distances, ScaledTanh, table},
};
use residual::{
    Tensor,
    gradcheck::{self, Settings},
    nn::{AvgPool2d, Conv2d, Init, Layer, MaxPool2d, Mode, Sequential},
    ops::{avg_pool, max_pool, pool::Window, relu, softmax},
    rng::Generator,
};

pub fn run(report: &mut Report) {
    pools(report);
    linear(report);
    paper(report);
}

fn drawn<const K: usize>(shape: [usize; K], stream: u64) -> Tensor<f64> {
    let rng = &mut Generator::new(5, stream);
    Tensor::from_fn(shape, |_| rng.normal())
}

fn pools(report: &mut Report) {
    let (x, window) = (drawn([4, 28, 28, 6], 0), Window::new([2, 2]));
    let dy = drawn([4, 14, 14, 6], 1);
    let (y, winners) = max_pool::forward(&x, &window);
    let to_winners = max_pool::backward(&dy, &winners, x.shape());
    let shares = avg_pool::backward(&dy, &window, x.shape());
    let reached = to_winners.as_slice().iter().filter(|&&d| d != 0.0).count();
    report.value("reached", format!("{:.0}", 100.0 * reached as f64 / x.len() as f64));
    let sum = |t: &Tensor<f64>| t.as_slice().iter().sum::<f64>();
    let length = |t: &Tensor<f64>| t.as_slice().iter().map(|d| d * d).sum::<f64>().sqrt();
    report.value("length-max", format!("{:.2}", length(&to_winners) / length(&dy)));
    report.value("length-average", format!("{:.2}", length(&shares) / length(&dy)));
    report.claim("both pools hand on the whole sum of the gradient", {
        [&to_winners, &shares].iter().all(|dx| (sum(dx) - sum(&dy)).abs() < 1e-9)
    });
    // ReLU before or after the pool.
    let (before, _) = max_pool::forward(&relu::forward(x.clone()), &window);
    report.claim("a maximum and a ReLU may change places, to the bit", before == relu::forward(y));
    let [before, after] = [
        avg_pool::forward(&relu::forward(x.clone()), &window),
        relu::forward(avg_pool::forward(&x, &window)),
    ];
    report.claim("a mean and a ReLU may not", before != after);
}

/// Two convolutions with pools and nothing between: is the answer to a mixture the mixture of the answers?
fn linear(report: &mut Report) {
    let bent = |average: bool| {
        let rng = &mut Generator::new(5, 2);
        let conv1 = Conv2d::<f64>::new(1, 6, 5).padding(2).init(Init::Default, rng);
        let conv2 = Conv2d::new(6, 16, 5).init(Init::Default, rng);
        let net = Sequential::new().add("conv1", conv1);
        let net =
            if average { net.add("pool1", AvgPool2d::new(2)) } else { net.add("pool1", MaxPool2d::new(2)) };
        let net = net.add("conv2", conv2);
        let mut net =
            if average { net.add("pool2", AvgPool2d::new(2)) } else { net.add("pool2", MaxPool2d::new(2)) };
        let (a, b) = (drawn([1, 28, 28, 1], 3), drawn([1, 28, 28, 1], 4));
        let middle = Tensor::from_fn(a.shape(), |i| 0.5 * (a.as_slice()[i] + b.as_slice()[i]));
        let [of_a, of_b, of_middle] = [a, b, middle].map(|x| net.forward(x, Mode::Eval));
        let off =
            |i: usize| (of_middle.as_slice()[i] - 0.5 * (of_a.as_slice()[i] + of_b.as_slice()[i])).abs();
        (0..of_middle.len()).map(off).fold(0.0, f64::max)
    };
    report
        .claim("with averages and nothing between, two convolutions are one linear map", bent(true) < 1e-12);
    report.claim("with maxima they are not", bent(false) > 1e-2);
}

fn paper(report: &mut Report) {
    let x = Tensor::from_vec([3], vec![-1.0f64, 0.0, 1.0]);
    let y = ScaledTanh::default().forward(x, Mode::Eval);
    report.value("squash-one", format!("{:.4}", y.as_slice()[2]));
    report.claim("the scaled tanh leaves 1 and −1 where they are", {
        (y.as_slice()[2] - 1.0).abs() < 1e-4 && (y.as_slice()[0] + 1.0).abs() < 1e-4
    });
    let pairs = table().as_flattened().iter().filter(|seen| **seen).count();
    report.value("pairs", pairs);
    report.claim("C3 has 60 of 96 connections", pairs == 60);
    let mut net = Design::Paper.network::<f64>(0);
    let labels: Vec<_> = (0..3).collect();
    let settings = Settings { entries: 12, ..Settings::default() };
    let checked =
        gradcheck::check_model(&mut net, &drawn([3, 28, 28, 1], 5), &labels, &Default::default(), &settings);
    report.value("paper-checked", checked.checked());
    // The table's absent weights have a slope, and Table hides it: they are the only ones to differ.
    let honest = checked.tensors.iter().filter(|tensor| tensor.name != "c3.weight");
    report.claim("the paper's parts pass the gradient check", {
        honest.filter_map(|tensor| tensor.worst.as_ref()).all(|worst| worst.error < 1e-6)
    });
    report.claim("distances to codes, after a softmax, are scores of a linear layer", is_linear());
}

/// Whether the softmax of minus the squared distances is that of twice the products.
fn is_linear() -> bool {
    let codes = Distances::new(84, 10, &mut Generator::new(5, 6));
    let (x, mut layer) = (drawn([7, 84], 7), codes);
    let products = layer.as_linear(&x);
    let [a, b] = [layer.forward(x, Mode::Eval), products].map(softmax::forward);
    a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| (a - b).abs() < 1e-12)
}
