//! [`Conv2d`]: a convolution with weights to learn.

use super::{Affine, Init, Kept, Layer, Mode, Outline, Pair, Param, Path, Slot, Visitor};
use crate::{
    ops::{
        bias,
        conv2d::{self, Filters, Geometry},
    },
    real::Real,
    rng::Generator,
    tensor::{Shape, Tensor},
};

/// A convolution: (N, H, W, in) to (N, OH, OW, out). The names and defaults are PyTorch's.
///
/// Weights are zero until [`init`](Self::init), which comes last, draws them.
///
/// ```
/// use residual::{Tensor, nn::{Conv2d, Init, Layer, Mode}, rng::Generator};
/// let rng = &mut Generator::new(0, 0);
/// let mut conv = Conv2d::<f32>::new(3, 8, 5).stride(2).padding(2).init(Init::Default, rng);
/// let y = conv.forward(Tensor::zeros([1, 32, 32, 3]), Mode::Eval);
/// assert_eq!(y.dims(), [1, 16, 16, 8]);
/// ```
#[derive(Debug)]
pub struct Conv2d<T: Real> {
    weight: Param<T>,
    bias: Option<Param<T>>,
    geometry: Geometry,
    x: Kept<Tensor<T>>,
    /// Set by [`Layer::fuse`]: a ReLU comes behind, and weights are laid out once.
    fused: Option<Fused<T>>,
}

#[derive(Debug)]
struct Fused<T: Real> {
    relu: bool,
    filters: Option<Filters<T>>,
}

impl<T: Real> Conv2d<T> {
    /// From so many channels to so many, with a kernel of height and width.
    pub fn new(from: usize, to: usize, kernel: impl Into<Pair>) -> Self {
        let Pair([kh, kw]) = kernel.into();
        Self {
            weight: Param::new(Tensor::zeros([to, from, kh, kw])),
            bias: Some(Param::new(Tensor::zeros([to]))),
            geometry: Geometry::default(),
            x: Kept::default(),
            fused: None,
        }
    }

    /// Pixels from one window to the next.
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        Self { geometry: self.geometry.stride(stride.into().0), ..self }
    }

    /// Pixels of zeros on every side.
    pub fn padding(self, padding: impl Into<Pair>) -> Self {
        Self { geometry: self.geometry.padding(padding.into().0), ..self }
    }

    /// Pixels from one tap of the kernel to the next.
    pub fn dilation(self, dilation: impl Into<Pair>) -> Self {
        Self { geometry: self.geometry.dilation(dilation.into().0), ..self }
    }

    /// Channels fall into `groups` equal parts, and each part of the outputs sees its part of the inputs.
    ///
    /// # Panics
    /// If they do not divide the channels on both sides.
    #[track_caller]
    pub fn groups(self, groups: usize) -> Self {
        let ([to, from, kh, kw], from_groups) = (self.weight.value.dims(), self.geometry.groups);
        let from = from * from_groups;
        assert!(
            groups > 0 && from % groups == 0 && to % groups == 0,
            "{groups} groups do not divide {from} input and {to} output channels"
        );
        if groups == from_groups {
            return self;
        }
        let weight = Param::new(Tensor::zeros([to, from / groups, kh, kw]));
        Self { weight, geometry: self.geometry.groups(groups), ..self }
    }

    /// Without a bias, as before a batch norm, which would subtract it again.
    pub fn no_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// Draws weights and bias.
    pub fn init(mut self, init: Init, rng: &mut Generator) -> Self {
        init.fill(&mut self.weight.value, self.bias.as_mut().map(|b| &mut b.value), rng);
        self
    }

    /// Adds up the gradients of weights and bias; hands back the input, for its shape.
    fn learn(&mut self, dy: &Tensor<T>) -> Tensor<T> {
        let x = self.x.take();
        let w = self.weight.value.shape();
        self.weight.accumulate(&conv2d::grad_weights(dy, &x, w, self.geometry));
        if let Some(b) = &mut self.bias {
            b.accumulate(&bias::backward(dy));
        }
        x
    }

    /// As PyTorch prints it: what is at its default stays unsaid.
    fn kind(&self) -> String {
        let ([to, from, kh, kw], g) = (self.weight.value.dims(), self.geometry);
        let mut kind = format!("Conv2d({}, {to}, kernel_size=({kh}, {kw})", from * g.groups);
        let plain = Geometry::default();
        for (name, [h, w], shown) in [
            ("stride", g.stride, true),
            ("padding", g.padding, g.padding != plain.padding),
            ("dilation", g.dilation, g.dilation != plain.dilation),
        ] {
            if shown {
                kind += &format!(", {name}=({h}, {w})");
            }
        }
        if g.groups != plain.groups {
            kind += &format!(", groups={}", g.groups);
        }
        kind + if self.bias.is_none() { ", bias=False)" } else { ")" }
    }
}

