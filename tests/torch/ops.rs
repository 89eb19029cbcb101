//! Operations: y and every gradient.
//!
//! Sums of K products in precision u are off by about √K·u, since the errors of their steps go
//! either way; u is 6e-8 in f32 and 1.1e-16 in f64. The longest sums here have 363 products: about
//! 1e-6 and 2e-15, norm-wise. PyTorch's own f32, in the column `torch`, lies below that too.

use crate::{
    golden::{Case, Golden},
    report::{Bound, Report},
};
use residual::{
    Real, Tensor,
    nn::{BatchNorm2d, Layer, Mode, Path, Slot},
    ops::{
        adaptive_avg_pool, avg_pool, batch_norm, bias, concat, conv2d,
        cross_entropy::CrossEntropy,
        flatten, global_avg_pool, linear,
        local_response_norm::{self, Damping},
        max_pool,
        pool::Window,
        relu, sigmoid, softmax, tanh,
    },
};

const BOUND: Bound = Bound { f32: 1e-6, f64: 2e-15 };

/// A test that runs a function on every case of the golden file of its name, in both precisions.
macro_rules! check {
    ($test:ident: $name:ident) => {
        #[test]
        fn $test() {
            let mut report = Report::new(stringify!($name), BOUND);
            for case in Golden::open(stringify!($name)).cases() {
                $name::<f32>(&case, &mut report);
                $name::<f64>(&case, &mut report);
            }
            report.finish();
        }
    };
}

check!(convolution_agrees: conv2d);
fn conv2d<T: Real>(case: &Case, report: &mut Report) {
    let mut g = conv2d::Geometry::default();
    g.stride = case.pair("stride").unwrap_or(g.stride);
    g.padding = case.pair("padding").unwrap_or(g.padding);
    g.dilation = case.pair("dilation").unwrap_or(g.dilation);
    g.groups = case.count("groups").unwrap_or(g.groups);
    let (x, w, dy) = (case.images::<T>("x"), case.tensor("w"), case.images("dy"));
    report.images(case, "y", &bias::forward(conv2d::forward(&x, &w, g), &case.tensor("b")));
    report.images(case, "dx", &conv2d::grad_input(&dy, &w, x.shape(), g));
    report.tensor(case, "dw", &conv2d::grad_weights(&dy, &x, w.shape(), g));
    report.tensor(case, "db", &bias::backward(&dy));
}

check!(linear_agrees: linear);
fn linear<T: Real>(case: &Case, report: &mut Report) {
    let (x, w, dy) = (case.tensor::<T>("x"), case.tensor("w"), case.tensor("dy"));
    report.tensor(case, "y", &bias::forward(linear::forward(&x, &w), &case.tensor("b")));
    report.tensor(case, "dx", &linear::grad_input(&dy, &w));
    report.tensor(case, "dw", &linear::grad_weights(&dy, &x, w.shape()));
    report.tensor(case, "db", &bias::backward(&dy));
}

check!(flatten_emits_pytorchs_order: flatten_linear);
fn flatten_linear<T: Real>(case: &Case, report: &mut Report) {
    let (x, w, dy) = (case.images::<T>("x"), case.tensor("w"), case.tensor("dy"));
    let shape = x.shape();
    let flat = flatten::forward(x);
    report.tensor(case, "y", &linear::forward(&flat, &w));
    report.tensor(case, "dw", &linear::grad_weights(&dy, &flat, w.shape()));
    report.images(case, "dx", &flatten::backward(linear::grad_input(&dy, &w), shape));
}

check!(activations_agree: activation);
fn activation<T: Real>(case: &Case, report: &mut Report) {
    let (x, dy) = (case.images::<T>("x"), case.images("dy"));
    let kind = case.setting("kind").expect("a function").as_str();
    let (y, dx) = match kind {
        Some("relu") => both(x, dy, relu::forward, relu::backward),
        Some("sigmoid") => both(x, dy, sigmoid::forward, sigmoid::backward),
        Some("tanh") => both(x, dy, tanh::forward, tanh::backward),
        other => panic!("no activation {other:?}"),
    };
    report.images(case, "y", &y);
    report.images(case, "dx", &dx);
}

fn both<T: Real>(
    x: Tensor<T>,
    dy: Tensor<T>,
    forward: fn(Tensor<T>) -> Tensor<T>,
    backward: fn(Tensor<T>, &Tensor<T>) -> Tensor<T>,
) -> (Tensor<T>, Tensor<T>) {
    let y = forward(x);
    let dx = backward(dy, &y);
    (y, dx)
}

fn window(case: &Case) -> Window {
    let mut window = Window::new(case.pair("kernel_size").expect("a kernel"));
    window.stride = case.pair("stride").unwrap_or(window.stride);
    window.padding = case.pair("padding").unwrap_or(window.padding);
    window.ceil_mode = case.flag("ceil_mode").unwrap_or(window.ceil_mode);
    window.count_include_pad = case.flag("count_include_pad").unwrap_or(window.count_include_pad);
    window
}

check!(max_pooling_agrees: max_pool);
fn max_pool<T: Real>(case: &Case, report: &mut Report) {
    let x = case.images::<T>("x");
    let (y, winners) = max_pool::forward(&x, &window(case));
    report.images(case, "y", &y);
    report.images(case, "dx", &max_pool::backward(&case.images::<T>("dy"), &winners, x.shape()));
}

