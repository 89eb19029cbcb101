//! Exercises of chapter 1. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch01`

use residual::Tensor;

/// Exercise 1. The kernel, row by row, that moves a picture one pixel to the right.
pub fn mover() -> [f64; 9] {
    todo!("eight zeros and a one")
}

/// Exercise 2. The cross-correlation of `x` (1, H, W, 1) with `w` (1, 1, KH, KW): (1, OH, OW, 1).
pub fn correlate(x: &Tensor<f64>, w: &Tensor<f64>, stride: usize, padding: usize) -> Tensor<f64> {
    todo!("the size of the output, then a sum for each of its pixels")
}

/// Exercise 3. A column and a row with `kernel[3 * i + j] = column[i] * row[j]`, if there are such.
/// The kernel is not all zeros.
pub fn separate(kernel: [f64; 9]) -> Option<([f64; 3], [f64; 3])> {
    todo!("every row of such a kernel is a multiple of one row")
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::ops::conv2d::{self, Geometry};

    /// Whole numbers without a pattern.
    fn some(shape: [usize; 4]) -> Tensor<f64> {
        Tensor::from_fn(shape, |i| ((i * i * 31 + i * 17) % 23) as f64 - 11.0)
    }

    #[test]
    #[ignore = "yours to solve"]
    fn mover_moves_to_the_right() {
        let x = some([1, 4, 5, 1]);
        let w = Tensor::from_vec([1, 1, 3, 3], mover().to_vec());
        let y = conv2d::forward(&x, &w, Geometry::default().padding([1, 1]));
        for (row, (before, after)) in x.as_slice().chunks(5).zip(y.as_slice().chunks(5)).enumerate() {
            assert_eq!(after[0], 0.0, "row {row}: what comes in from the left is padding");
            assert_eq!(after[1..], before[..4], "row {row} is one pixel further right");
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn correlate_agrees_with_the_crate() {
        for ([h, w], [kh, kw], stride, padding) in [
            ([5, 5], [3, 3], 1, 0),
            ([5, 5], [3, 3], 1, 1),
            ([6, 9], [3, 2], 2, 1),
            ([7, 4], [1, 4], 3, 0),
            ([2, 2], [5, 5], 2, 2),
        ] {
            let (x, k) = (some([1, h, w, 1]), some([1, 1, kh, kw]));
            let g = Geometry::default().stride([stride, stride]).padding([padding, padding]);
            let context = format!("{h} x {w}, kernel {kh} x {kw}, stride {stride}, padding {padding}");
            assert_eq!(correlate(&x, &k, stride, padding), conv2d::forward(&x, &k, g), "{context}");
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn separable_kernels_come_apart() {
        let upright = [-1., 0., 1., -2., 0., 2., -1., 0., 1.];
        let late = [0., 0., 0., 0., 0., 0., 0., 3., -1.];
        for kernel in [[1.0 / 9.0; 9], upright, late] {
            let (column, row) = separate(kernel).unwrap_or_else(|| panic!("{kernel:?} is separable"));
            for (i, tap) in kernel.iter().enumerate() {
                assert!((column[i / 3] * row[i % 3] - tap).abs() < 1e-12, "{kernel:?}: {column:?} times {row:?}");
            }
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn others_do_not_come_apart() {
        let sharpen = [0., -1., 0., -1., 5., -1., 0., -1., 0.];
        let outline = [-1., -1., -1., -1., 8., -1., -1., -1., -1.];
        let diagonal = [1., 0., 0., 0., 1., 0., 0., 0., 1.];
        for kernel in [sharpen, outline, diagonal] {
            assert_eq!(separate(kernel), None, "{kernel:?}");
        }
    }
}
