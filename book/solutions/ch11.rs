//! Solutions of chapter 11.
//!
//! Exercise 4. P = (2·8 + 9)·w² = 18·64² gives w = 54.3, so 54 channels, and 8 times as many outside: 434, or 432 of whole
//! ones. A block writes in an eighth of the directions. As e grows, P ≈ 2e·w²: w = √(P/2e) goes to zero, the
//! channels outside, e·w = √(P·e/2), grow without end, and so a block writes in ever fewer of ever more
//! directions. All of the price goes to the 1x1 convolutions.
//!
//! Exercise 5. The convolution has 4·w² weights, beside 4 · 18·w² of the four blocks: one part in eighteen more. If the basic
//! blocks now lead, their narrow goodbye had held them back, and the equality of figure 11.2 was made of two
//! differences. If nothing changes, the width of the last layer does not matter here. A gain less than two of its standard
//! errors decides neither.

/// What one bottleneck is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Channels that enter.
    pub from: usize,
    /// Channels of the 3x3 convolution.
    pub width: usize,
    /// Channels that leave.
    pub to: usize,
    pub stride: usize,
}

/// Exercise 1. The bottlenecks of a residual network with so many blocks in its four stages.
pub fn unfold(blocks: [usize; 4]) -> Vec<Block> {
    let mut from = 64;
    let mut unfolded = Vec::new();
    for (stage, count) in blocks.into_iter().enumerate() {
        let width = 64 << stage;
        for i in 0..count {
            let stride = if i == 0 && stage > 0 { 2 } else { 1 };
            unfolded.push(Block { from, width, to: 4 * width, stride });
            from = 4 * width;
        }
    }
    unfolded
}

/// Exercise 2. The weights of the convolutions of [`unfold`]'s blocks, projections included: 1x1 where a block
/// changes the channels or the picture's size.
pub fn weights(blocks: [usize; 4]) -> usize {
    let of = |Block { from, width, to, stride }| {
        let projection = if from != to || stride != 1 { from * to } else { 0 };
        from * width + 9 * width * width + width * to + projection
    };
    unfold(blocks).into_iter().map(of).sum()
}

/// Exercise 3. For y = γ·x̂ + β over the numbers of one channel: (dx̂, dγ, dβ) from dy.
pub fn scale_backward(x_hat: &[f64], gamma: f64, dy: &[f64]) -> (Vec<f64>, f64, f64) {
    let dx_hat = dy.iter().map(|dy| gamma * dy).collect();
    let dgamma = dy.iter().zip(x_hat).map(|(dy, x)| dy * x).sum();
    (dx_hat, dgamma, dy.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{
        models::{Options, ResNet},
        nn::{Layer, Outline, Sequential},
    };

    /// Every convolution but the stem's, with the channels behind it.
    fn convolutions<'a>(outline: &'a Outline, found: &mut Vec<&'a Outline>) {
        if outline.kind.starts_with("Conv2d") {
            found.push(outline);
        }
        outline.children.iter().for_each(|child| convolutions(child, found));
    }

    fn outline(net: ResNet) -> Outline {
        let net: Sequential<f32> = net.build(&Options { init: false, ..Options::default() });
        net.outline([1, 64, 64, 3].into())
    }

    #[test]
    fn sixteen_blocks_of_resnet_50() {
        let blocks = unfold([3, 4, 6, 3]);
        assert_eq!(blocks.len(), 16);
        assert_eq!(blocks[0], Block { from: 64, width: 64, to: 256, stride: 1 });
        assert_eq!(blocks[1], Block { from: 256, width: 64, to: 256, stride: 1 });
        assert_eq!(blocks[3], Block { from: 256, width: 128, to: 512, stride: 2 });
        assert_eq!(blocks[15], Block { from: 2048, width: 512, to: 2048, stride: 1 });
        assert!(blocks.windows(2).all(|pair| pair[0].to == pair[1].from), "each takes what the last one makes");
    }

    #[test]
    fn weights_are_the_crates() {
        for (net, blocks) in [
            (ResNet::RESNET50, [3, 4, 6, 3]),
            (ResNet::RESNET101, [3, 4, 23, 3]),
            (ResNet::RESNET152, [3, 8, 36, 3]),
        ] {
            let outline = outline(net);
            let mut found = Vec::new();
            convolutions(&outline, &mut found);
            let expected: usize = found[1..].iter().map(|conv| conv.parameters).sum();
            assert_eq!(weights(blocks), expected, "{blocks:?}");
        }
    }

    #[test]
    fn a_closed_door_can_be_opened() {
        let x_hat = [1.0, -1.0, 0.5, -0.5];
        let dy = [0.3, -0.2, 0.1, 0.7];
        let (dx_hat, dgamma, dbeta) = scale_backward(&x_hat, 0.0, &dy);
        assert_eq!(dx_hat, [0.0; 4], "nothing goes through");
        assert!((dgamma - 0.2).abs() < 1e-12 && (dbeta - 0.9).abs() < 1e-12, "{dgamma}, {dbeta}");
        assert_eq!(scale_backward(&x_hat, 2.0, &dy).0, [0.6, -0.4, 0.2, 1.4]);
    }
}
