//! Few results: neighbouring pixels are joined to one.
//!
//! Sixteen lanes compute sixteen channels, and with six of them ten lanes idle. Two pixels side by side have twelve, and
//! their place in memory is that of one pixel already: (N, H, W, 6) are the same numbers as (N, H, W / 2, 12). Each of
//! the neighbours sees its own part of a kernel that has a column more than theirs, with zeros in the rest:
//!
//! ```text
//! w'[j·O + o, i, kh, m] = w[o, i, kh, k]   where tap m of the joint kernel is tap k of neighbour j, else 0
//! ```
//!
//! For a 5x5 kernel that is six fifths of the products, in half as many vectors. The zeros meet pixels outside of a
//! neighbour's own window: an infinity there becomes a NaN here.

use crate::{
    kernels::{
        axis::Axis,
        filters::Direction::{self, *},
    },
    real::Real,
    simd::BLOCK,
    tensor::{Shape, Tensor},
};

/// More neighbours would leave a row too few pixels to fill a tile.
const MOST: usize = 4;

/// How many neighbours are joined, and what becomes of the kernel. One alone stays what it is.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub neighbours: usize,
    /// Which source columns the joined results read.
    pub columns: Axis,
    direction: Direction,
    /// For each tap of the joint kernel, which tap of its own each neighbour has there.
    taps: Vec<Vec<Option<usize>>>,
    /// (O, I, KH, KW).
    w: [usize; 4],
}

impl Joined {
    /// As many neighbours as fill a block of `results` channels and divide the `width` of the results, if that saves
    /// products. All channels see each other: there are no groups.
    pub fn new(columns: Axis, direction: Direction, w: [usize; 4], width: usize) -> Self {
        let results = if direction == Forward { w[0] } else { w[1] };
        let alone = columns.steps.iter().map(Vec::len).sum::<usize>();
        let most = if columns.output_phases() == 1 { (BLOCK / results).min(MOST) } else { 1 };
        let wider = (2..=most).rev().filter(|n| width.is_multiple_of(*n)).find_map(|n| {
            let (columns, taps) = columns.joined(n);
            (4 * taps.len() < 3 * n * alone).then_some((n, columns, taps))
        });
        let (neighbours, columns, taps) = wider.unwrap_or((1, columns, Vec::new()));
        Self { neighbours, columns, direction, taps, w }
    }

    /// Of the joint weights.
    pub fn shape(&self) -> Shape {
        let ([o, i, kh, kw], n) = (self.w, self.neighbours);
        match (n, self.direction) {
            (1, _) => Shape::from([o, i, kh, kw]),
            (_, Forward) => Shape::from([n * o, i, kh, self.taps.len()]),
            (_, Backward) => Shape::from([o, n * i, kh, self.taps.len()]),
        }
    }

    /// w' from w.
    pub fn weights<T: Real>(&self, w: &Tensor<T>) -> Tensor<T> {
        if self.neighbours == 1 {
            return w.clone();
        }
        let (mut joint, w) = (Tensor::zeros(self.shape()), w.as_slice());
        let to = joint.as_mut_slice();
        self.each(|own, joint| to[joint] = w[own]);
        joint
    }

    /// dw from dw': what all neighbours say.
    pub fn gradients<T: Real>(&self, joint: Tensor<T>) -> Tensor<T> {
        if self.neighbours == 1 {
            return joint;
        }
        let (mut dw, joint) = (Tensor::zeros(self.w), joint.as_slice());
        let to = dw.as_mut_slice();
        self.each(|own, from| to[own] += joint[from]);
        dw
    }

    /// Calls `f` with the place of each weight in w, and its place in w' for each neighbour.
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        let ([outputs, inputs, kh, kw], taps) = (self.w, self.taps.len());
        for row in 0..outputs * inputs * kh {
            let (output, input, row_tap) = (row / (inputs * kh), row / kh % inputs, row % kh);
            for j in 0..self.neighbours {
                let pair = match self.direction {
                    Forward => (j * outputs + output) * inputs + input,
                    Backward => (output * self.neighbours + j) * inputs + input,
                };
                for (m, own) in self.taps.iter().enumerate() {
                    if let Some(k) = own[j] {
                        f(row * kw + k, (pair * kh + row_tap) * taps + m);
                    }
                }
            }
        }
    }
}
