//! Few input channels: the columns of the kernel become channels.
//!
//! A block holds sixteen channels, and a grey or a coloured picture fills one or three of them. The KW pixels of a row
//! that an output sees, side by side, are KW · C channels under a kernel that is one column wide:
//!
//! ```text
//! x'[n, h, ow, kw·C + c] = x[n, h, ow·stride + kw·dilation - padding, c]
//! w'[o, kw·C + c, kh, 0] = w[o, c, kh, kw]
//! ```

use super::Geometry;
use crate::{
    ops::threads,
    real::Real,
    simd::BLOCK,
    tensor::{Shape, Tensor},
};

/// A convolution that has become another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folded {
    from: Geometry,
    w: [usize; 4],
    /// How the new kernel moves.
    pub geometry: Geometry,
}

impl Folded {
    /// For weights `w` (O, C, KH, KW), if that fills blocks better.
    pub fn new(w: Shape, g: Geometry) -> Option<Self> {
        let &[o, c, kh, kw] = w.dims() else { return None };
        let geometry = Geometry {
            stride: [g.stride[0], 1],
            padding: [g.padding[0], 0],
            dilation: [g.dilation[0], 1],
            ..g
        };
        let pays = g.groups == 1 && c < BLOCK && kw > 1 && kw * c <= 2 * BLOCK;
        pays.then_some(Self { from: g, w: [o, c, kh, kw], geometry })
    }

    /// x' (N, H, OW, KW · C).
    pub fn input<T: Real>(&self, x: &Tensor<T>) -> Tensor<T> {
        let ([n, h, w, c], [_, _, kh, kw]) = (x.dims(), self.w);
        let [_, ow] = self.from.output([h, w], [kh, kw]);
        let mut folded = Tensor::scratch([n, h, ow, kw * c]);
        let [stride, padding, dilation] =
            [self.from.stride, self.from.padding, self.from.dilation].map(|pair| pair[1]);
        threads::each_row(folded.as_mut_slice(), ow * kw * c, |row, to| {
            let from = &x.as_slice()[row * w * c..][..w * c];
            for (i, to) in to.chunks_exact_mut(c).enumerate() {
                // To the left of the image this wraps around, and is to the right of it.
                let column = (i / kw * stride + i % kw * dilation).wrapping_sub(padding);
                match from.get(column.saturating_mul(c)..).and_then(|from| from.get(..c)) {
                    Some(pixel) => to.copy_from_slice(pixel),
                    None => to.fill(T::ZERO),
                }
            }
        });
        folded
    }

    /// The shape of w'.
    pub fn shape(&self) -> Shape {
        let [o, c, kh, kw] = self.w;
        Shape::from([o, kw * c, kh, 1])
    }

    /// w' (O, KW · C, KH, 1).
    pub fn weights<T: Real>(&self, w: &Tensor<T>) -> Tensor<T> {
        let mut folded = Tensor::scratch(self.shape());
        let w = w.as_slice();
        self.each_pair(|old, new| folded.as_mut_slice()[new] = w[old]);
        folded
    }

    /// dw (O, C, KH, KW) from dw'.
    pub fn gradients<T: Real>(&self, folded: &Tensor<T>) -> Tensor<T> {
        let mut dw = Tensor::scratch(self.w);
        let folded = folded.as_slice();
        self.each_pair(|old, new| dw.as_mut_slice()[old] = folded[new]);
        dw
    }

    /// Calls `f` with the place of each weight in `w`, and in w'.
    fn each_pair(&self, mut f: impl FnMut(usize, usize)) {
        let [o, c, kh, kw] = self.w;
        for old in 0..o * c * kh * kw {
            let (column, row, channel, output) =
                (old % kw, old / kw % kh, old / (kw * kh) % c, old / (kw * kh * c));
            f(old, ((output * kw + column) * c + channel) * kh + row);
        }
    }
}
