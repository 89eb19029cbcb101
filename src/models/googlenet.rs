//! GoogLeNet (Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich 2015, "Going
//! Deeper with Convolutions", table 1 and figures 2 and 3).
//!
//! | layer | for 224x224 | 1x1 | 3x3 | 5x5 | pooled |
//! |---|---|---|---|---|---|
//! | `conv1` 7x7, stride 2 | 64x112x112 | | | | |
//! | max pool, `conv2` 1x1, `conv3` 3x3 | 192x56x56 | | | | |
//! | max pool, `inception3a` | 256x28x28 | 64 | 96, 128 | 16, 32 | 32 |
//! | `inception3b` | 480x28x28 | 128 | 128, 192 | 32, 96 | 64 |
//! | max pool, `inception4a` | 512x14x14 | 192 | 96, 208 | 16, 48 | 64 |
//! | `inception4b` | 512x14x14 | 160 | 112, 224 | 24, 64 | 64 |
//! | `inception4c` | 512x14x14 | 128 | 128, 256 | 24, 64 | 64 |
//! | `inception4d` | 528x14x14 | 112 | 144, 288 | 32, 64 | 64 |
//! | `inception4e` | 832x14x14 | 256 | 160, 320 | 32, 128 | 128 |
//! | max pool, `inception5a` | 832x7x7 | 256 | 160, 320 | 32, 128 | 128 |
//! | `inception5b` | 1024x7x7 | 384 | 192, 384 | 48, 128 | 128 |
//! | average over the image, dropout, `fc` | classes | | | | |
//!
//! Two numbers are a 1x1 convolution that reduces the channels and the convolution that reads them;
//! `pooled` is a 1x1 convolution behind a max pool. A ReLU follows every convolution. In training,
//! two heads classify what `inception4a` and `inception4d` give: see [`GoogLeNet`].
//!
//! Three networks come from this table:
//!
//! | | `googlenet_paper` | `googlenet` (torchvision's) | `googlenet_cifar` |
//! |---|---|---|---|
//! | parameters | 13,378,280 | 13,004,888, heads 6,379,984 of them | 5,983,802 |
//! | after a convolution | bias | batch norm, ε = 0.001 | bias |
//! | "5x5" | 5x5 | 3x3 | 5x5 |
//! | max pools | 3x3, hanging over the edge | the same; the last 2x2 | 3x3, padded by 1 but for the first |
//! | heads begin with | average pool 5x5, stride 3 | average over a grid of 4x4 | none |
//! | dropout, in heads | 0.4, 0.7 | 0.2, 0.7 | 0.4 |
//! | weights start | He's normal | normal 0.01, truncated | He's normal |
//!
//! Figure 3 of the paper draws a local response normalisation after the first max pool and another
//! before the second; table 1 leaves them out, and so does `googlenet_paper`. The paper does not say
//! how its weights start.

mod headed;

pub use headed::GoogLeNet;

use super::Options;
use crate::{
    nn::{
        AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, GlobalAvgPool, Init,
        Layer, Linear, MaxPool2d, Relu, Sequential,
    },
    real::Real,
    rng::Generator,
    tensor::Shape,
};

/// The network of the paper, for images of at least 79x79.
///
/// ```
/// use residual::models::{Model, Options, googlenet_paper};
/// let options = Options { classes: 1000, input_size: 224, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(googlenet_paper(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 13_378_280);
/// ```
pub fn googlenet_paper<T: Real>(options: &Options) -> GoogLeNet<T> {
    PAPER.network(options)
}

/// The network of torchvision, for images of at least 15x15.
///
/// ```
/// use residual::models::{Model, Options, googlenet};
/// let options = Options { classes: 1000, input_size: 224, aux_logits: false, ..Options::default() };
/// let net: Box<dyn Model<f32>> = Box::new(googlenet(&options));
/// assert_eq!(net.outline([1, 224, 224, 3].into()).parameters, 6_624_904);
/// ```
pub fn googlenet<T: Real>(options: &Options) -> GoogLeNet<T> {
    GoogLeNet { transform_input: options.transform_input, ..TORCHVISION.network(options) }
}

/// The network for small images, of at least 5x5: the paper's without heads, with pools that leave one
/// pixel of 32x32.
///
/// ```
/// use residual::models::{Model, Options, googlenet_cifar};
/// let net: Box<dyn Model<f32>> = Box::new(googlenet_cifar(&Options::default()));
/// assert_eq!(net.outline([1, 32, 32, 3].into()).parameters, 5_983_802);
/// ```
pub fn googlenet_cifar<T: Real>(options: &Options) -> GoogLeNet<T> {
    CIFAR.network(options)
}

const PAPER: Recipe = Recipe {
    norm: false,
    five: 5,
    pools: [HANGING; 4],
    heads: Some(Grid::Strides),
    dropout: 0.4,
    init: Init::KaimingNormal,
    narrower: 1,
};

