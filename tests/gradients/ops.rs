//! Every operation, at shapes that cross 16 channels, the width of a vector.

use crate::check::{error, normal, worst};
use proptest::prelude::*;
use residual::{
    Shape, Tensor,
    ops::{
        adaptive_avg_pool, add, avg_pool, batch_norm, bias, concat, conv2d,
        conv2d::Geometry,
        cross_entropy::CrossEntropy,
        dropout, dropout2d, flatten, global_avg_pool, linear,
        local_response_norm::{self, Damping},
        max_pool,
        pool::Window,
        relu, sigmoid, softmax, tanh,
    },
    rng::Generator,
};

/// (N, H, W, C), from a single pixel to a few, on either side of 16 and 32 channels.
fn images() -> impl Strategy<Value = Shape> {
    (1..=3usize, 1..=5usize, 1..=5usize, 1..=40usize).prop_map(|(n, h, w, c)| Shape::from([n, h, w, c]))
}

/// (N, C) or (N, H, W, C).
fn any_rank() -> impl Strategy<Value = Shape> {
    prop_oneof![images(), (1..=9usize, 1..=40usize).prop_map(|(n, c)| Shape::from([n, c]))]
}

// ANCHOR: spaced
/// Numbers at least 0.01 away from each other and from zero, in a drawn order.
fn spaced(shape: Shape, draw: &mut Generator) -> Tensor<f64> {
    let middle = shape.len() as f64 / 2.0;
    let mut values: Vec<_> = (0..shape.len()).map(|i| 0.02 * (i as f64 - middle) + 0.015).collect();
    draw.shuffle(&mut values);
    Tensor::from_vec(shape, values)
}
// ANCHOR_END: spaced

/// The error of an operation whose backward takes `dy` and the output.
fn activation(
    x: Tensor<f64>,
    draw: &mut Generator,
    forward: fn(Tensor<f64>) -> Tensor<f64>,
    backward: fn(Tensor<f64>, &Tensor<f64>) -> Tensor<f64>,
) -> f64 {
    let y = forward(x.clone());
    let dy = normal(y.shape(), draw);
    error(forward, &x, &dy, &backward(dy.clone(), &y), draw)
}

#[test]
fn relu() {
    worst("relu", any_rank(), |shape, draw| {
        activation(spaced(shape, draw), draw, relu::forward, relu::backward)
    });
}

#[test]
fn sigmoid() {
    worst("sigmoid", any_rank(), |shape, draw| {
        activation(normal(shape, draw), draw, sigmoid::forward, sigmoid::backward)
    });
}

#[test]
fn tanh() {
    worst("tanh", any_rank(), |shape, draw| {
        activation(normal(shape, draw), draw, tanh::forward, tanh::backward)
    });
}

#[test]
fn softmax() {
    worst("softmax", (1..=5usize, 1..=40usize), |(n, classes), draw| {
        activation(normal([n, classes], draw), draw, softmax::forward, softmax::backward)
    });
}

#[test]
fn cross_entropy() {
    let cases = (1..=5usize, 1..=40usize, prop_oneof![Just(0.0), 0.0..1.0]);
    worst("cross_entropy", cases, |(n, classes, label_smoothing), draw| {
        let loss = CrossEntropy { label_smoothing };
        let labels: Vec<_> = (0..n).map(|_| draw.below(classes)).collect();
        let logits = normal([n, classes], draw);
        let dlogits = loss.backward(loss.forward(&logits, &labels).1, &labels);
        let forward = |logits| Tensor::full([1], loss.forward(&logits, &labels).0);
        error(forward, &logits, &Tensor::full([1], 1.0), &dlogits, draw)
    });
}

#[test]
fn add() {
    worst("add", any_rank(), |shape, draw| {
        let [a, b, dy] = [(); 3].map(|()| normal(shape, draw));
        let to_a = error(|a| add::forward(a, &b), &a, &dy, &dy, draw);
        to_a.max(error(|b| add::forward(a.clone(), &b), &b, &dy, &dy, draw))
    });
}

