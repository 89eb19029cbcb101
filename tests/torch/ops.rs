//! Operations: y and every gradient.
//!
//! A sum of K products in precision u is off by at most K·u of the sum of their absolute values,
//! and by about √K·u when the errors are as good as random. The longest sums here have 580 products
//! and u is 6e-8 in f32, 1.1e-16 in f64. Norm-wise that makes about 1e-6 and 3e-15; PyTorch's own
//! f32 (column `torch`) lies there too.

use crate::{
    golden::{Case, Golden},
    report::{Bound, Report},
};
use residual::{
    Real,
    ops::{bias, conv2d, linear},
};

const BOUND: Bound = Bound { f32: 1e-6, f64: 1e-14 };

/// Runs a generic function on every case of its golden file, in both precisions.
macro_rules! check {
    ($name:ident) => {{
        let mut report = Report::new(stringify!($name), BOUND);
        for case in Golden::open(stringify!($name)).cases() {
            $name::<f32>(&case, &mut report);
            $name::<f64>(&case, &mut report);
        }
        report.finish();
    }};
}

fn conv2d<T: Real>(case: &Case, report: &mut Report) {
    let mut g = conv2d::Geometry::default();
    g.stride = case.pair("stride").unwrap_or(g.stride);
    g.padding = case.pair("padding").unwrap_or(g.padding);
    g.dilation = case.pair("dilation").unwrap_or(g.dilation);
    g.groups = case.number("groups").map_or(g.groups, |groups| groups as usize);
    let (x, w, dy) = (case.images::<T>("x"), case.tensor("w"), case.images("dy"));
    report.images(case, "y", &bias::forward(conv2d::forward(&x, &w, g), &case.tensor("b")));
    report.images(case, "dx", &conv2d::grad_input(&dy, &w, x.shape(), g));
    report.tensor(case, "dw", &conv2d::grad_weights(&dy, &x, w.shape(), g));
    report.tensor(case, "db", &bias::backward(&dy));
}

#[test]
fn conv2d_is_pytorchs() {
    check!(conv2d);
}

fn linear<T: Real>(case: &Case, report: &mut Report) {
    let (x, w, dy) = (case.tensor::<T>("input"), case.tensor("weight"), case.tensor("dy"));
    report.tensor(case, "y", &bias::forward(linear::forward(&x, &w), &case.tensor("bias")));
    report.tensor(case, "dinput", &linear::grad_input(&dy, &w));
    report.tensor(case, "dweight", &linear::grad_weights(&dy, &x, w.shape()));
    report.tensor(case, "dbias", &bias::backward(&dy));
}

#[test]
fn linear_is_pytorchs() {
    check!(linear);
}