const TORCHVISION: Recipe = Recipe {
    norm: true,
    five: 3,
    pools: [HANGING, HANGING, HANGING, || MaxPool2d::new(2).stride(2).ceil_mode()],
    heads: Some(Grid::Fours),
    dropout: 0.2,
    init: Init::TruncatedNormal(0.01),
    narrower: 1,
};

const CIFAR: Recipe =
    Recipe { pools: [|| MaxPool2d::new(3).stride(2), PADDED, PADDED, PADDED], heads: None, ..PAPER };

const HANGING: fn() -> MaxPool2d = || MaxPool2d::new(3).stride(2).ceil_mode();
const PADDED: fn() -> MaxPool2d = || MaxPool2d::new(3).stride(2).padding(1);

/// What the three networks differ in.
#[derive(Clone, Copy)]
struct Recipe {
    /// A batch norm after each convolution, instead of a bias.
    norm: bool,
    /// The kernel of what the paper calls 5x5.
    five: usize,
    pools: [fn() -> MaxPool2d; 4],
    heads: Option<Grid>,
    dropout: f64,
    init: Init,
    /// What all channels are divided by: 1, but where gradients are checked against differences.
    narrower: usize,
}

/// How a head sees an image as a few pixels.
#[derive(Clone, Copy)]
enum Grid {
    /// The averages of 5x5 pixels, every third.
    Strides,
    /// The averages of 4x4 equal parts.
    Fours,
}

impl Recipe {
    fn network<T: Real>(&self, options: &Options) -> GoogLeNet<T> {
        let &Options { classes, in_channels, .. } = options;
        let rng = &mut options.weights();
        let trunk = self.trunk(in_channels, rng);
        let classifier = Sequential::new()
            .add("avgpool", GlobalAvgPool::new())
            .add("flatten", Flatten::new())
            .add("dropout", Dropout::new(self.dropout, options.dropout(0)))
            .add("fc", Linear::new(1024 / self.narrower, classes).init(self.init, rng));
        // Drawn last: with heads or without, the rest starts from the same weights.
        let heads = self.heads.filter(|_| options.aux_logits);
        let heads = heads.map(|grid| self.heads(grid, &trunk, options, rng));
        GoogLeNet { trunk, heads, classifier, transform_input: false }
    }

    /// Table 1 from the first convolution to the last module, cut behind the modules that feed heads.
    fn trunk<T: Real>(&self, in_channels: usize, rng: &mut Generator) -> [Sequential<T>; 3] {
        let [pool1, pool2, pool3, pool4] = self.pools.map(|pool| pool());
        let [c64, c192] = [64, 192].map(|channels| channels / self.narrower);
        let to_first_head = Sequential::new()
            .add("conv1", self.unit([in_channels, c64], [7, 2], rng))
            .add("maxpool1", pool1)
            .add("conv2", self.unit([c64, c64], [1, 1], rng))
            .add("conv3", self.unit([c64, c192], [3, 1], rng))
            .add("maxpool2", pool2)
            .add("inception3a", self.inception(192, [64, 96, 128, 16, 32, 32], rng))
            .add("inception3b", self.inception(256, [128, 128, 192, 32, 96, 64], rng))
            .add("maxpool3", pool3)
            .add("inception4a", self.inception(480, [192, 96, 208, 16, 48, 64], rng));
        let to_second_head = Sequential::new()
            .add("inception4b", self.inception(512, [160, 112, 224, 24, 64, 64], rng))
            .add("inception4c", self.inception(512, [128, 128, 256, 24, 64, 64], rng))
            .add("inception4d", self.inception(512, [112, 144, 288, 32, 64, 64], rng));
        let to_the_end = Sequential::new()
            .add("inception4e", self.inception(528, [256, 160, 320, 32, 128, 128], rng))
            .add("maxpool4", pool4)
            .add("inception5a", self.inception(832, [256, 160, 320, 32, 128, 128], rng))
            .add("inception5b", self.inception(832, [384, 192, 384, 48, 128, 128], rng));
        [to_first_head, to_second_head, to_the_end]
    }

    /// The module of figure 2(b): four views of the same image side by side, of ever wider windows.
    fn inception<T: Real>(&self, from: usize, channels: [usize; 6], rng: &mut Generator) -> Concat<T> {
        let from = from / self.narrower;
        let [ones, reduce3, threes, reduce5, fives, pooled] = channels.map(|c| c / self.narrower);
        let ones = self.unit([from, ones], [1, 1], rng);
        let threes = Sequential::new()
            .add("0", self.unit([from, reduce3], [1, 1], rng))
            .add("1", self.unit([reduce3, threes], [3, 1], rng));
        let fives = Sequential::new()
            .add("0", self.unit([from, reduce5], [1, 1], rng))
            .add("1", self.unit([reduce5, fives], [self.five, 1], rng));
        // Where the stride is 1, no window hangs over the edge; torchvision's is set so.
        let pooled = Sequential::new()
            .add("0", MaxPool2d::new(3).stride(1).padding(1).ceil_mode())
            .add("1", self.unit([from, pooled], [1, 1], rng));
        Concat::new().add("branch1", ones).add("branch2", threes).add("branch3", fives).add("branch4", pooled)
    }