check!(average_pooling_agrees: avg_pool);
fn avg_pool<T: Real>(case: &Case, report: &mut Report) {
    let (x, window) = (case.images::<T>("x"), window(case));
    report.images(case, "y", &avg_pool::forward(&x, &window));
    report.images(case, "dx", &avg_pool::backward(&case.images::<T>("dy"), &window, x.shape()));
}

check!(global_average_pooling_agrees: global_avg_pool);
fn global_avg_pool<T: Real>(case: &Case, report: &mut Report) {
    let x = case.images::<T>("x");
    report.images(case, "y", &global_avg_pool::forward(&x));
    report.images(case, "dx", &global_avg_pool::backward(&case.images::<T>("dy"), x.shape()));
}

check!(adaptive_average_pooling_agrees: adaptive_avg_pool);
fn adaptive_avg_pool<T: Real>(case: &Case, report: &mut Report) {
    let (x, output) = (case.images::<T>("x"), case.pair("output_size").expect("a size"));
    report.images(case, "y", &adaptive_avg_pool::forward(&x, output));
    report.images(case, "dx", &adaptive_avg_pool::backward(&case.images::<T>("dy"), x.shape()));
}

check!(local_response_norm_agrees: local_response_norm);
fn local_response_norm<T: Real>(case: &Case, report: &mut Report) {
    let mut damping = Damping::new(case.count("size").expect("a window"));
    damping.alpha = case.number("alpha").unwrap_or(damping.alpha);
    damping.beta = case.number("beta").unwrap_or(damping.beta);
    damping.k = case.number("k").unwrap_or(damping.k);
    let (y, saved) = local_response_norm::forward(case.images::<T>("x"), damping);
    report.images(case, "y", &y);
    report.images(case, "dx", &local_response_norm::backward(&case.images("dy"), &saved));
}

const EPS: f64 = 1e-5;

check!(batch_norm_agrees: batch_norm);
fn batch_norm<T: Real>(case: &Case, report: &mut Report) {
    let (x, gamma, beta) = (case.images::<T>("x"), case.tensor("gamma"), case.tensor("beta"));
    if case.flag("training") == Some(false) {
        let (mean, var) = (case.tensor("running_mean"), case.tensor("running_var"));
        let running = batch_norm::Running { mean: &mean, var: &var };
        let y = batch_norm::eval(x, running, &gamma, &beta, EPS);
        return report.compare("y (eval)", case, "y", &y.to_nchw());
    }
    let (y, saved) = batch_norm::forward(x, &gamma, &beta, EPS);
    let (dx, dgamma, dbeta) = batch_norm::backward(case.images("dy"), &saved, &gamma);
    report.images(case, "y", &y);
    report.images(case, "dx", &dx);
    report.tensor(case, "dgamma", &dgamma);
    report.tensor(case, "dbeta", &dbeta);
    running_statistics::<T>(case, report);
}

/// The layer keeps them; training moves them, to the unbiased variance.
fn running_statistics<T: Real>(case: &Case, report: &mut Report) {
    let mut layer = BatchNorm2d::<T>::new(case.images::<T>("x").shape().last());
    each_buffer(&mut layer, |name, buffer| *buffer = case.tensor(name));
    layer.forward(case.images("x"), Mode::Train);
    each_buffer(&mut layer, |name, buffer| report.tensor(case, &format!("new_{name}"), buffer));
}

fn each_buffer<T: Real>(layer: &mut impl Layer<T>, mut f: impl FnMut(&str, &mut Tensor<T>)) {
    layer.visit(&Path::root(), &mut |path, slot| {
        if let Slot::Buffer(buffer) = slot {
            f(&path.to_string(), buffer);
        }
    });
}

check!(concat_agrees: concat);
fn concat<T: Real>(case: &Case, report: &mut Report) {
    let names: Vec<_> = (0..case.count("inputs").expect("a count")).map(|i| format!("x{i}")).collect();
    let xs: Vec<_> = names.iter().map(|name| case.images::<T>(name)).collect();
    let channels: Vec<_> = xs.iter().map(|x| x.shape().last()).collect();
    report.images(case, "y", &concat::forward(&xs));
    for (name, dx) in names.iter().zip(concat::backward(&case.images::<T>("dy"), &channels)) {
        report.compare("dx", case, &format!("d{name}"), &dx.to_nchw());
    }
}

check!(softmax_agrees: softmax);
fn softmax<T: Real>(case: &Case, report: &mut Report) {
    let y = softmax::forward(case.tensor::<T>("x"));
    report.tensor(case, "y", &y);
    report.tensor(case, "dx", &softmax::backward(case.tensor("dy"), &y));
}

check!(cross_entropy_agrees: cross_entropy);
fn cross_entropy<T: Real>(case: &Case, report: &mut Report) {
    let loss = CrossEntropy { label_smoothing: case.number("label_smoothing").expect("a number") };
    let labels = case.labels("labels");
    let (value, probabilities) = loss.forward(&case.tensor::<T>("logits"), &labels);
    report.compare("loss", case, "y", &Tensor::full([], T::of(value)));
    report.tensor(case, "dlogits", &loss.backward(probabilities, &labels));
}
