//! The parts of the paper's network that have gone out of use.

use residual::{
    Real, Shape, Tensor,
    nn::{AvgPool2d, Conv2d, Init, Layer, Mode, Outline, Path, Sequential, Slot, Visitor},
    ops::{linear, tanh},
    rng::Generator,
};

// ANCHOR: squash
/// y = A·tanh(S·x), with A = 1.7159 and S = 2/3.
#[derive(Default)]
pub struct ScaledTanh<T: Real> {
    tanh: Option<Tensor<T>>,
}

const A: f64 = 1.7159;
const S: f64 = 2.0 / 3.0;

impl<T: Real> Layer<T> for ScaledTanh<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        let t = tanh::forward(x.map(|x| x * T::of(S)));
        let y = t.map(|t| t * T::of(A));
        self.tanh = (mode == Mode::Train).then_some(t);
        y
    }

    /// dx = dy · A·S·(1 − t²), where t is the tanh.
    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let t = self.tanh.take().expect("forward first");
        tanh::backward(dy, &t).map(|d| d * T::of(A * S))
    }

    fn outline(&self, x: Shape) -> Outline {
        Outline::leaf("ScaledTanh()", x).keeping(x.len())
    }
}
// ANCHOR_END: squash

// ANCHOR: subsampling
/// The mean of 2 by 2 pixels, times a coefficient, plus a bias; one of each a channel.
pub fn subsampling<T: Real>(channels: usize) -> Sequential<T> {
    let mut scale = Conv2d::new(channels, channels, 1).groups(channels);
    Layer::visit(&mut scale, &Path::root(), &mut |name, slot| {
        if let Slot::Param(param) = slot {
            let start = if name.to_string() == "weight" { T::ONE } else { T::ZERO };
            param.value.as_mut_slice().fill(start);
        }
    });
    Sequential::new().add("mean", AvgPool2d::new(2)).add("scale", scale)
}
// ANCHOR_END: subsampling

// ANCHOR: table
/// Which maps of S2 each map of C3 sees: six rows of three neighbours, six of four neighbours, three of four
/// with a gap, and all.
pub fn table() -> [[bool; 6]; 16] {
    let apart = [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]];
    std::array::from_fn(|to| {
        std::array::from_fn(|from| match to {
            0..6 => (from + 6 - to) % 6 < 3,
            6..12 => (from + 12 - to) % 6 < 4,
            12..15 => apart[to - 12].contains(&from),
            _ => true,
        })
    })
}

/// C3: a convolution of which only the table's weights are there.
pub struct Table<T: Real>(Conv2d<T>);

impl<T: Real> Table<T> {
    pub fn new(rng: &mut Generator) -> Self {
        let mut new = Self(Conv2d::new(6, 16, 5).init(Init::Default, rng));
        new.mask(|weight, _| *weight = T::ZERO);
        new
    }

    /// Calls `f` with each weight, and its gradient, that the table leaves out.
    fn mask(&mut self, mut f: impl FnMut(&mut T, &mut T)) {
        let seen = table();
        Layer::visit(&mut self.0, &Path::root(), &mut |name, slot| {
            let Slot::Param(weight) = slot else { return };
            if name.to_string() != "weight" {
                return;
            }
            let pairs = weight.value.as_mut_slice().iter_mut().zip(weight.grad.as_mut_slice());
            // (to, from, row, column): 25 taps for each pair of maps.
            for (i, (value, grad)) in pairs.enumerate() {
                if !seen[i / 150][i / 25 % 6] {
                    f(value, grad);
                }
            }
        });
    }
}

impl<T: Real> Layer<T> for Table<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.0.forward(x, mode)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let dx = self.0.backward(dy);
        self.mask(|_, grad| *grad = T::ZERO);
        dx
    }
    // ANCHOR_END: table

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        self.0.visit(at, each);
    }

    fn outline(&self, x: Shape) -> Outline {
        let all = self.0.outline(x);
        let absent = table().as_flattened().iter().filter(|seen| !**seen).count() * 25;
        let [_, h, w, _] = all.output.dims() else { unreachable!("a convolution makes images") };
        let (parameters, macs) = (all.parameters - absent, all.macs - (absent * h * w) as u64);
        Outline::leaf("Table(6, 16, kernel_size=(5, 5))", all.output)
            .costing(parameters, macs)
            .keeping(all.kept)
    }
}

// ANCHOR: distances
/// Minus the squared distance to each class's code, over the number of features. Codes are fixed.
pub struct Distances<T: Real> {
    codes: Tensor<T>,
    x: Option<Tensor<T>>,
}

impl<T: Real> Layer<T> for Distances<T> {
    /// y_i = −Σ_j (x_j − w_ij)² / T
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        let ([n, features], [classes, _]) = (x.dims(), self.codes.dims());
        let y = Tensor::from_fn([n, classes], |at| {
            let x = x.as_slice()[at / classes * features..].iter();
            let code = &self.codes.as_slice()[at % classes * features..][..features];
            let squares = x.zip(code).map(|(&x, &w)| (x - w) * (x - w));
            squares.fold(T::ZERO, |sum, square| sum - square) * T::of(1.0 / TEMPERATURE)
        });
        self.x = (mode == Mode::Train).then_some(x);
        y
    }

    /// dx_j = Σ_i dy_i · −2 (x_j − w_ij) / T
    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let x = self.x.take().expect("forward first");
        let ([_, features], [_, classes]) = (x.dims(), dy.dims());
        Tensor::from_fn(x.shape(), |at| {
            let (row, j) = (at / features, at % features);
            let slope = |i: usize| {
                let away = x.as_slice()[at] - self.codes.as_slice()[i * features + j];
                dy.as_slice()[row * classes + i] * away * T::of(-2.0 / TEMPERATURE)
            };
            (0..classes).fold(T::ZERO, |sum, i| sum + slope(i))
        })
    }
    // ANCHOR_END: distances

    fn outline(&self, x: Shape) -> Outline {
        let [classes, features] = self.codes.dims();
        let n = x.dims()[0];
        let macs = (n * classes * features) as u64;
        Outline::leaf("Distances(84, 10)", [n, classes].into()).costing(0, macs).keeping(x.len())
    }
}

/// What squared distances are divided by before the softmax.
const TEMPERATURE: f64 = 16.0;

impl<T: Real> Distances<T> {
    /// A code of ±1 for each class.
    pub fn new(features: usize, classes: usize, rng: &mut Generator) -> Self {
        let codes =
            Tensor::from_fn([classes, features], |_| if rng.normal() < 0.0 { -T::ONE } else { T::ONE });
        Self { codes, x: None }
    }

    /// Scores with the same softmax: 2 w·x / T.
    pub fn as_linear(&self, x: &Tensor<T>) -> Tensor<T> {
        linear::forward(x, &self.codes).map(|product| product * T::of(2.0 / TEMPERATURE))
    }
}