    /// Two classifiers of what the first parts of the trunk give.
    fn heads<T: Real>(
        &self,
        grid: Grid,
        trunk: &[Sequential<T>; 3],
        options: &Options,
        rng: &mut Generator,
    ) -> [Sequential<T>; 2] {
        let [wide, hidden] = [128, 1024].map(|channels| channels / self.narrower);
        let mut x = Shape::from([1, options.input_size, options.input_size, options.in_channels]);
        [0, 1].map(|i| {
            x = trunk[i].outline(x).output;
            let head = match grid {
                Grid::Strides => Sequential::new().add("avgpool", AvgPool2d::new(5).stride(3)),
                Grid::Fours => Sequential::new().add("avgpool", AdaptiveAvgPool2d::new(4)),
            };
            let conv = self.unit([x.last(), wide], [1, 1], rng);
            let head = head.add("conv", conv).add("flatten", Flatten::new());
            let flat = head.outline(x).output.last();
            head.add("fc1", Linear::new(flat, hidden).init(self.init, rng))
                .add("relu", Relu::new())
                .add("dropout", Dropout::new(0.7, options.dropout(1 + i as u64)))
                .add("fc2", Linear::new(hidden, options.classes).init(self.init, rng))
        })
    }

    /// A convolution that keeps the size of images, but for its stride, and what follows it.
    fn unit<T: Real>(
        &self,
        [from, to]: [usize; 2],
        [kernel, stride]: [usize; 2],
        rng: &mut Generator,
    ) -> Sequential<T> {
        let conv = Conv2d::new(from, to, kernel).stride(stride).padding(kernel / 2);
        let unit = if self.norm {
            let conv = conv.no_bias().init(self.init, rng);
            Sequential::new().add("conv", conv).add("bn", BatchNorm2d::new(to).eps(1e-3))
        } else {
            Sequential::new().add("conv", conv.init(self.init, rng))
        };
        unit.add("relu", Relu::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gradcheck::{Settings, check_model},
        models::Model,
        ops::cross_entropy::CrossEntropy,
        tensor::Tensor,
    };

    fn parameters(build: fn(&Options) -> GoogLeNet<f32>, options: Options) -> usize {
        let size = options.input_size;
        build(&Options { init: false, ..options }).outline([1, size, size, 3].into()).parameters
    }

    #[test]
    fn parameters_are_the_published_ones() {
        let imagenet = Options { classes: 1000, input_size: 224, ..Options::default() };
        let headless = Options { aux_logits: false, ..imagenet };
        assert_eq!(parameters(googlenet, imagenet), 13_004_888);
        assert_eq!(parameters(googlenet, headless), 6_624_904);
        assert_eq!(parameters(googlenet_paper, imagenet), 13_378_280);
        assert_eq!(parameters(googlenet_cifar, Options::default()), 5_983_802);
    }

    #[test]
    fn images_of_the_smallest_size_are_enough() {
        for (build, size) in
            [(googlenet as fn(&Options) -> GoogLeNet<f32>, 15), (googlenet_paper, 79), (googlenet_cifar, 5)]
        {
            let net = build(&Options { input_size: size, init: false, ..Options::default() });
            assert_eq!(net.outline([2, size, size, 3].into()).output, [2, 10].into());
        }
    }

    /// An eighth of the channels, the heads' losses and dropout included.
    #[test]
    fn gradients_are_those_of_differences() {
        for (recipe, size) in [(PAPER, 80), (TORCHVISION, 36), (CIFAR, 9)] {
            // The deviation of torchvision's weights leaves no signal that differences could see.
            let recipe = Recipe { narrower: 8, init: Init::KaimingNormal, ..recipe };
            let options = Options { classes: 4, input_size: size, ..Options::default() };
            let mut model = recipe.network::<f64>(&options);
            let rng = &mut Generator::new(5, 0);
            let images = Tensor::from_fn([2, size, size, 3], |_| rng.normal());
            let settings = Settings { entries: 2, ..Settings::default() };
            let report = check_model(&mut model, &images, &[1, 3], &CrossEntropy::default(), &settings);
            let (checked, skipped) = (report.checked(), report.skipped());
            println!("{:.1e} in {checked} entries, {skipped} skipped", report.worst_error());
            assert!(report.passed() && 2 * skipped <= checked, "{report:#?}");
        }
    }
}
