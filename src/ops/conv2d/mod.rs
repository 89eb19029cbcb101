//! Two-dimensional convolution (in the field's sense: cross-correlation), and its two gradients.
//!
//! ```text
//! y[n, oh, ow, o] = Σ over kh, kw, i of x[n, oh·stride + kh·dilation - padding, ow·…, i] · w[o, i, kh, kw]
//! ```
//!
//! | tensor | shape |
//! |---|---|
//! | `x` | (N, H, W, C) |
//! | `w` | (O, C / groups, KH, KW), PyTorch's |
//! | `y` | (N, OH, OW, O), OH = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1 |
//!
//! With groups, the channels fall into equal parts and each part of the outputs sees only its part
//! of the inputs (Krizhevsky et al. 2012, section 3.2; Xie et al. 2017).

pub mod blocked;
mod filters;
pub mod im2col;
pub mod naive;
mod scratch;
pub mod winograd;

pub use filters::Filters;
pub use scratch::{Scratch, scratch};

use crate::{
    real::Real,
    simd::Isa,
    tensor::{Shape, Tensor},
};

/// How the kernel moves: PyTorch's names and defaults. Pairs are (height, width).
///
/// ```
/// use residual::ops::conv2d::Geometry;
/// let same = Geometry::default().padding([1, 1]);
/// assert_eq!(same.output([28, 28], [3, 3]), [28, 28]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Pixels of zeros on every side.
    pub padding: [usize; 2],
    /// Pixels from one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Parts that the channels fall into.
    pub groups: usize,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Geometry {
    /// With this stride.
    pub fn stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// With this padding.
    pub fn padding(self, padding: [usize; 2]) -> Self {
        Self { padding, ..self }
    }

    /// With this dilation.
    pub fn dilation(self, dilation: [usize; 2]) -> Self {
        Self { dilation, ..self }
    }

    /// With so many groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The height and width of the output, for an input and a kernel of these.
    ///
    /// # Panics
    /// If the kernel does not fit into the padded input, or the stride or dilation is zero.
    #[track_caller]
    // ANCHOR: output
    pub fn output(&self, input: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
            assert!(stride > 0 && dilation > 0 && kernel[axis] > 0, "zero in {self:?} or kernel {kernel:?}");
            let padded = input[axis] + 2 * self.padding[axis];
            let reach = dilation * (kernel[axis] - 1) + 1;
            assert!(reach <= padded, "kernel {kernel:?} does not fit into {input:?} with {self:?}");
            (padded - reach) / stride + 1
        })
    }
    // ANCHOR_END: output

    /// The output's shape, for an input (N, H, W, C) and weights (O, C / groups, KH, KW).
    ///
    /// # Panics
    /// If the channels do not match, an extent other than the batch's is zero, or as
    /// [`output`](Self::output).
    #[track_caller]
    pub fn output_shape(&self, x: Shape, w: Shape) -> Shape {
        let (&[n, h, iw, c], &[o, i, kh, kw]) = (x.dims(), w.dims()) else {
            panic!("convolution takes an input (N, H, W, C) and weights (O, I, KH, KW), got {x} and {w}")
        };
        let groups = self.groups;
        assert!(h * iw * c * o > 0, "no pixels or no channels in an input {x} and weights {w}");
        assert!(
            groups > 0 && i * groups == c && o % groups == 0,
            "weights {w} with {groups} groups do not fit an input {x}"
        );
        let [oh, ow] = self.output([h, iw], [kh, kw]);
        Shape::from([n, oh, ow, o])
    }
}

// ANCHOR: forward
/// `y` from `x` and `w`, in the form that is fastest: see [`blocked`] and [`winograd`].
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn forward<T: Real>(x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
    let y = g.output_shape(x.shape(), w.shape());
    if winograd::pays(w.shape(), g, y) {
        winograd::forward(Isa::current(), x, w, g)
    } else {
        blocked::forward(Isa::current(), x, w, g)
    }
}
// ANCHOR_END: forward

/// `dx`, of shape `x`, from `dy` and `w`.
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn grad_input<T: Real>(dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
    if winograd::pays(w.shape(), g, x) {
        winograd::grad_input(Isa::current(), dy, w, x, g)
    } else {
        blocked::grad_input(Isa::current(), dy, w, x, g)
    }
}

/// `dw`, of shape `w`, from `dy` and `x`.
///
/// # Panics
/// If the shapes do not fit together.
#[track_caller]
pub fn grad_weights<T: Real>(dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
    if winograd::pays(w, g, dy.shape()) {
        winograd::grad_weights(Isa::current(), dy, x, w, g)
    } else {
        blocked::grad_weights(Isa::current(), dy, x, w, g)
    }
}
