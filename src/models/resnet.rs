//! Residual networks for ImageNet, as torchvision has them.
//!
//! | layer | for 224x224 | 18 | 34 | 50 | 101 | 152 |
//! |---|---|---|---|---|---|---|
//! | `conv1` 7x7, stride 2, `bn1`, ReLU | 64x112x112 | | | | | |
//! | max pool 3, stride 2 | 64x56x56 | | | | | |
//! | `layer1`, width 64 | 56x56 | 2 | 3 | 3 | 3 | 3 |
//! | `layer2`, width 128 | 28x28 | 2 | 4 | 4 | 4 | 8 |
//! | `layer3`, width 256 | 14x14 | 2 | 6 | 6 | 23 | 36 |
//! | `layer4`, width 512 | 7x7 | 2 | 3 | 3 | 3 | 3 |
//! | average over the image, `fc` | classes | | | | | |
//!
//! The numbers count blocks: basic ones up to 34 layers, then bottlenecks, whose outputs have four
//! times the width (He et al. 2016, "Deep Residual Learning for Image Recognition", table 1).
//!
//! ResNeXt (Xie et al. 2017, "Aggregated Residual Transformations for Deep Neural Networks") and the
//! wide residual networks (Zagoruyko and Komodakis 2016) change a bottleneck's middle alone: 32 groups
//! of 4 channels, or one of 128, where ResNet-50 has one of 64, and so on in proportion to the width.

use super::{
    Options, Shortcut,
    residual_blocks::{Blocks, Body},
};
use crate::{
    nn::{BatchNorm2d, Flatten, GlobalAvgPool, MaxPool2d, Relu, Sequential},
    real::Real,
};

/// A residual network for ImageNet.
///
/// ```
/// use residual::models::{Model, Options, ResNet};
/// let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(ResNet::RESNET50.build(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 25_557_032);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ResNet {
    pub(super) blocks: [usize; 4],
    pub(super) body: Body,
    pub(super) bias: bool,
    pub(super) width: usize,
}

#[expect(missing_docs, reason = "the names are the networks'")]
impl ResNet {
    pub const RESNET18: Self = Self::basic([2, 2, 2, 2]);
    pub const RESNET34: Self = Self::basic([3, 4, 6, 3]);
    pub const RESNET50: Self = Self::bottleneck([3, 4, 6, 3], 1, 64);
    pub const RESNET101: Self = Self::bottleneck([3, 4, 23, 3], 1, 64);
    pub const RESNET152: Self = Self::bottleneck([3, 8, 36, 3], 1, 64);
    pub const RESNEXT50_32X4D: Self = Self::bottleneck([3, 4, 6, 3], 32, 4);
    pub const RESNEXT101_32X8D: Self = Self::bottleneck([3, 4, 23, 3], 32, 8);
    pub const RESNEXT101_64X4D: Self = Self::bottleneck([3, 4, 23, 3], 64, 4);
    pub const RESNEXT50_BIAS: Self = Self { bias: true, ..Self::RESNEXT50_32X4D };
    pub const WIDE_RESNET50_2: Self = Self::bottleneck([3, 4, 6, 3], 1, 128);
    pub const WIDE_RESNET101_2: Self = Self::bottleneck([3, 4, 23, 3], 1, 128);
}

impl ResNet {
    const fn basic(blocks: [usize; 4]) -> Self {
        Self { blocks, body: Body::Basic, bias: false, width: 64 }
    }

    const fn bottleneck(blocks: [usize; 4], groups: usize, per_64: usize) -> Self {
        Self { blocks, body: Body::Bottleneck { groups, per_64 }, bias: false, width: 64 }
    }

    /// The same blocks with another width than 64 in the first stage, on which all others depend.
    pub const fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// The network. Its shortcuts are of kind B, whatever the options say.
    pub fn build<T: Real>(&self, options: &Options) -> Sequential<T> {
        let (Self { blocks: [n1, n2, n3, n4], width, .. }, classes) = (*self, options.classes);
        let mut blocks = Blocks::new(self.body, Some(Shortcut::B), options).bias(self.bias);
        let e = blocks.expansion();
        Sequential::new()
            .add("conv1", blocks.conv([options.in_channels, width], 7, 2, 1))
            .add("bn1", BatchNorm2d::new(width))
            .add("relu", Relu::new())
            .add("maxpool", MaxPool2d::new(3).stride(2).padding(1))
            .add("layer1", blocks.stage(n1, [width, width], 1))
            .add("layer2", blocks.stage(n2, [e * width, 2 * width], 2))
            .add("layer3", blocks.stage(n3, [e * 2 * width, 4 * width], 2))
            .add("layer4", blocks.stage(n4, [e * 4 * width, 8 * width], 2))
            .add("avgpool", GlobalAvgPool::new())
            .add("flatten", Flatten::new())
            .add("fc", blocks.fc(e * 8 * width, classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Layer, Path, Slot};

    #[test]
    fn version_1_5_has_its_stride_in_the_3x3() {
        let options = Options { init: false, ..Options::default() };
        let outline = ResNet::RESNET50.build::<f32>(&options).outline([1, 224, 224, 3].into());
        let layer2 = outline.children.iter().find(|child| child.name == "layer2").expect("four stages");
        let body = &layer2.children[0].children[0];
        let sizes: Vec<_> = body.children.iter().map(|layer| layer.output.dims()[1]).collect();
        assert_eq!(sizes, [56, 56, 56, 28, 28, 28, 28, 28]);
    }

    /// A network as wide as ResNet-50 starts without what its bodies add, if that is asked for.
    #[test]
    fn last_norms_start_with_zero_or_one() {
        for (zero_init_residual, expected) in [(false, 1.0), (true, 0.0)] {
            let options = Options { zero_init_residual, init: false, ..Options::default() };
            for (net, name, bodies) in
                [(ResNet::RESNET18, "bn2.weight", 8), (ResNet::RESNET50, "bn3.weight", 16)]
            {
                let (mut seen, mut others) = (0, 0);
                net.build::<f32>(&options).visit(&Path::root(), &mut |path, slot| {
                    let Slot::Param(param) = slot else { return };
                    let path = path.to_string();
                    if path.ends_with(name) {
                        assert!(param.value.as_slice().iter().all(|&w| w == expected), "{path}");
                        seen += 1;
                    } else if path.ends_with("bn1.weight") {
                        assert!(param.value.as_slice().iter().all(|&w| w == 1.0), "{path}");
                        others += 1;
                    }
                });
                assert_eq!((seen, others), (bodies, bodies + 1));
            }
        }
    }
}