#[test]
fn bias() {
    worst("bias", any_rank(), |shape, draw| {
        let (x, b, dy) = (normal(shape, draw), normal([shape.last()], draw), normal(shape, draw));
        let to_b = error(|b| bias::forward(x.clone(), &b), &b, &dy, &bias::backward(&dy), draw);
        to_b.max(error(|x| bias::forward(x, &b), &x, &dy, &dy, draw))
    });
}

#[test]
fn flatten() {
    worst("flatten", images(), |shape, draw| {
        let x = normal(shape, draw);
        let dy = normal(flatten::forward(x.clone()).shape(), draw);
        error(flatten::forward, &x, &dy, &flatten::backward(dy.clone(), shape), draw)
    });
}

#[test]
fn concat() {
    let cases = (1..=3usize, 1..=4usize, 1..=4usize, prop::collection::vec(1..=20usize, 1..=4));
    worst("concat", cases, |(n, h, w, channels), draw| {
        let xs: Vec<_> = channels.iter().map(|&c| normal([n, h, w, c], draw)).collect();
        let dy = normal([n, h, w, channels.iter().sum()], draw);
        let to_input = |(i, dx): (usize, &Tensor<f64>)| {
            let forward = |x| {
                let mut xs = xs.clone();
                xs[i] = x;
                concat::forward(&xs)
            };
            error(forward, &xs[i], &dy, dx, draw)
        };
        concat::backward(&dy, &channels).iter().enumerate().map(to_input).fold(0.0, f64::max)
    });
}

#[test]
fn dropout() {
    worst("dropout", (any_rank(), 0.0..=1.0), |(shape, p), draw| {
        let (x, dy) = (normal(shape, draw), normal(shape, draw));
        let generator = draw.clone();
        let forward = |x| dropout::forward(x, p, &mut generator.clone());
        let (_, mask) = forward(x.clone());
        error(|x| forward(x).0, &x, &dy, &dropout::backward(dy.clone(), &mask), draw)
    });
}

/// Windows, and images that they fit into: strides beyond the kernel, padding, windows that hang
/// over the edge.
fn windows() -> impl Strategy<Value = (Shape, Window)> {
    let axis = || {
        (1..=4usize, 1..=5usize, any::<prop::sample::Index>(), 0..=5usize).prop_map(
            |(kernel, stride, padding, extra)| {
                let padding = padding.index(kernel / 2 + 1);
                (kernel, stride, padding, (kernel - 2 * padding).max(1) + extra)
            },
        )
    };
    (1..=2usize, axis(), axis(), 1..=40usize, any::<[bool; 2]>()).prop_map(
        |(n, rows, cols, c, [ceil_mode, count_include_pad])| {
            let window = Window::new([rows.0, cols.0])
                .stride([rows.1, cols.1])
                .padding([rows.2, cols.2])
                .ceil_mode(ceil_mode)
                .count_include_pad(count_include_pad);
            (Shape::from([n, rows.3, cols.3, c]), window)
        },
    )
}

#[test]
fn max_pool() {
    worst("max_pool", windows(), |(shape, window), draw| {
        let x = spaced(shape, draw);
        let (y, winners) = max_pool::forward(&x, &window);
        let dy = normal(y.shape(), draw);
        let forward = |x| max_pool::forward(&x, &window).0;
        error(forward, &x, &dy, &max_pool::backward(&dy, &winners, shape), draw)
    });
}

#[test]
fn avg_pool() {
    worst("avg_pool", windows(), |(shape, window), draw| {
        let x = normal(shape, draw);
        let dy = normal(window.output_shape(shape), draw);
        let forward = |x| avg_pool::forward(&x, &window);
        error(forward, &x, &dy, &avg_pool::backward(&dy, &window, shape), draw)
    });
}

#[test]
fn adaptive_avg_pool() {
    worst("adaptive_avg_pool", (images(), [1..9usize, 1..9usize]), |(shape, output), draw| {
        let x = normal(shape, draw);
        let dy = normal(adaptive_avg_pool::output_shape(shape, output), draw);
        let dx = adaptive_avg_pool::backward(&dy, shape);
        error(|x| adaptive_avg_pool::forward(&x, output), &x, &dy, &dx, draw)
    });
}

