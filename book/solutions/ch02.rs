//! Solutions of chapter 2; those of exercises 4 and 5 are on the page.

/// Exercise 1. (dx, dw) of `y[t] = Σ over k of w[k] · x[stride·t + k - padding]`, where `x` is zero outside.
pub fn convolution_backward(
    x: &[f64],
    w: &[f64],
    dy: &[f64],
    stride: usize,
    padding: usize,
) -> (Vec<f64>, Vec<f64>) {
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
    for (t, &dy) in dy.iter().enumerate() {
        for k in 0..w.len() {
            let Some(i) = (stride * t + k).checked_sub(padding).filter(|&i| i < x.len()) else { continue };
            dx[i] += dy * w[k];
            dw[k] += dy * x[i];
        }
    }
    (dx, dw)
}

/// Exercise 2. For p = softmax(z): dz from dp.
///
/// dp[l]/dz[k] is p[l]·([k = l] - p[k]); the second part is the same sum for every k.
pub fn softmax_backward(p: &[f64], dp: &[f64]) -> Vec<f64> {
    let mean: f64 = p.iter().zip(dp).map(|(p, dp)| p * dp).sum();
    p.iter().zip(dp).map(|(p, dp)| p * (dp - mean)).collect()
}

/// A number, and how fast it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual {
    pub value: f64,
    pub slope: f64,
}

impl Dual {
    /// Exercise 3. `self / other`.
    pub fn over(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self { value, slope: (self.slope - value * other.slope) / other.value }
    }

    /// Exercise 3. The exponential.
    pub fn exp(self) -> Self {
        let value = self.value.exp();
        Self { value, slope: value * self.slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        Tensor,
        ops::{
            conv2d::{self, Geometry},
            cross_entropy::CrossEntropy,
        },
    };

    #[test]
    fn convolution_agrees_with_the_crate() {
        let whole = |count: usize, seed: usize| -> Vec<f64> {
            (0..count).map(|i| ((i * i * 31 + i * 17 + seed) % 23) as f64 - 11.0).collect()
        };
        for (pixels, taps, stride, padding) in
            [(5, 3, 1, 0), (5, 3, 2, 1), (8, 3, 2, 1), (9, 2, 3, 0), (4, 5, 1, 2)]
        {
            let g = Geometry::default().stride([1, stride]).padding([0, padding]);
            let [_, outputs] = g.output([1, pixels], [1, taps]);
            let (x, w, dy) = (whole(pixels, 1), whole(taps, 2), whole(outputs, 3));
            let image = |row: &[f64]| Tensor::from_vec([1, 1, row.len(), 1], row.to_vec());
            let kernel = Tensor::from_vec([1, 1, 1, taps], w.clone());
            let (dx, dw) = convolution_backward(&x, &w, &dy, stride, padding);
            let context = format!("{pixels} pixels, {taps} taps, stride {stride}, padding {padding}");
            let expected = conv2d::grad_input(&image(&dy), &kernel, image(&x).shape(), g);
            assert_eq!(dx, expected.as_slice(), "dx: {context}");
            let expected = conv2d::grad_weights(&image(&dy), &image(&x), kernel.shape(), g);
            assert_eq!(dw, expected.as_slice(), "dw: {context}");
        }
    }

    #[test]
    fn softmax_is_half_of_cross_entropy() {
        let z = Tensor::from_vec([1, 4], vec![0.5, -1.0, 2.0, 0.0]);
        for label in 0..4 {
            let loss = CrossEntropy::default();
            let (_, p) = loss.forward(&z, &[label]);
            let mut dp = [0.0; 4];
            dp[label] = -1.0 / p.as_slice()[label];
            let dz = softmax_backward(p.as_slice(), &dp);
            let whole = loss.backward(p, &[label]);
            for (half, whole) in dz.iter().zip(whole.as_slice()) {
                assert!((half - whole).abs() < 1e-15, "label {label}: {dz:?}");
            }
        }
        assert_eq!(softmax_backward(&[0.25; 4], &[7.0; 4]), [0.0; 4], "p always sums to one");
    }

    #[test]
    fn a_sigmoid_knows_its_slope() {
        for x in [-2.0, -0.5, 0.0, 1.0, 3.0] {
            let [one, minus_x] = [(1.0, 0.0), (-x, -1.0)].map(|(value, slope)| Dual { value, slope });
            let e = minus_x.exp();
            let y = one.over(Dual { value: 1.0 + e.value, slope: e.slope });
            assert!((y.value - 1.0 / (1.0 + (-x).exp())).abs() < 1e-15);
            assert!((y.slope - y.value * (1.0 - y.value)).abs() < 1e-15, "at {x}: {}", y.slope);
        }
    }
}
