//! Exercises of chapter 5. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch05`

/// Exercise 1. The gradient of a picture of one channel, `width` pixels wide, from that of its maxima over
/// windows of 2 by 2, side by side. Width and height are even; of equal pixels the first wins, row by row.
pub fn max_gradient(x: &[f64], width: usize, dy: &[f64]) -> Vec<f64> {
    todo!("find each window's winner, and give it what its output got")
}

/// Exercise 2. The parameters of LeNet-5 for grey pictures of `size` by `size`, without padding.
pub fn parameters(size: usize, classes: usize) -> usize {
    todo!("5x5, pool, 5x5, pool, 120, 84, classes")
}

/// Exercise 3. A pool between average and maximum: y = ln(mean of exp(βx)) / β over a window. The output,
/// and its slope by each pixel of the window.
pub fn soft_pool(window: &[f64], beta: f64) -> (f64, Vec<f64>) {
    todo!("the slope of ln is 1/x; subtract the largest before exp")
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
    #[ignore = "yours to solve"]
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
    #[ignore = "yours to solve"]
    fn parameters_are_those_of_the_crate() {
        for (size, classes) in [(32, 10), (20, 10), (29, 3), (64, 47)] {
            let options = Options { in_channels: 1, input_size: size, classes, init: false, ..Options::default() };
            let net = Model::outline(&lenet5::<f32>(&options), [1, size, size, 1].into());
            assert_eq!(parameters(size, classes), net.parameters, "{size} by {size}, {classes} classes");
        }
    }

    #[test]
    #[ignore = "yours to solve"]
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