#[test]
fn local_response_norm() {
    let exponents = prop_oneof![Just(0.75), 0.1..2.0];
    let cases = (any_rank(), 1..=9usize, exponents, 0.1..4.0, 0.5..3.0);
    worst("local_response_norm", cases, |(shape, size, beta, alpha, k), draw| {
        let damping = Damping { size, alpha, beta, k };
        let (x, dy) = (normal(shape, draw), normal(shape, draw));
        let (_, saved) = local_response_norm::forward(x.clone(), damping);
        let forward = |x| local_response_norm::forward(x, damping).0;
        error(forward, &x, &dy, &local_response_norm::backward(&dy, &saved), draw)
    });
}

#[test]
fn dropout2d() {
    worst("dropout2d", (images(), 0.0..=1.0), |(shape, p), draw| {
        let (x, dy) = (normal(shape, draw), normal(shape, draw));
        let generator = draw.clone();
        let forward = |x| dropout2d::forward(x, p, &mut generator.clone());
        let (_, mask) = forward(x.clone());
        error(|x| forward(x).0, &x, &dy, &dropout2d::backward(dy.clone(), &mask), draw)
    });
}

#[test]
fn global_avg_pool() {
    worst("global_avg_pool", images(), |shape, draw| {
        let x = normal(shape, draw);
        let dy = normal([shape.dims()[0], 1, 1, shape.last()], draw);
        let dx = global_avg_pool::backward(&dy, shape);
        error(|x| global_avg_pool::forward(&x), &x, &dy, &dx, draw)
    });
}

/// A tensor of at least two pixels with `dy`, `gamma` and `beta` to go with it.
struct Norm {
    x: Tensor<f64>,
    dy: Tensor<f64>,
    gamma: Tensor<f64>,
    beta: Tensor<f64>,
}

impl Norm {
    const EPS: f64 = 1e-5;

    fn cases() -> impl Strategy<Value = Shape> {
        any_rank().prop_filter("one pixel has no variance", |shape| shape.len() > shape.last())
    }

    fn draw(shape: Shape, draw: &mut Generator) -> Self {
        let c = shape.last();
        // Pixels that happen to be equal would make the curve as sharp as ε allows: they alternate
        // about -2 and 2.
        let side = |pixel: usize| if pixel.is_multiple_of(2) { 2.0 } else { -2.0 };
        let x = Tensor::from_fn(shape, |i| side(i / c) + 0.5 * draw.normal());
        Self { x, dy: normal(shape, draw), gamma: normal([c], draw), beta: normal([c], draw) }
    }

    /// `dx`, `dgamma`, `dbeta`.
    fn backward(&self) -> (Tensor<f64>, Tensor<f64>, Tensor<f64>) {
        let (_, saved) = batch_norm::forward(self.x.clone(), &self.gamma, &self.beta, Self::EPS);
        batch_norm::backward(self.dy.clone(), &saved, &self.gamma)
    }
}

#[test]
fn batch_norm_input() {
    worst("batch_norm_input", Norm::cases(), |shape, draw| {
        let norm = Norm::draw(shape, draw);
        let forward = |x| batch_norm::forward(x, &norm.gamma, &norm.beta, Norm::EPS).0;
        error(forward, &norm.x, &norm.dy, &norm.backward().0, draw)
    });
}

#[test]
fn batch_norm_gamma() {
    worst("batch_norm_gamma", Norm::cases(), |shape, draw| {
        let norm = Norm::draw(shape, draw);
        let forward = |gamma| batch_norm::forward(norm.x.clone(), &gamma, &norm.beta, Norm::EPS).0;
        error(forward, &norm.gamma, &norm.dy, &norm.backward().1, draw)
    });
}

#[test]
fn batch_norm_beta() {
    worst("batch_norm_beta", Norm::cases(), |shape, draw| {
        let norm = Norm::draw(shape, draw);
        let forward = |beta| batch_norm::forward(norm.x.clone(), &norm.gamma, &beta, Norm::EPS).0;
        error(forward, &norm.beta, &norm.dy, &norm.backward().2, draw)
    });
}

