//! Exercises of chapter 6. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch06`

use residual::{Tensor, ops::local_response_norm::Damping};

/// A convolution with a bias for each output.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    pub kernel: usize,
    pub from: usize,
    pub to: usize,
    pub groups: usize,
}

/// Exercise 1. The parameters of a network as AlexNet: these convolutions, then three linear layers that read 6x6
/// places and end in 1000 classes, with two layers of `hidden` units.
pub fn parameters(convolutions: &[Conv], hidden: usize) -> usize {
    todo!("each output of a convolution sees the channels of its group")
}

/// Exercise 2. `dx` of local response normalisation at one pixel, from its channels `x` and the slopes `dy`.
pub fn damped_slopes(x: &[f64], dy: &[f64], damping: Damping) -> Vec<f64> {
    todo!("s, then t, then the sum over the windows that hold a channel")
}

/// Exercise 3. A layer behind the paper's dropout of probability `p` has the weights `w` and learns at `rate`. The
/// weights and the rate with which a layer behind inverted dropout starts as the same and stays the same.
pub fn translated(w: &Tensor<f64>, rate: f64, p: f64) -> (Tensor<f64>, f64) {
    todo!("what is left in is larger by 1 / (1 - p)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        models::{Model, Options, alexnet_half, alexnet_paper},
        ops::{dropout, linear, local_response_norm},
        rng::Generator,
    };

    fn conv(kernel: usize, from: usize, to: usize, groups: usize) -> Conv {
        Conv { kernel, from, to, groups }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn parameters_are_the_crates() {
        let options = |side| Options { classes: 1000, input_size: side, init: false, ..Options::default() };
        let paper = [conv(11, 3, 96, 1), conv(5, 96, 256, 2), conv(3, 256, 384, 1), conv(3, 384, 384, 2)];
        let paper = [&paper[..], &[conv(3, 384, 256, 2)]].concat();
        let net = alexnet_paper::<f32>(&options(227));
        let expected = Model::outline(&net, [1, 227, 227, 3].into()).parameters;
        assert_eq!(parameters(&paper, 4096), expected, "the paper's network");
        let half = [conv(11, 3, 48, 1), conv(5, 48, 128, 1), conv(3, 128, 192, 1), conv(3, 192, 192, 1)];
        let last = |to| [&half[..], &[conv(3, 192, to, 1)]].concat();
        let net = alexnet_half::<f32>(&options(224));
        let expected = Model::outline(&net, [1, 224, 224, 3].into()).parameters;
        assert_eq!(parameters(&last(128), 2048), expected, "one tower by itself");
        assert_eq!(parameters(&last(256), 4096), 59_798_312, "the network that the paper compares with");
    }

    #[test]
    #[ignore = "yours to solve"]
    fn damped_slopes_are_the_crates() {
        let rng = &mut Generator::new(6, 0);
        for (channels, size) in [(7, 5), (7, 4), (3, 8), (1, 1)] {
            let damping = Damping { alpha: 2.0, beta: 0.6, k: 1.0, ..Damping::new(size) };
            let x = Tensor::from_fn([1, channels], |_| rng.normal());
            let dy = Tensor::from_fn([1, channels], |_| rng.normal());
            let (_, saved) = local_response_norm::forward(x.clone(), damping);
            let expected = local_response_norm::backward(&dy, &saved);
            let found = damped_slopes(x.as_slice(), dy.as_slice(), damping);
            assert_eq!(found.len(), channels);
            for (a, b) in found.iter().zip(expected.as_slice()) {
                assert!((a - b).abs() < 1e-12, "{channels} channels, windows of {size}: {a} and {b}");
            }
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn both_forms_learn_the_same() {
        for p in [0.2, 0.5, 0.75] {
            let rng = &mut Generator::new(6, 1);
            let h = Tensor::from_fn([1, 9], |_| rng.normal());
            let target = Tensor::from_fn([1, 3], |_| rng.normal());
            let start = Tensor::from_fn([3, 9], |_| rng.normal());
            let (mut paper, rate) = (start.clone(), 0.01);
            let (mut inverted, its_rate) = translated(&start, rate, p);
            for _ in 0..20 {
                let (large, _) = dropout::forward(h.clone(), p, rng);
                let kept = large.map(|h| (1.0 - p) * h);
                for (w, h, rate) in [(&mut paper, &kept, rate), (&mut inverted, &large, its_rate)] {
                    let y = linear::forward(h, w);
                    let dy = Tensor::from_fn([1, 3], |i| y.as_slice()[i] - target.as_slice()[i]);
                    let dw = linear::grad_weights(&dy, h, w.shape());
                    w.as_mut_slice().iter_mut().zip(dw.as_slice()).for_each(|(w, dw)| *w -= rate * dw);
                }
            }
            let judged = linear::forward(&h.map(|h| (1.0 - p) * h), &paper);
            for (a, b) in judged.as_slice().iter().zip(linear::forward(&h, &inverted).as_slice()) {
                assert!((a - b).abs() < 1e-12, "p = {p}: {a} and {b}");
            }
        }
    }
}
