//! Solutions of chapter 8's exercises 1 to 3. Those of 4 and 5 are on the page.

use residual::{
    Tensor,
    ops::{
        concat,
        conv2d::{self, Geometry},
    },
};

/// Exercise 1. The most channels to which a 1x1 convolution may reduce `from` channels in front of a kernel of
/// `kernel` by `kernel` with `to` outputs, so that the two together multiply less often than the kernel alone.
pub fn most_reduced(from: usize, to: usize, kernel: usize) -> usize {
    let taps_out = kernel * kernel * to;
    // by · (from + taps_out) < from · taps_out
    (from * taps_out - 1) / (from + taps_out)
}

/// Exercise 2. What several 1x1 convolutions with weights (O₁, C, 1, 1), (O₂, C, 1, 1), … make of the same `x`
/// (N, H, W, C), computed as one convolution whose output is cut apart.
pub fn at_once(x: &Tensor<f64>, weights: &[Tensor<f64>]) -> Vec<Tensor<f64>> {
    let channels: Vec<_> = weights.iter().map(|w| w.shape().dims()[0]).collect();
    let rows: Vec<_> = weights.iter().flat_map(|w| w.as_slice().iter().copied()).collect();
    let all = Tensor::from_vec([channels.iter().sum(), x.shape().last(), 1, 1], rows);
    concat::backward(&conv2d::forward(x, &all, Geometry::default()), &channels)
}

/// Exercise 3. A linear layer with weights (classes, C) that was trained behind a mean over the picture, at every
/// place of `features` (N, H, W, C): (N, H, W, classes).
pub fn class_maps(features: &Tensor<f64>, weights: &Tensor<f64>) -> Tensor<f64> {
    let [classes, channels] = weights.dims();
    conv2d::forward(features, &weights.clone().reshape([classes, channels, 1, 1]), Geometry::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        nn::{Conv2d, Layer},
        ops::{flatten, global_avg_pool, linear},
        rng::Generator,
    };

    /// Multiplications for one pixel, as the crate counts them.
    fn macs(from: usize, to: usize, kernel: usize) -> u64 {
        let conv = Conv2d::<f32>::new(from, to, kernel).padding(kernel / 2);
        Layer::outline(&conv, [1, 1, 1, from].into()).macs
    }

    #[test]
    fn one_channel_more_would_not_pay() {
        for (from, to, kernel) in
            [(192, 32, 5), (192, 128, 3), (832, 384, 3), (256, 96, 5), (7, 11, 3), (24, 25, 5)]
        {
            let alone = macs(from, to, kernel);
            let reduced = |by| macs(from, by, 1) + macs(by, to, kernel);
            let most = most_reduced(from, to, kernel);
            assert!(reduced(most) < alone, "{most} channels do not pay between {from} and {to}");
            assert!(reduced(most + 1) >= alone, "{} channels would pay too", most + 1);
        }
    }

    #[test]
    fn one_convolution_does_the_work_of_three() {
        let rng = &mut Generator::new(8, 0);
        let mut whole = |shape: [usize; 4]| Tensor::from_fn(shape, |_| rng.below(9) as f64 - 4.0);
        let x = whole([2, 5, 4, 6]);
        let weights = [whole([3, 6, 1, 1]), whole([8, 6, 1, 1]), whole([1, 6, 1, 1])];
        let expected = weights
            .each_ref()
            .map(|w| residual::ops::conv2d::forward(&x, w, residual::ops::conv2d::Geometry::default()));
        assert_eq!(at_once(&x, &weights), expected);
    }

    #[test]
    fn the_mean_of_the_maps_is_the_score_of_the_mean() {
        let rng = &mut Generator::new(8, 1);
        let features = Tensor::from_fn([2, 7, 7, 12], |_| rng.normal());
        let weights = Tensor::from_fn([5, 12], |_| rng.normal());
        let maps = class_maps(&features, &weights);
        assert_eq!(maps.dims(), [2, 7, 7, 5]);
        let mean = |x: &Tensor<f64>| flatten::forward(global_avg_pool::forward(x));
        let expected = linear::forward(&mean(&features), &weights);
        for (a, b) in mean(&maps).as_slice().iter().zip(expected.as_slice()) {
            assert!((a - b).abs() < 1e-12, "{a} and {b}");
        }
    }
}