impl<T: Real> Layer<T> for Conv2d<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        if let Some(fused) = &mut self.fused {
            assert_eq!(mode, Mode::Eval, "a fused layer does not learn");
            let kept = fused.filters.take().filter(|filters| filters.suit(x.shape()));
            let bias = self.bias.as_ref().map(|b| &b.value);
            let new = || Filters::new(&self.weight.value, self.geometry, bias, fused.relu, x.shape());
            return fused.filters.insert(kept.unwrap_or_else(new)).forward(&x);
        }
        let bias = self.bias.as_ref().map(|b| &b.value);
        let y = Filters::new(&self.weight.value, self.geometry, bias, false, x.shape()).forward(&x);
        self.x.keep(mode, || x);
        y
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let x = self.learn(&dy).shape();
        conv2d::grad_input(&dy, &self.weight.value, x, self.geometry)
    }

    fn backward_params(&mut self, dy: Tensor<T>) {
        self.learn(&dy);
    }

    fn fuse(&mut self) {
        self.x = Kept::default();
        self.fused.get_or_insert_with(|| Fused { relu: false, filters: None });
    }

    // ANCHOR: absorb
    /// (w · x + b) · scale + shift = (scale · w) · x + (scale · b + shift).
    fn absorb(&mut self, Affine { map, relu }: &Affine<T>) -> bool {
        let Some(fused @ Fused { relu: false, .. }) = &mut self.fused else { return false };
        *fused = Fused { relu: *relu, filters: None };
        let Some((scale, shift)) = map else { return true };
        let outputs = self.weight.value.shape().dims()[0];
        assert_eq!(
            (scale.len(), shift.len()),
            (outputs, outputs),
            "a scale and a shift for each output channel"
        );
        let each = self.weight.value.len() / outputs;
        for (w, &scale) in self.weight.value.as_mut_slice().chunks_exact_mut(each).zip(scale) {
            w.iter_mut().for_each(|w| *w *= scale);
        }
        let bias = self.bias.get_or_insert_with(|| Param::new(Tensor::zeros([outputs])));
        for (b, (&scale, &shift)) in bias.value.as_mut_slice().iter_mut().zip(scale.iter().zip(shift)) {
            *b = *b * scale + shift;
        }
        true
    }
    // ANCHOR_END: absorb

    fn visit(&mut self, at: &Path, each: &mut Visitor<'_, T>) {
        // Whoever is shown the weights may change them.
        if let Some(fused) = &mut self.fused {
            fused.filters = None;
        }
        each(&at.join("weight"), Slot::Param(&mut self.weight));
        if let Some(b) = &mut self.bias {
            each(&at.join("bias"), Slot::Param(b));
        }
    }

    fn outline(&self, x: Shape) -> Outline {
        let w = &self.weight.value;
        let y = self.geometry.output_shape(x, w.shape());
        let products = y.len() as u64 * (w.len() / w.shape().dims()[0]) as u64;
        let parameters = w.len() + self.bias.as_ref().map_or(0, |b| b.value.len());
        let scratch = conv2d::scratch::<f32>(x, w.shape(), self.geometry);
        let gradients = scratch.grad_weights + w.len() * size_of::<f32>();
        let mut outline = Outline::leaf(self.kind(), y).costing(parameters, products).keeping_input(x);
        outline.footprint.packed = scratch.packed;
        outline.laying_aside([scratch.forward, gradients, scratch.grad_input])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_in_pytorch() {
        let kind = |conv: Conv2d<f32>| conv.kind();
        let plain = Conv2d::new(3, 64, 3);
        assert_eq!(kind(plain), "Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1))");
        let padded = Conv2d::new(3, 64, 3).padding(1).no_bias();
        assert_eq!(
            kind(padded),
            "Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)"
        );
        let all = Conv2d::new(4, 8, [3, 5]).stride([2, 1]).dilation(2).groups(2);
        assert_eq!(kind(all), "Conv2d(4, 8, kernel_size=(3, 5), stride=(2, 1), dilation=(2, 2), groups=2)");
    }

    #[test]
    fn fused_it_sees_new_weights_and_stays_fused() {
        let mut conv = Conv2d::<f32>::new(2, 3, 1);
        conv.fuse();
        assert!(conv.absorb(&Affine { map: Some((vec![2.0, 1.0, 1.0], vec![1.0, -1.0, 0.0])), relu: false }));
        assert!(conv.absorb(&Affine { map: None, relu: true }));
        conv.fuse();
        let x = Tensor::full([1, 1, 1, 2], 1.0);
        assert_eq!(conv.forward(x.clone(), Mode::Eval).as_slice(), [1.0, 0.0, 0.0]);
        conv.visit(&Path::root(), &mut |name, slot| {
            if let (Slot::Param(param), "weight") = (slot, name.to_string().as_str()) {
                param.value.as_mut_slice().fill(0.5);
            }
        });
        assert_eq!(conv.forward(x.clone(), Mode::Eval).as_slice(), [2.0, 0.0, 1.0]);
        // What is cut off below zero takes nothing more.
        assert!(!conv.absorb(&Affine { map: Some((vec![1.0; 3], vec![1.0; 3])), relu: false }));
    }

    #[test]
    #[should_panic(expected = "a fused layer does not learn")]
    fn fused_it_refuses_to_learn() {
        let mut conv = Conv2d::<f32>::new(2, 3, 1);
        conv.fuse();
        conv.forward(Tensor::zeros([1, 1, 1, 2]), Mode::Train);
    }

    #[test]
    fn costs_count_groups() {
        let conv = Conv2d::<f32>::new(4, 8, 3).padding(1).groups(2);
        let outline = conv.outline([2, 5, 5, 4].into());
        assert_eq!((outline.parameters, outline.macs), (8 * 2 * 9 + 8, 2 * 25 * 8 * 2 * 9));
        assert_eq!((outline.output, outline.kept), ([2, 5, 5, 8].into(), 2 * 25 * 4));
    }
}
