//! Exercises of chapter 7. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch07`

use residual::Tensor;

/// A convolution or a pool, along one axis.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

/// Exercise 1. The first and the last row of the picture that output row `row` sees, behind all `windows`. Rows of the
/// padding count too: above the picture they are negative.
pub fn seen(windows: &[Window], row: i64) -> (i64, i64) {
    todo!("walk from the output to the picture, and carry two rows along")
}

/// Exercise 2. The parameters of a network as VGG's for pictures of three channels, 224x224, and 1000 classes, whose
/// convolutions have these kernels and channels, with five pools among them.
pub fn parameters(convolutions: &[(usize, usize)]) -> usize {
    todo!("each convolution and each linear layer has biases")
}

/// Exercise 3. A linear layer with weights (O, C · K · K) that was trained on features of K x K, at every place of
/// larger `features` (1, H, W, C): (1, H - K + 1, W - K + 1, O).
pub fn slide(features: &Tensor<f64>, weights: &Tensor<f64>, k: usize) -> Tensor<f64> {
    todo!("the layer is a convolution, and its weights lie in the right order already")
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        models::{Model, Options, Vgg, vgg},
        nn::{Conv2d, Layer, Mode, Path, Sequential, Slot},
        ops::{flatten, linear},
        rng::Generator,
    };

    #[test]
    #[ignore = "yours to solve"]
    fn what_is_seen_is_what_has_a_gradient() {
        let window = |kernel, stride, padding| Window { kernel, stride, padding };
        let windows = [window(7, 2, 3), window(3, 2, 1), window(3, 1, 0), window(2, 2, 0)];
        let mut net = Sequential::<f64>::new();
        for Window { kernel, stride, padding } in windows {
            net = net.push(Conv2d::new(1, 1, [kernel, 1]).stride([stride, 1]).padding([padding, 0]).no_bias());
        }
        Layer::visit(&mut net, &Path::root(), &mut |_, slot| {
            if let Slot::Param(weights) = slot {
                weights.value = weights.value.map(|_| 1.0);
            }
        });
        for row in 1..5 {
            let y = net.forward(Tensor::zeros([1, 64, 1, 1]), Mode::Train);
            let mut dy = Tensor::zeros(y.shape());
            dy.as_mut_slice()[row] = 1.0;
            let dx = net.backward(dy);
            let found: Vec<_> = (0..64).filter(|&at| dx.as_slice()[at] != 0.0).collect();
            let expected = (found[0] as i64, found[found.len() - 1] as i64);
            assert_eq!(seen(&windows, row as i64), expected, "row {row}");
        }
        assert_eq!(seen(&windows[..1], 0), (-3, 3), "three rows of padding");
    }

    #[test]
    #[ignore = "yours to solve"]
    fn parameters_are_the_crates() {
        let stages = |counts: [usize; 5]| -> Vec<_> {
            let channels = [64, 128, 256, 512, 512];
            counts.into_iter().zip(channels).flat_map(|(count, channels)| vec![(3, channels); count]).collect()
        };
        let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
        for (depth, counts) in [(11, [1, 1, 2, 2, 2]), (16, [2, 2, 3, 3, 3]), (19, [2, 2, 4, 4, 4])] {
            let net = vgg::<f32>(Vgg::new(depth), &options);
            let expected = Model::outline(&net, [1, 224, 224, 3].into()).parameters;
            assert_eq!(parameters(&stages(counts)), expected, "VGG-{depth}");
        }
        let mut c = stages([2, 2, 3, 3, 3]);
        for last_of_stage in [6, 9, 12] {
            c[last_of_stage].0 = 1;
        }
        assert_eq!(parameters(&c), 133_638_952, "configuration C");
    }

    #[test]
    #[ignore = "yours to solve"]
    fn a_linear_layer_slides() {
        let (c, o, k, side) = (3, 5, 4, 6);
        let rng = &mut Generator::new(7, 0);
        let features = Tensor::from_fn([1, side, side, c], |_| rng.normal());
        let weights = Tensor::from_fn([o, c * k * k], |_| rng.normal());
        let y = slide(&features, &weights, k);
        assert_eq!(y.dims(), [1, 3, 3, o]);
        for (row, col) in [(0, 0), (0, 2), (1, 1), (2, 0)] {
            let part = Tensor::from_fn([1, k, k, c], |at| {
                let (r, w, channel) = (row + at / c / k, col + at / c % k, at % c);
                features.as_slice()[(r * side + w) * c + channel]
            });
            let expected = linear::forward(&flatten::forward(part), &weights);
            let place = (row * 3 + col) * o;
            for (a, b) in y.as_slice()[place..place + o].iter().zip(expected.as_slice()) {
                assert!((a - b).abs() < 1e-12, "row {row}, column {col}: {a} and {b}");
            }
        }
    }
}
