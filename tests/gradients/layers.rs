//! Every layer and every combinator, gradients of the input and of the parameters.

use crate::check::{normal, worst};
use proptest::prelude::*;
use residual::{
    Tensor,
    gradcheck::{Settings, check_layer},
    nn::{
        AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Dropout2d, Flatten,
        GlobalAvgPool, Layer, Linear, LocalResponseNorm, MaxPool2d, Mode, Path, Relu, Residual, Sequential,
        Sigmoid, Slot, Subsample, Tanh,
    },
    rng::Generator,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The worst relative error, for normal inputs and parameters; no entry may be skipped.
fn smooth(layer: &mut dyn Layer<f64>, x: [usize; 4], draw: &mut Generator) -> f64 {
    error(layer, normal(x, draw), 0, draw)
}

/// The same with kinks, at which up to a fifth of the entries may be skipped.
fn kinked(layer: &mut dyn Layer<f64>, x: [usize; 4], draw: &mut Generator) -> f64 {
    error(layer, normal(x, draw), 5, draw)
}

/// At most one entry in `one_in` may be skipped; none if that is 0.
fn error(layer: &mut dyn Layer<f64>, x: Tensor<f64>, one_in: usize, draw: &mut Generator) -> f64 {
    layer.visit(&Path::root(), &mut |_, slot| {
        if let Slot::Param(param) = slot {
            param.value = normal(param.value.shape(), draw);
        }
    });
    let settings = Settings { entries: 10, seed: draw.below(1 << 32) as u64, ..Settings::default() };
    let report = check_layer(layer, &x, &settings);
    let (checked, skipped) = (report.checked(), report.skipped());
    assert!(checked > 0 && skipped * one_in <= checked && (one_in > 0 || skipped == 0), "{report:?}");
    report.worst_error()
}

/// (N, H, W, C) with 8 pixels or more, on both sides of 16 channels.
fn images() -> impl Strategy<Value = [usize; 4]> {
    (1..3usize, 3..8usize, 3..8usize, 1..20usize).prop_map(|(n, h, w, c)| [n, h, w, c])
}

#[test]
fn conv2d() {
    #[derive(Clone, Debug)]
    struct Case {
        x: [usize; 3],
        groups: usize,
        channels: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        bias: bool,
    }
    let pair = |range: std::ops::Range<usize>| [range.clone(), range];
    let sizes = (prop_oneof![Just([2, 1, 1]), [1..3usize, 5..9, 5..9]], 1..4usize, pair(1..9));
    let moves = (pair(1..4), pair(1..4), pair(0..3), pair(1..3), any::<bool>());
    let cases =
        (sizes, moves).prop_map(|((x, groups, channels), (kernel, stride, padding, dilation, bias))| {
            // A single pixel takes a kernel of more than one tap only with padding enough.
            let reach = |axis: usize| dilation[axis] * (kernel[axis] - 1) < x[axis + 1] + 2 * padding[axis];
            let kernel = std::array::from_fn(|axis| if reach(axis) { kernel[axis] } else { 1 });
            Case { x, groups, channels, kernel, stride, padding, dilation, bias }
        });
    worst("Conv2d", cases, |case, draw| {
        let [from, to] = case.channels.map(|channels| channels * case.groups);
        let conv = Conv2d::new(from, to, case.kernel)
            .stride(case.stride)
            .padding(case.padding)
            .dilation(case.dilation)
            .groups(case.groups);
        let [n, h, w] = case.x;
        smooth(&mut if case.bias { conv } else { conv.no_bias() }, [n, h, w, from], draw)
    });
}

#[test]
fn linear() {
    worst("Linear", [1..5usize, 1..40, 1..40], |[n, from, to], draw| {
        let x = normal([n, from], draw);
        error(&mut Linear::new(from, to), x, 0, draw)
    });
}

#[test]
fn activations() {
    worst("Sigmoid", images(), |x, draw| smooth(&mut Sigmoid::new(), x, draw));
    worst("Tanh", images(), |x, draw| smooth(&mut Tanh::new(), x, draw));
    worst("ReLU", images(), |x, draw| kinked(&mut Relu::new(), x, draw));
}

#[test]
fn pools() {
    worst("MaxPool2d", (images(), 1..4usize, 1..4usize, any::<bool>()), |(x, kernel, stride, ceil), draw| {
        let pool = MaxPool2d::new(kernel).stride(stride).padding(kernel / 2);
        kinked(&mut if ceil { pool.ceil_mode() } else { pool }, x, draw)
    });
    worst("AvgPool2d", (images(), 1..4usize, 1..4usize), |(x, kernel, stride), draw| {
        smooth(&mut AvgPool2d::new([kernel, 3]).stride(stride).padding([kernel / 2, 1]), x, draw)
    });
    worst("AdaptiveAvgPool2d", (images(), 1..9usize, 1..9usize), |(x, oh, ow), draw| {
        smooth(&mut AdaptiveAvgPool2d::new([oh, ow]), x, draw)
    });
    worst("GlobalAvgPool", images(), |x, draw| smooth(&mut GlobalAvgPool::new(), x, draw));
}

#[test]
fn norms() {
    worst("LocalResponseNorm", (images(), 1..7usize), |(x, size), draw| {
        smooth(&mut LocalResponseNorm::new(size).alpha(2.0).beta(0.6).k(1.5), x, draw)
    });
    worst("BatchNorm2d", images(), |x, draw| smooth(&mut BatchNorm2d::new(x[3]), x, draw));
}

#[test]
fn movers() {
    worst("Flatten", images(), |x, draw| smooth(&mut Flatten::new(), x, draw));
    worst("Subsample", (images(), 1..4usize, 0..20usize), |(x, stride, more), draw| {
        smooth(&mut Subsample::new(stride, x[3] + more), x, draw)
    });
    worst("Dropout", (images(), 0.0..1.0), |(x, p), draw| {
        let stream = draw.below(1000) as u64;
        smooth(&mut Dropout::new(p, Generator::new(5, stream)), x, draw)
    });
    worst("Dropout2d", (images(), 0.0..1.0), |(x, p), draw| {
        let stream = draw.below(1000) as u64;
        smooth(&mut Dropout2d::new(p, Generator::new(5, stream)), x, draw)
    });
}

fn conv_norm(from: usize, to: usize, stride: usize) -> Sequential<f64> {
    Sequential::new()
        .add("conv", Conv2d::new(from, to, 3).stride(stride).padding(1).no_bias())
        .add("norm", BatchNorm2d::new(to))
}

#[test]
fn combinators() {
    worst("Sequential", images(), |x, draw| {
        smooth(&mut conv_norm(x[3], 3, 1).add("tanh", Tanh::new()).add("last", conv_norm(3, 2, 1)), x, draw)
    });
    worst("Residual, identity", images(), |x, draw| {
        kinked(&mut Residual::new(conv_norm(x[3], x[3], 1)), x, draw)
    });
    worst("Residual, shortcut A", images(), |x, draw| {
        let around = Sequential::new().add("0", Subsample::new(2, x[3] + 3));
        kinked(&mut Residual::new(conv_norm(x[3], x[3] + 3, 2)).shortcut(around), x, draw)
    });
    worst("Residual, shortcut B", images(), |x, draw| {
        let around = Sequential::new().add("0", Conv2d::new(x[3], 5, 1).stride(2));
        kinked(&mut Residual::new(conv_norm(x[3], 5, 2)).shortcut(around), x, draw)
    });
    worst("Concat", images(), |x, draw| {
        let mut concat = Concat::new()
            .add("branch1", conv_norm(x[3], 17, 1))
            .add("branch2", Sequential::new())
            .add("branch3", Sequential::new().add("conv", Conv2d::new(x[3], 2, 1)));
        smooth(&mut concat, x, draw)
    });
}

fn gradients(layer: &mut dyn Layer<f64>) -> Vec<Tensor<f64>> {
    let mut gradients = Vec::new();
    layer.visit(&Path::root(), &mut |_, slot| {
        if let Slot::Param(param) = slot {
            gradients.push(param.grad.clone());
        }
    });
    gradients
}

/// One of each layer, and an input for it.
fn one_of_each() -> Vec<(Box<dyn Layer<f64>>, Tensor<f64>)> {
    let draw = &mut Generator::new(2, 0);
    let residual = Residual::new(conv_norm(4, 4, 1));
    let concat = Concat::new().add("a", conv_norm(4, 2, 1)).add("b", conv_norm(4, 3, 1));
    let on_images: Vec<Box<dyn Layer<f64>>> = vec![
        Box::new(Conv2d::new(4, 3, 3)),
        Box::new(Relu::new()),
        Box::new(Sigmoid::new()),
        Box::new(Tanh::new()),
        Box::new(MaxPool2d::new(2)),
        Box::new(AvgPool2d::new(2)),
        Box::new(AdaptiveAvgPool2d::new(4)),
        Box::new(GlobalAvgPool::new()),
        Box::new(BatchNorm2d::new(4)),
        Box::new(LocalResponseNorm::new(3)),
        Box::new(Dropout::new(0.0, Generator::new(0, 0))),
        Box::new(Dropout2d::new(0.0, Generator::new(0, 0))),
        Box::new(Flatten::new()),
        Box::new(Subsample::new(2, 6)),
        Box::new(conv_norm(4, 3, 1)),
        Box::new(residual),
        Box::new(concat),
    ];
    let x = normal([2, 6, 6, 4], draw);
    let mut each: Vec<_> = on_images.into_iter().map(|layer| (layer, x.clone())).collect();
    each.push((Box::new(Linear::new(4, 3)), normal([2, 4], draw)));
    for (layer, _) in &mut each {
        layer.visit(&Path::root(), &mut |_, slot| {
            if let Slot::Param(param) = slot {
                param.value = normal(param.value.shape(), draw);
            }
        });
    }
    each
}

#[test]
fn backward_adds_to_gradients_and_need_not_return_one() {
    for (mut layer, x) in one_of_each() {
        let dy = Tensor::from_fn(layer.outline(x.shape()).output, |i| (i as f64).sin());
        let kind = layer.outline(x.shape()).kind;
        layer.forward(x.clone(), Mode::Train);
        assert_eq!(layer.backward(dy.clone()).shape(), x.shape(), "{kind}");
        let once = gradients(&mut *layer);
        layer.forward(x, Mode::Train);
        layer.backward_params(dy);
        let twice: Vec<_> = once.iter().map(|once| once.map(|g: f64| g + g)).collect();
        assert!(once.iter().all(|once| once.as_slice().iter().any(|&g| g != 0.0)), "{kind}");
        assert_eq!(gradients(&mut *layer), twice, "{kind}");
    }
}

#[test]
fn backward_without_a_training_forward_panics() {
    for (mut layer, x) in one_of_each() {
        let outline = layer.outline(x.shape());
        let dy = Tensor::zeros(outline.output);
        layer.forward(x.clone(), Mode::Train);
        let y = layer.forward(x, Mode::Eval);
        assert_eq!(y.shape(), outline.output, "{}", outline.kind);
        let panic = catch_unwind(AssertUnwindSafe(|| layer.backward(dy))).expect_err(&outline.kind);
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied()).expect("a message");
        assert!(message.contains("forward in Mode::Train"), "{}: {message}", outline.kind);
    }
}
