//! Three forms of one block (Xie et al. 2017, "Aggregated Residual Transformations for Deep Neural
//! Networks", figure 3).
//!
//! ```text
//! (a) split, transform, sum      (b) early concatenation      (c) grouped convolution
//!
//!     x ─┬────────┬──── ···          x ─┬────────┬──── ···        x
//!       1x1, d   1x1, d                1x1, d   1x1, d            1x1, C·d
//!       3x3, d   3x3, d                3x3, d   3x3, d            3x3, C·d, C groups
//!       1x1, D   1x1, D                 └─concat─┴──── ···        1x1, D
//!        └── + ───┴──── ···               1x1, D
//!       + x                             + x                       + x
//! ```
//!
//! C paths of width d carry D channels. All three compute the same, from the same numbers:
//!
//! - (c) is (b): C convolutions of the same input side by side are one convolution with their filters
//!   one below the other, and C convolutions of an input each are what a grouped convolution is.
//! - (b) is (a): a matrix times a column of parts is the sum of the matrix's parts times theirs,
//!   \[W₁ W₂ …\]·\[h₁ h₂ …\]ᵀ = W₁h₁ + W₂h₂ + …, so that summing behind the last 1x1 or
//!   concatenating before it makes no difference.
//!
//! Batch norm and ReLU act on each channel alone: the first two can stand in the paths or behind
//! all of them. The last norm stands behind the sum, since that of a sum is no sum of norms.
//!
//! A parameter of (c) is cut into parts, of equally many filters (rows) or, for the last convolution,
//! of input channels (columns). [`values`] and [`gradients`] put the parts together, and [`load`]
//! takes them apart.

mod parts;

use super::{
    Options, Shortcut,
    residual_blocks::{Blocks, Body},
};
use crate::{
    nn::{BatchNorm2d, Concat, Layer, Path, Relu, Residual, Sequential, Slot, Sum},
    real::Real,
    tensor::Tensor,
};
use parts::{join, part};
use std::collections::BTreeMap;

/// How a block of a ResNeXt is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// (a): every path has its own three convolutions, and their outputs are summed.
    Split,
    /// (b): every path has its own first two; their outputs are concatenated before the third.
    Concatenated,
    /// (c): three convolutions, the middle one with a group for every path.
    Grouped,
}

/// The measures of a block: C, d and D of the figure.
#[derive(Clone, Copy, Debug)]
pub struct Cardinality {
    /// How many paths there are: C.
    pub paths: usize,
    /// The channels of a path: d.
    pub width: usize,
    /// The channels that enter and leave the block: D.
    pub channels: usize,
}

impl Cardinality {
    /// The block, with weights drawn as `options` say: the forms do not draw the same ones.
    ///
    /// ```
    /// use residual::{Tensor, models::{Options, resnext_forms::{Cardinality, Form, load, values}}};
    /// use residual::nn::{Layer, Mode};
    /// let measures = Cardinality { paths: 4, width: 2, channels: 16 };
    /// let mut split = measures.block::<f64>(Form::Split, &Options::default());
    /// let mut grouped = measures.block(Form::Grouped, &Options { init: false, ..Options::default() });
    /// load(&mut grouped, &values(&mut split));
    /// let x = Tensor::from_fn([1, 5, 5, 16], |i| (i as f64).sin());
    /// let (a, c) = (split.forward(x.clone(), Mode::Eval), grouped.forward(x, Mode::Eval));
    /// let apart = a.as_slice().iter().zip(c.as_slice()).map(|(a, c)| (a - c).abs());
    /// assert!(apart.fold(0.0, f64::max) < 1e-12);
    /// ```
    pub fn block<T: Real>(self, form: Form, options: &Options) -> Residual<T> {
        let Self { paths, width, channels } = self;
        let body = Body::Bottleneck { groups: paths, per_64: width };
        let blocks = &mut Blocks::new(body, Some(Shortcut::B), options);
        let numbers = (0..paths).map(|i| i.to_string());
        Residual::new(match form {
            // ANCHOR: split
            Form::Split => {
                let paths = numbers.fold(Sum::new(), |sum, i| {
                    let path = self.path(blocks);
                    sum.add(i, path.add("conv3", blocks.conv([width, channels], 1, 1, 1)))
                });
                Sequential::new().add("paths", paths).add("bn3", BatchNorm2d::new(channels))
            }
            // ANCHOR_END: split
            // ANCHOR: concatenated
            Form::Concatenated => {
                let between = paths * width;
                let paths = numbers.fold(Concat::new(), |concat, i| concat.add(i, self.path(blocks)));
                Sequential::new()
                    .add("paths", paths)
                    .add("conv3", blocks.conv([between, channels], 1, 1, 1))
                    .add("bn3", BatchNorm2d::new(channels))
            }
            // ANCHOR_END: concatenated
            // ANCHOR: grouped
            Form::Grouped => blocks.bottleneck([channels, paths * width, channels], 1, paths),
            // ANCHOR_END: grouped
        })
    }

    /// What (a) and (b) have in every path.
    fn path<T: Real>(self, blocks: &mut Blocks) -> Sequential<T> {
        Sequential::new()
            .add("conv1", blocks.conv([self.channels, self.width], 1, 1, 1))
            .add("bn1", BatchNorm2d::new(self.width))
            .add("relu", Relu::new())
            .add("conv2", blocks.conv([self.width, self.width], 3, 1, 1))
            .add("bn2", BatchNorm2d::new(self.width))
            .add("relu2", Relu::new())
    }
}

