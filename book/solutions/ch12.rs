//! Solutions of chapter 12.

use residual::Tensor;

/// Exercise 1. The whole width d at which `paths` paths between `channels` channels come nearest to costing
/// `weights` weights: two 1x1 convolutions and a 3x3 to each path. At least 1.
pub fn width(channels: usize, paths: usize, weights: usize) -> usize {
    let cost = |d: usize| paths * (2 * channels * d + 9 * d * d);
    let (c, per_path) = (channels as f64, weights as f64 / paths as f64);
    let root = ((c * c + 9.0 * per_path).sqrt() - c) / 9.0;
    let below = (root.floor() as usize).max(1);
    let nearer = cost(below + 1).abs_diff(weights) < cost(below).abs_diff(weights);
    if nearer { below + 1 } else { below }
}

/// Exercise 2. Weights (O, C, KH, KW) of one group that compute what `w`, (O, C / groups, KH, KW), does in
/// `groups` groups.
pub fn dense(w: &Tensor<f64>, groups: usize) -> Tensor<f64> {
    let [o, inputs, kh, kw] = w.dims();
    let taps = kh * kw;
    let mut whole = Tensor::zeros([o, groups * inputs, kh, kw]);
    for (filter, weights) in w.as_slice().chunks(inputs * taps).enumerate() {
        let group = filter / (o / groups);
        let from = (filter * groups + group) * inputs * taps;
        whole.as_mut_slice()[from..][..inputs * taps].copy_from_slice(weights);
    }
    whole
}

/// Exercise 3. The channels of `x`, (N, H, W, C), in a new order: dealt out like cards, so that the first
/// `groups` channels of the result are the first channels of each group, and so on.
pub fn shuffle(x: &Tensor<f64>, groups: usize) -> Tensor<f64> {
    let channels = x.shape().last();
    Tensor::from_fn(x.shape(), |i| {
        let (pixel, to) = (i / channels, i % channels);
        let (k, g) = (to / groups, to % groups);
        x.as_slice()[pixel * channels + g * (channels / groups) + k]
    })
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
    fn widths_are_the_papers() {
        for (paths, expected) in [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)] {
            assert_eq!(width(256, paths, 69_632), expected, "{paths} paths");
        }
    }

    #[test]
    fn no_other_width_comes_nearer() {
        let cost = |channels: usize, paths: usize, d: usize| paths * (2 * channels * d + 9 * d * d);
        for paths in [1, 3, 16, 40, 1000] {
            for weights in [1, 500, 4_352, 69_632] {
                let apart = |d: usize| cost(64, paths, d).abs_diff(weights);
                let d = width(64, paths, weights);
                assert!(d >= 1, "{paths} paths of width {d}");
                let best = (1..200).map(apart).min();
                assert_eq!(Some(apart(d)), best, "{paths} paths, {weights} weights: {d}");
            }
        }
    }

    #[test]
    fn dense_weights_do_what_groups_do() {
        for (groups, [inputs, outputs]) in [(1, [3, 2]), (2, [3, 2]), (4, [1, 1]), (3, [2, 5])] {
            let (x, w) = (some([2, 5, 4, groups * inputs]), some([groups * outputs, inputs, 3, 2]));
            let whole = dense(&w, groups);
            assert_eq!(whole.dims(), [groups * outputs, groups * inputs, 3, 2]);
            let g = Geometry::default().padding([1, 1]);
            let expected = conv2d::forward(&x, &w, g.groups(groups));
            assert_eq!(conv2d::forward(&x, &whole, g), expected, "{groups} groups");
        }
    }

    #[test]
    fn shuffled_channels_meet_the_other_groups() {
        let x = Tensor::from_vec([1, 1, 2, 6], vec![0., 1., 2., 3., 4., 5., 10., 11., 12., 13., 14., 15.]);
        let y = shuffle(&x, 2);
        assert_eq!(y.as_slice(), [0., 3., 1., 4., 2., 5., 10., 13., 11., 14., 12., 15.]);
        assert_eq!(shuffle(&y, 3), x, "dealing back");
    }
}
