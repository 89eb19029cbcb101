//! The receptive field: by a formula, and by asking the backward pass.

use super::{STAGES, common::Report};
use residual::{
    Tensor,
    nn::{AvgPool2d, Conv2d, Layer, Mode, Path, Sequential, Slot},
};

/// A convolution or a pool, along one axis.
#[derive(Clone, Copy)]
pub struct Window {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
    pub is_pool: bool,
}

/// A convolution that keeps the picture's size.
pub fn conv(kernel: usize) -> Window {
    Window { kernel, stride: 1, padding: kernel / 2, dilation: 1, is_pool: false }
}

fn pool(kernel: usize) -> Window {
    Window { stride: 2, padding: 0, is_pool: true, ..conv(kernel) }
}

// ANCHOR: field
/// How many rows an output sees, and how many rows its neighbour sees further down.
pub fn field(windows: &[Window]) -> (usize, usize) {
    windows.iter().fold((1, 1), |(field, jump), w| {
        let reach = w.dilation * (w.kernel - 1);
        (field + reach * jump, jump * w.stride)
    })
}
// ANCHOR_END: field

// ANCHOR: probe
/// Rows and columns of the smallest box around all pixels that the output in the middle depends on.
fn probe(windows: &[Window], side: usize) -> [usize; 2] {
    let mut net = Sequential::<f64>::new();
    for w in windows {
        net = match w.is_pool {
            true => net.push(AvgPool2d::new(w.kernel).stride(w.stride).padding(w.padding)),
            false => {
                let conv = Conv2d::new(1, 1, w.kernel).stride(w.stride).padding(w.padding);
                net.push(conv.dilation(w.dilation).no_bias())
            }
        };
    }
    // Weights above zero: no path can cancel another.
    net.visit(&Path::root(), &mut |_, slot| {
        if let Slot::Param(weights) = slot {
            weights.value = weights.value.map(|_| 0.1);
        }
    });
    let y = net.forward(Tensor::zeros([1, side, side, 1]), Mode::Train);
    let [_, rows, cols, _] = y.dims();
    let mut dy = Tensor::zeros(y.shape());
    dy.as_mut_slice()[rows / 2 * cols + cols / 2] = 1.0;
    let dx = net.backward(dy);
    let seen = (0..side * side).filter(|&at| dx.as_slice()[at] != 0.0);
    let (rows, cols): (Vec<_>, Vec<_>) = seen.map(|at| (at / side, at % side)).unzip();
    [rows, cols].map(|places| span(&places, side))
}
// ANCHOR_END: probe

/// From the first place to the last. None may lie at the border, where the picture would have cut it off.
fn span(places: &[usize], side: usize) -> usize {
    let (first, last) = (places.iter().min().expect("an output depends on something"), places.iter().max());
    let last = last.expect("as there is a first");
    assert!(*first > 0 && last + 1 < side, "{side} pixels are too few");
    last - first + 1
}

/// Convolutions of 3x3 and a pool behind each stage, up to stage `stages`.
fn vgg16(stages: usize) -> Vec<Window> {
    let stage = |(convolutions, _): (usize, usize)| [vec![conv(3); convolutions], vec![pool(2)]].concat();
    STAGES[..stages].iter().copied().flat_map(stage).collect()
}

pub fn run(report: &mut Report) {
    let dilated = [1, 2, 4].map(|d| Window { dilation: d, padding: d, ..conv(3) });
    let stem = [Window { stride: 2, ..conv(7) }, Window { padding: 1, ..pool(3) }];
    let alexnet = [
        vec![Window { stride: 4, padding: 2, ..conv(11) }, pool(3), conv(5), pool(3)],
        vec![conv(3), conv(3), conv(3), pool(3)],
    ];
    let networks: [(&str, Vec<Window>); 13] = [
        ("one 7x7", vec![conv(7)]),
        ("three 3x3", vec![conv(3); 3]),
        ("one 5x5", vec![conv(5)]),
        ("two 3x3", vec![conv(3); 2]),
        ("3x3, dilated by 1, 2, 4", dilated.to_vec()),
        ("three 3x3, the first of stride 2", { vec![Window { stride: 2, ..conv(3) }, conv(3), conv(3)] }),
        ("ResNet-50's first 7x7 and pool", stem.to_vec()),
        ("AlexNet's convolutions and pools", alexnet.concat()),
        ("VGG-16, to its first pool", vgg16(1)),
        ("to its second", vgg16(2)),
        ("to its third", vgg16(3)),
        ("to its fourth", vgg16(4)),
        ("to its fifth", vgg16(5)),
    ];
    let fields: Vec<_> = networks.iter().map(|(_, windows)| field(windows)).collect();
    let measured: Vec<_> = networks.iter().map(|(_, windows)| probe(windows, 288)).collect();
    report.part("fields", |report| {
        let row = |i: usize| {
            let ((name, _), [rows, cols]) = (&networks[i], measured[i]);
            vec![name.to_string(), fields[i].0.to_string(), fields[i].1.to_string(), format!("{rows}x{cols}")]
        };
        report.table(&["network", "field", "jump", "by gradients"], &(0..13).map(row).collect::<Vec<_>>());
    });
    let of = |name: &str| fields[networks.iter().position(|n| n.0 == name).expect("a row")].0;
    report.value("stride-field", of("three 3x3, the first of stride 2"));
    report.value("dilated-field", of("3x3, dilated by 1, 2, 4"));
    report.value("alexnet-field", of("AlexNet's convolutions and pools"));
    report.value("vgg-field", of("to its fifth"));
    report.claim("gradients see as far as the formula says", {
        fields.iter().zip(&measured).all(|(&(field, _), &seen)| seen == [field; 2])
    });
    report.claim("three 3x3 see what a 7x7 sees, and two what a 5x5 sees", {
        measured[0] == measured[1] && measured[2] == measured[3] && measured[0] == [7, 7]
    });
}