/// Tensors under the names of (c).
pub type Grouped<T> = BTreeMap<String, Tensor<T>>;

/// Parameters and running statistics of a block of any form, as (c) has them.
pub fn values<T: Real>(block: &mut Residual<T>) -> Grouped<T> {
    collect(block, |slot| match slot {
        Slot::Param(param) => Some(param.value.clone()),
        Slot::Buffer(buffer) => Some(buffer.clone()),
        Slot::Count(_) | Slot::Generator(_) => None,
    })
}

/// Gradients of a block of any form, as (c) has them.
pub fn gradients<T: Real>(block: &mut Residual<T>) -> Grouped<T> {
    collect(block, |slot| if let Slot::Param(param) = slot { Some(param.grad.clone()) } else { None })
}

fn collect<T: Real>(block: &mut Residual<T>, of: impl Fn(Slot<'_, T>) -> Option<Tensor<T>>) -> Grouped<T> {
    let mut parts: BTreeMap<String, Vec<Tensor<T>>> = BTreeMap::new();
    block.visit(&Path::root(), &mut |path, slot| {
        if let Some(part) = of(slot) {
            let (name, _) = place(&path.to_string());
            parts.entry(name).or_default().push(part);
        }
    });
    parts.into_iter().map(|(name, parts)| (name.clone(), join(&parts, axis(&name)))).collect()
}

/// Gives a block of any form the parameters and running statistics of [`values`].
///
/// # Panics
/// If they are those of a block of other measures.
#[track_caller]
pub fn load<T: Real>(block: &mut Residual<T>, grouped: &Grouped<T>) {
    block.visit(&Path::root(), &mut |path, slot| {
        let value = match slot {
            Slot::Param(param) => &mut param.value,
            Slot::Buffer(buffer) => buffer,
            Slot::Count(_) | Slot::Generator(_) => return,
        };
        let (name, number) = place(&path.to_string());
        let whole = grouped.get(&name).unwrap_or_else(|| panic!("no `{name}` to load"));
        *value = part(whole, axis(&name), number.unwrap_or(0), value.shape().dims());
    });
}

/// `paths.3.conv1.weight` is part 3 of `conv1.weight`; other names are those of the whole.
fn place(name: &str) -> (String, Option<usize>) {
    let part = name.strip_prefix("paths.").and_then(|rest| rest.split_once('.'));
    match part {
        Some((number, name)) => (name.into(), number.parse().ok()),
        None => (name.into(), None),
    }
}

/// Along which axis the parts of a parameter lie: filters, but for the last convolution, whose
/// input channels are the paths'.
fn axis(name: &str) -> usize {
    usize::from(name == "conv3.weight")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{nn::Mode, rng::Generator};

    fn distance<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> f64 {
        assert_eq!(a.shape(), b.shape());
        let square = |f: &dyn Fn(usize) -> f64| (0..a.len()).map(|i| f(i).powi(2)).sum::<f64>();
        let [x, y] = [a, b].map(|t| move |i: usize| t.as_slice()[i].to_f64());
        (square(&|i| x(i) - y(i)) / square(&y)).sqrt()
    }

    /// Of outputs in both modes, running statistics, dL/dx and all gradients.
    fn farthest<T: Real>(measures: Cardinality, form: Form) -> f64 {
        let rng = &mut Generator::new(7, 0);
        let shape = [2, 5, 4, measures.channels];
        let [x, dy] = [(); 2].map(|()| Tensor::from_fn(shape, |_| T::of(rng.normal())));
        let mut grouped = measures.block::<T>(Form::Grouped, &Options::default());
        let mut other = measures.block::<T>(form, &Options { seed: 1, ..Options::default() });
        load(&mut other, &values(&mut grouped));

        let run = |block: &mut Residual<T>| {
            let y = block.forward(x.clone(), Mode::Train);
            let dx = block.backward(dy.clone());
            let evaluated = block.forward(x.clone(), Mode::Eval);
            let tensors = gradients(block).into_values().chain(values(block).into_values());
            [y, dx, evaluated].into_iter().chain(tensors).collect::<Vec<_>>()
        };
        let (expected, found) = (run(&mut grouped), run(&mut other));
        // Three convolutions and three norms: 3 + 6 gradients, 3 + 6 parameters, 6 statistics.
        assert_eq!((expected.len(), found.len()), (3 + 9 + 15, 3 + 9 + 15));
        found.iter().zip(&expected).map(|(a, b)| distance(a, b)).fold(0.0, f64::max)
    }

    #[test]
    fn forms_are_equal() {
        for measures in [
            Cardinality { paths: 3, width: 5, channels: 24 },
            Cardinality { paths: 1, width: 8, channels: 16 },
            Cardinality { paths: 32, width: 4, channels: 256 },
        ] {
            for form in [Form::Split, Form::Concatenated] {
                let (double, single) = (farthest::<f64>(measures, form), farthest::<f32>(measures, form));
                println!("{form:?} {measures:?}: {double:.1e} in f64, {single:.1e} in f32");
                assert!(double < 1e-12 && single < 1e-5, "{form:?} {measures:?}: {double:e}, {single:e}");
            }
        }
    }
}
