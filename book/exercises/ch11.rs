//! Exercises of chapter 11. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch11`

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
    todo!("widths 64, 128, 256, 512; four times the width leaves; the first block of a stage is the odd one")
}

/// Exercise 2. The weights of the convolutions of [`unfold`]'s blocks, projections included: 1x1 where a block
/// changes the channels or the picture's size.
pub fn weights(blocks: [usize; 4]) -> usize {
    todo!("three convolutions a block, and here and there a fourth")
}

/// Exercise 3. For y = γ·x̂ + β over the numbers of one channel: (dx̂, dγ, dβ) from dy.
pub fn scale_backward(x_hat: &[f64], gamma: f64, dy: &[f64]) -> (Vec<f64>, f64, f64) {
    todo!("three lines of the chapter")
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
    #[ignore = "yours to solve"]
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
    #[ignore = "yours to solve"]
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
    #[ignore = "yours to solve"]
    fn a_closed_door_can_be_opened() {
        let x_hat = [1.0, -1.0, 0.5, -0.5];
        let dy = [0.3, -0.2, 0.1, 0.7];
        let (dx_hat, dgamma, dbeta) = scale_backward(&x_hat, 0.0, &dy);
        assert_eq!(dx_hat, [0.0; 4], "nothing goes through");
        assert!((dgamma - 0.2).abs() < 1e-12 && (dbeta - 0.9).abs() < 1e-12, "{dgamma}, {dbeta}");
        assert_eq!(scale_backward(&x_hat, 2.0, &dy).0, [0.6, -0.4, 0.2, 1.4]);
    }
}
