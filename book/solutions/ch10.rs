//! Solutions of chapter 10.
//!
//! Exercise 4. With the last batch norm of every body at weight 0, every block starts as its shortcut, so the
//! network of 56 layers starts as one of two: the stem and the classifier. It starts out as easy as a shallow
//! network and grows deeper as the weights leave zero. In a plain network, the same option
//! is a disaster: a block of weight 0 passes on nothing at all, neither forward nor backward.
//!
//! Exercise 5. Unroll y_k = λ_k·y_(k-1) + F_k: the product of all λ stands before y_0, and each F_k is multiplied
//! by the factors behind it. With dropout of rate 1/2 on the shortcut, λ is 0 or 2 at random in training, with mean 1:
//! the mean of the product is 1, but it is 0 except once in 2^27 times, when it is 2^27. On average is not enough.

use residual::{Tensor, ops::linear};

/// Exercise 1. Shortcut A: every second pixel of every second row of `x` (N, H, W, C), and zeros as new
/// channels behind its own, `channels` in all.
pub fn shortcut_a(x: &Tensor<f64>, channels: usize) -> Tensor<f64> {
    let [n, h, w, c] = x.dims();
    let (rows, cols) = (h.div_ceil(2), w.div_ceil(2));
    Tensor::from_fn([n, rows, cols, channels], |at| {
        let (channel, col, row) = (at % channels, at / channels % cols, at / channels / cols % rows);
        let image = at / channels / cols / rows;
        if channel < c { x.as_slice()[((image * h + 2 * row) * w + 2 * col) * c + channel] } else { 0.0 }
    })
}

/// Exercise 2. For y = x + F(x) with F(x) = max(x·w1ᵀ, 0)·w2ᵀ: dL/dx from dL/dy. Use `linear::forward` and
/// `linear::grad_input`.
pub fn block_backward(x: &Tensor<f64>, w1: &Tensor<f64>, w2: &Tensor<f64>, dy: &Tensor<f64>) -> Tensor<f64> {
    let z = linear::forward(x, w1);
    let dhidden = linear::grad_input(dy, w2);
    let dz = Tensor::from_fn(z.shape(), |i| if z.as_slice()[i] > 0.0 { dhidden.as_slice()[i] } else { 0.0 });
    let dbody = linear::grad_input(&dz, w1);
    Tensor::from_fn(x.shape(), |i| dy.as_slice()[i] + dbody.as_slice()[i])
}

/// Exercise 3. Through each block a signal takes the body or the shortcut. Number `k` of the result is how
/// many ways through all `blocks` take exactly `k` bodies.
pub fn paths(blocks: usize) -> Vec<u64> {
    let mut ways = vec![1];
    for _ in 0..blocks {
        let through_body = [0].into_iter().chain(ways.iter().copied());
        let through_shortcut = ways.iter().copied().chain([0]);
        ways = through_body.zip(through_shortcut).map(|(a, b)| a + b).collect();
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        nn::{Layer, Mode, Subsample},
        rng::Generator,
    };

    #[test]
    fn shortcut_a_is_the_crates() {
        for [n, h, w, c, channels] in [[2, 4, 4, 3, 6], [1, 7, 5, 2, 2], [1, 1, 1, 1, 4]] {
            let x = Tensor::from_fn([n, h, w, c], |i| i as f64 + 1.0);
            let expected = Subsample::new(2, channels).forward(x.clone(), Mode::Eval);
            assert_eq!(shortcut_a(&x, channels), expected, "{}", x.shape());
        }
    }

    #[test]
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
    fn paths_double_with_every_block() {
        assert_eq!(paths(0), [1]);
        assert_eq!(paths(3), [1, 3, 3, 1]);
        let all = paths(27);
        assert_eq!(all.iter().sum::<u64>(), 1 << 27);
        assert_eq!(all.iter().max(), Some(&20_058_300));
    }
}
