//! Solutions of chapter 5; those of exercises 4 and 5 stand below them on the page.

/// Exercise 1. The gradient of a picture of one channel, `width` pixels wide, from that of its maxima over
/// windows of 2 by 2, side by side. Width and height are even; of equal pixels the first wins, row by row.
pub fn max_gradient(x: &[f64], width: usize, dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for (at, &dy) in dy.iter().enumerate() {
        let (row, col) = (2 * (at / (width / 2)), 2 * (at % (width / 2)));
        let corner = row * width + col;
        let mut winner = corner;
        for pixel in [corner + 1, corner + width, corner + width + 1] {
            if x[pixel] > x[winner] {
                winner = pixel;
            }
        }
        dx[winner] += dy;
    }
    dx
}

/// Exercise 2. The parameters of LeNet-5 for grey pictures of `size` by `size`, without padding.
pub fn parameters(size: usize, classes: usize) -> usize {
    let last = ((size - 4) / 2 - 4) / 2;
    let layer = |from: usize, to: usize| (from + 1) * to;
    layer(25, 6) + layer(6 * 25, 16) + layer(16 * last * last, 120) + layer(120, 84) + layer(84, classes)
}

/// Exercise 3. A pool between average and maximum: y = ln(mean of exp(βx)) / β over a window. The output,
/// and its slope by each pixel of the window.
pub fn soft_pool(window: &[f64], beta: f64) -> (f64, Vec<f64>) {
    let most = window.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = window.iter().map(|x| (beta * (x - most)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let y = most + (sum / window.len() as f64).ln() / beta;
    // dy/dx_i = (1/β) · (β·exp(βx_i)) / Σ exp(βx): a softmax.
    (y, powers.iter().map(|power| power / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        Tensor,
        models::{Model, Options, lenet5},
        ops::{max_pool, pool::Window},
        rng::Generator,
    };

    #[test]
    fn the_winner_takes_all() {
        assert_eq!(max_gradient(&[1.0, 4.0, 3.0, 2.0], 2, &[7.0]), [0.0, 7.0, 0.0, 0.0]);
        assert_eq!(max_gradient(&[5.0; 4], 2, &[1.0]), [1.0, 0.0, 0.0, 0.0], "the first of equals");
        let random = &mut Generator::new(5, 0);
        let x = Tensor::from_fn([1, 6, 8, 1], |_| random.normal());
        let (y, winners) = max_pool::forward(&x, &Window::new([2, 2]));
        let dy = Tensor::from_fn(y.shape(), |_| random.normal());
        let dx = max_pool::backward(&dy, &winners, x.shape());
        assert_eq!(max_gradient(x.as_slice(), 8, dy.as_slice()), dx.as_slice());
    }

    #[test]
    fn parameters_are_those_of_the_crate() {
        for (size, classes) in [(32, 10), (20, 10), (29, 3), (64, 47)] {
            let options = Options { in_channels: 1, input_size: size, classes, init: false, ..Options::default() };
            let net = Model::outline(&lenet5::<f32>(&options), [1, size, size, 1].into());
            assert_eq!(parameters(size, classes), net.parameters, "{size} by {size}, {classes} classes");
        }
    }

    #[test]
    fn a_soft_pool_lies_between() {
        let x = [0.3, -1.2, 2.0, 1.9];
        let (y, slopes) = soft_pool(&x, 1.5);
        assert!((slopes.iter().sum::<f64>() - 1.0).abs() < 1e-12, "the whole gradient is handed on");
        for (i, slope) in slopes.iter().enumerate() {
            let moved = |by: f64| {
                let mut x = x;
                x[i] += by;
                soft_pool(&x, 1.5).0
            };
            assert!(((moved(1e-5) - moved(-1e-5)) / 2e-5 - slope).abs() < 1e-8, "pixel {i}");
        }
        assert!(0.75 < y && y < 2.0);
        let (mean, shares) = soft_pool(&x, 1e-6);
        assert!((mean - 0.75).abs() < 1e-5 && shares.iter().all(|share| (share - 0.25).abs() < 1e-5));
        let (most, shares) = soft_pool(&x, 1e3);
        assert!((most - 2.0).abs() < 2e-3 && shares[2] > 0.999);
    }
}
