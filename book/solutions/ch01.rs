//! Solutions of chapter 1.

use residual::Tensor;

/// Exercise 1. The kernel, row by row, that moves a picture one pixel to the right.
pub fn mover() -> [f64; 9] {
    // The tap to the left of the middle: each output takes the pixel on its left.
    [0., 0., 0., 1., 0., 0., 0., 0., 0.]
}

/// Exercise 2. The cross-correlation of `x` (1, H, W, 1) with `w` (1, 1, KH, KW): (1, OH, OW, 1).
pub fn correlate(x: &Tensor<f64>, w: &Tensor<f64>, stride: usize, padding: usize) -> Tensor<f64> {
    let ([_, h, width, _], [_, _, kh, kw]) = (x.dims(), w.dims());
    let size = |input: usize, kernel: usize| (input + 2 * padding - kernel) / stride + 1;
    let (oh, ow) = (size(h, kh), size(width, kw));
    let pixel = |row: usize, col: usize| match (row.checked_sub(padding), col.checked_sub(padding)) {
        (Some(row), Some(col)) if row < h && col < width => x.as_slice()[row * width + col],
        _ => 0.0,
    };
    Tensor::from_fn([1, oh, ow, 1], |at| {
        let (row, col) = (at / ow * stride, at % ow * stride);
        w.as_slice().iter().enumerate().map(|(tap, w)| w * pixel(row + tap / kw, col + tap % kw)).sum()
    })
}

/// Exercise 3. A column and a row with `kernel[3 * i + j] = column[i] * row[j]`, if there are such.
/// The kernel is not all zeros.
pub fn separate(kernel: [f64; 9]) -> Option<([f64; 3], [f64; 3])> {
    let largest = (0..9).max_by(|&a, &b| kernel[a].abs().total_cmp(&kernel[b].abs()))?;
    let row: [f64; 3] = std::array::from_fn(|j| kernel[largest / 3 * 3 + j]);
    let column: [f64; 3] = std::array::from_fn(|i| kernel[3 * i + largest % 3] / kernel[largest]);
    let fits = |i: usize| (column[i / 3] * row[i % 3] - kernel[i]).abs() <= 1e-12 * kernel[largest].abs();
    (0..9).all(fits).then_some((column, row))
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
    fn others_do_not_come_apart() {
        let sharpen = [0., -1., 0., -1., 5., -1., 0., -1., 0.];
        let outline = [-1., -1., -1., -1., 8., -1., -1., -1., -1.];
        let diagonal = [1., 0., 0., 0., 1., 0., 0., 0., 1.];
        for kernel in [sharpen, outline, diagonal] {
            assert_eq!(separate(kernel), None, "{kernel:?}");
        }
    }
}
