//! Fully connected networks of any depth, in seven kinds, and the gradients inside them.

use residual::{
    Real, Tensor,
    data::Batch,
    nn::{
        BatchNorm2d, Init, Layer, Linear, Mode, Path, Relu, Residual, Sequential, Sigmoid, Slot, Tanh,
        Visitor,
    },
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

/// Features of every layer inside.
pub const WIDTH: usize = 128;
/// Features of a picture of 14 by 14.
pub const PIXELS: usize = 14 * 14;
/// Classes that the network tells apart.
pub const CLASSES: usize = 10;

/// What a network is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Sigmoids, weights as PyTorch draws them.
    Sigmoid,
    /// Sigmoids, weights normal with deviation `s / √fan_in`, no biases.
    ScaledSigmoid(f64),
    /// Hyperbolic tangents, weights normal with deviation `1 / √fan_in`.
    Tanh,
    /// ReLU, weights as PyTorch draws them.
    Relu,
    /// ReLU, weights as He draws them.
    He,
    /// As `He`, with batch norm before every ReLU.
    Norm,
    /// As `He`, with a shortcut around every two layers.
    Shortcut,
    /// Both.
    NormShortcut,
}

impl Kind {
    pub fn has_shortcuts(self) -> bool {
        matches!(self, Self::Shortcut | Self::NormShortcut)
    }

    fn has_norm(self) -> bool {
        matches!(self, Self::Norm | Self::NormShortcut)
    }

    fn init(self, fan_in: usize) -> Init {
        let normal = |s: f64| Init::Normal { deviation: s / (fan_in as f64).sqrt(), bias: 0.0 };
        match self {
            Self::Sigmoid | Self::Relu => Init::Default,
            Self::ScaledSigmoid(s) => normal(s),
            Self::Tanh => normal(1.0),
            Self::He | Self::Norm | Self::Shortcut | Self::NormShortcut => normal(2f64.sqrt()),
        }
    }
}

/// A network as a chain of units: a unit is a layer with its activation, or a block with its shortcut.
pub struct Network<T: Real>(Vec<Sequential<T>>);

impl<T: Real> Network<T> {
    // ANCHOR: new
    /// `depth` layers with weights; with shortcuts, an even number.
    pub fn new(kind: Kind, depth: usize, seed: u64) -> Self {
        let rng = &mut Generator::new(seed, 0);
        let mut units = vec![activate(kind, layer(kind, PIXELS, rng))];
        if kind.has_shortcuts() {
            assert!(depth.is_multiple_of(2), "a shortcut goes around two layers");
            for _ in 0..depth / 2 - 1 {
                let body = activate(kind, layer(kind, WIDTH, rng));
                let body = body.add("second", layer(kind, WIDTH, rng));
                units.push(Sequential::new().add("block", Residual::new(body)));
            }
        } else {
            units.extend((0..depth - 2).map(|_| activate(kind, layer(kind, WIDTH, rng))));
        }
        let last = Linear::new(WIDTH, CLASSES).init(kind.init(WIDTH), rng);
        units.push(Sequential::new().add("last", last));
        Self(units)
    }
    // ANCHOR_END: new

    /// The logits of `pictures` (N, pixels), and what backward needs.
    fn forward(&mut self, pictures: Tensor<T>) -> Tensor<T> {
        self.0.iter_mut().fold(pictures, |h, unit| unit.forward(h, Mode::Train))
    }

    /// What comes out of every unit but the last.
    pub fn activations(&mut self, pictures: Tensor<T>) -> Vec<Tensor<T>> {
        let mut found = vec![pictures];
        let (_, inner) = self.0.split_last_mut().expect("at least two units");
        for unit in inner {
            let h = found.last().expect("pictures at least").clone();
            found.push(unit.forward(h, Mode::Train));
        }
        found.split_off(1)
    }

    // ANCHOR: gradients
    /// One pass forward and back: the loss, and the norm of dL/dh for the output h of every unit
    /// but the last. The gradients of the weights stay in their parameters.
    pub fn gradients(&mut self, batch: &Batch<T>) -> (f64, Vec<f64>) {
        let logits = self.forward(flat(batch));
        let loss = CrossEntropy::default();
        let (value, probabilities) = loss.forward(&logits, &batch.labels);
        let mut dh = loss.backward(probabilities, &batch.labels);
        let mut norms = Vec::new();
        for unit in self.0.iter_mut().rev() {
            dh = unit.backward(dh);
            norms.push(norm(&dh));
        }
        // The last to be computed is the gradient of the pictures.
        norms.pop();
        norms.reverse();
        (value, norms)
    }
    // ANCHOR_END: gradients

    /// Every parameter.
    pub fn visit(&mut self, each: &mut Visitor<'_, T>) {
        for (i, unit) in self.0.iter_mut().enumerate() {
            unit.visit(&Path::root().join(&i.to_string()), each);
        }
    }

    /// The norm of dL/dW of every layer between the first and the last, whose weights have other shapes.
    pub fn weight_gradients(&mut self) -> Vec<f64> {
        let mut norms = Vec::new();
        self.visit(&mut |_, slot| {
            if let Slot::Param(param) = slot
                && param.value.shape() == [WIDTH, WIDTH].into()
            {
                norms.push(norm(&param.grad));
            }
        });
        norms
    }
}

/// The pictures as rows.
pub fn flat<T: Real>(batch: &Batch<T>) -> Tensor<T> {
    batch.images.clone().reshape([batch.labels.len(), PIXELS])
}

/// A fully connected layer, and batch norm where the kind has it.
fn layer<T: Real>(kind: Kind, from: usize, rng: &mut Generator) -> Sequential<T> {
    let linear = Linear::new(from, WIDTH).init(kind.init(from), rng);
    let layer = Sequential::new().add("linear", linear);
    if kind.has_norm() { layer.add("norm", BatchNorm2d::new(WIDTH)) } else { layer }
}

fn activate<T: Real>(kind: Kind, layer: Sequential<T>) -> Sequential<T> {
    match kind {
        Kind::Sigmoid | Kind::ScaledSigmoid(_) => layer.add("sigmoid", Sigmoid::new()),
        Kind::Tanh => layer.add("tanh", Tanh::new()),
        _ => layer.add("relu", Relu::new()),
    }
}

/// The length of `x` as one long vector.
pub fn norm<T: Real>(x: &Tensor<T>) -> f64 {
    x.as_slice().iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt()
}