fn layers() -> impl Strategy<Value = [usize; 3]> {
    (1..=20usize, 1..=40usize, 1..=40usize).prop_map(|(n, inputs, outputs)| [n, inputs, outputs])
}

#[test]
fn linear_input() {
    worst("linear_input", layers(), |[n, i, o], draw| {
        let (x, w, dy) = (normal([n, i], draw), normal([o, i], draw), normal([n, o], draw));
        error(|x| linear::forward(&x, &w), &x, &dy, &linear::grad_input(&dy, &w), draw)
    });
}

#[test]
fn linear_weights() {
    worst("linear_weights", layers(), |[n, i, o], draw| {
        let (x, w, dy) = (normal([n, i], draw), normal([o, i], draw), normal([n, o], draw));
        error(|w| linear::forward(&x, &w), &w, &dy, &linear::grad_weights(&dy, &x, w.shape()), draw)
    });
}

/// Shapes of `x` and `w`, with a geometry under which they fit.
type Convolution = (Shape, Shape, Geometry);

/// Up to four groups or one for each channel, images down to one pixel, strides beyond the kernel.
fn convolutions() -> impl Strategy<Value = Convolution> {
    prop_oneof![5 => any_convolutions(), 1 => winograds()]
}

/// Whole blocks of channels and tiles enough for Winograd's form.
fn winograds() -> impl Strategy<Value = Convolution> {
    (3..=4usize, 15..=17usize, 15..=18usize, 1..=2usize, 1..=2usize, 0..=2usize).prop_map(
        |(n, height, width, inputs, outputs, padding)| {
            let x = Shape::from([n, height, width, 16 * inputs]);
            let w = Shape::from([16 * outputs, 16 * inputs, 3, 3]);
            let geometry = Geometry::default().padding([padding; 2]);
            assert!(conv2d::winograd::pays(w, geometry, geometry.output_shape(x, w)), "{x}, {w}");
            (x, w, geometry)
        },
    )
}

fn any_convolutions() -> impl Strategy<Value = Convolution> {
    let axis = || {
        (1..=3usize, 1..=4usize, 0..=2usize, 1..=3usize, 0..=4usize).prop_map(
            |(kernel, stride, padding, dilation, extra)| {
                let reach = dilation * (kernel - 1) + 1;
                let extent = reach.saturating_sub(2 * padding).max(1) + extra;
                (kernel, stride, padding, dilation, extent)
            },
        )
    };
    let grouped = (1..=4usize).prop_flat_map(|groups| (Just(groups), 1..=40 / groups, 1..=40 / groups));
    let depthwise = (1..=40usize, Just(1), 1..=2usize);
    (1..=2usize, axis(), axis(), prop_oneof![3 => grouped, 1 => depthwise]).prop_map(
        |(n, rows, cols, (groups, i, o))| {
            let geometry = Geometry::default()
                .stride([rows.1, cols.1])
                .padding([rows.2, cols.2])
                .dilation([rows.3, cols.3])
                .groups(groups);
            let x = Shape::from([n, rows.4, cols.4, i * groups]);
            (x, Shape::from([o * groups, i, rows.0, cols.0]), geometry)
        },
    )
}

#[test]
fn conv2d_input() {
    worst("conv2d_input", convolutions(), |(x, w, geometry), draw| {
        let dy = normal(geometry.output_shape(x, w), draw);
        let (x, w) = (normal(x, draw), normal(w, draw));
        let dx = conv2d::grad_input(&dy, &w, x.shape(), geometry);
        error(|x| conv2d::forward(&x, &w, geometry), &x, &dy, &dx, draw)
    });
}

#[test]
fn conv2d_weights() {
    worst("conv2d_weights", convolutions(), |(x, w, geometry), draw| {
        let dy = normal(geometry.output_shape(x, w), draw);
        let (x, w) = (normal(x, draw), normal(w, draw));
        let dw = conv2d::grad_weights(&dy, &x, w.shape(), geometry);
        error(|w| conv2d::forward(&x, &w, geometry), &w, &dy, &dw, draw)
    });
}
