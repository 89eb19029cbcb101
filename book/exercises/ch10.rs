//! Exercises of chapter 10. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch10`

use residual::{Tensor, ops::linear};

/// Exercise 1. Shortcut A: every second pixel of every second row of `x` (N, H, W, C), and zeros as new
/// channels behind its own, `channels` in all.
pub fn shortcut_a(x: &Tensor<f64>, channels: usize) -> Tensor<f64> {
    todo!("(N, H/2 rounded up, W/2 rounded up, channels)")
}

/// Exercise 2. For y = x + F(x) with F(x) = max(x·w1ᵀ, 0)·w2ᵀ: dL/dx from dL/dy. Use `linear::forward` and
/// `linear::grad_input`.
pub fn block_backward(x: &Tensor<f64>, w1: &Tensor<f64>, w2: &Tensor<f64>, dy: &Tensor<f64>) -> Tensor<f64> {
    todo!("what comes through the body, and what comes through the shortcut")
}

/// Exercise 3. Through each block a signal takes the body or the shortcut. Number `k` of the result is how
/// many ways through all `blocks` take exactly `k` bodies.
pub fn paths(blocks: usize) -> Vec<u64> {
    todo!("start with one way through no block, and add block after block")
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        nn::{Layer, Mode, Subsample},
        rng::Generator,
    };

    #[test]
    #[ignore = "yours to solve"]
    fn shortcut_a_is_the_crates() {
        for [n, h, w, c, channels] in [[2, 4, 4, 3, 6], [1, 7, 5, 2, 2], [1, 1, 1, 1, 4]] {
            let x = Tensor::from_fn([n, h, w, c], |i| i as f64 + 1.0);
            let expected = Subsample::new(2, channels).forward(x.clone(), Mode::Eval);
            assert_eq!(shortcut_a(&x, channels), expected, "{}", x.shape());
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn block_backward_agrees_with_differences() {
        let mut random = Generator::new(10, 0);
        let mut draw = |shape: [usize; 2]| Tensor::from_fn(shape, |_| random.normal());
        let (x, w1, w2, dy) = (draw([2, 5]), draw([7, 5]), draw([5, 7]), draw([2, 5]));
        let loss = |x: &Tensor<f64>| -> f64 {
            let hidden = linear::forward(x, &w1).map(|z| z.max(0.0));
            let body = linear::forward(&hidden, &w2);
            let y = x.as_slice().iter().zip(body.as_slice()).map(|(x, f)| x + f);
            y.zip(dy.as_slice()).map(|(y, dy)| y * dy).sum()
        };
        let dx = block_backward(&x, &w1, &w2, &dy);
        for at in 0..x.len() {
            let h = 1e-6;
            let moved = |by: f64| {
                let mut x = x.clone();
                x.as_mut_slice()[at] += by;
                loss(&x)
            };
            let slope = (moved(h) - moved(-h)) / (2.0 * h);
            assert!((dx.as_slice()[at] - slope).abs() < 1e-6, "{at}: {} against {slope}", dx.as_slice()[at]);
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn paths_double_with_every_block() {
        assert_eq!(paths(0), [1]);
        assert_eq!(paths(3), [1, 3, 3, 1]);
        let all = paths(27);
        assert_eq!(all.iter().sum::<u64>(), 1 << 27);
        assert_eq!(all.iter().max(), Some(&20_058_300));
    }
}
