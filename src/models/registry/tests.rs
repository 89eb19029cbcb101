//! Every network that has a name.

use super::*;
use crate::{models::Shortcut, nn::Slot, rng::Generator, tensor::Tensor};

fn parameters(name: &str, change: impl Fn(Options) -> Options) -> usize {
    let entry = all().iter().find(|entry| entry.name == name).expect("a known name");
    let options = change(Options { init: false, ..entry.options() });
    let net = build::<f32>(name, &options).expect("a known name");
    net.outline([1, options.input_size, options.input_size, options.in_channels].into()).parameters
}

#[test]
fn parameters_are_the_published_ones() {
    let published = [
        ("alexnet_paper", 60_965_224),
        ("alexnet_half", 16_630_440),
        ("alexnet_cifar", 9_244_970),
        ("alexnet", 61_100_840),
        ("vgg11", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("vgg11_bn", 132_868_840),
        ("vgg13_bn", 133_053_736),
        ("vgg16_bn", 138_365_992),
        ("vgg19_bn", 143_678_248),
        ("vgg16_cifar", 33_638_218),
        ("googlenet", 13_004_888),
        ("googlenet_paper", 13_378_280),
        ("googlenet_cifar", 5_983_802),
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("resnet18_cifar", 12_550_218),
        ("resnet_mini", 7_497_418),
        ("wide_resnet50_2", 68_883_240),
        ("wide_resnet101_2", 126_886_696),
        ("resnet8", 75_290),
        ("resnet20", 269_722),
        ("resnet32", 464_154),
        ("resnet44", 658_586),
        ("resnet56", 853_018),
        ("resnet110", 1_727_962),
        ("plain8", 75_290),
        ("plain20", 269_722),
        ("plain32", 464_154),
        ("plain44", 658_586),
        ("plain56", 853_018),
        ("resnext50_32x4d", 25_028_904),
        ("resnext101_32x8d", 88_791_336),
        ("resnext101_64x4d", 83_455_272),
        ("resnext50_bias", 25_063_016),
    ];
    for (name, expected) in published {
        assert_eq!(parameters(name, |options| options), expected, "{name}");
    }
    // Made for one grey channel of 28x28, published for three of 32x32.
    let colour = |options| Options { input_size: 32, in_channels: 3, ..options };
    assert_eq!(parameters("lenet5", colour), 62_006);
    assert_eq!(all().len(), published.len() + 1, "a network without a published number");
}

#[test]
fn parameters_depend_on_options() {
    assert_eq!(parameters("vgg16", |options| Options { classes: 10, ..options }), 134_301_514);
    assert_eq!(parameters("googlenet", |options| Options { aux_logits: false, ..options }), 6_624_904);
    // Shortcut B adds two 1x1 convolutions and their batch norms.
    let b = parameters("resnet20", |options| Options { shortcut: Shortcut::B, ..options });
    assert_eq!(b, 269_722 + (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64));
}

/// The deviation of a fresh tensor's numbers, whose mean is zero.
fn deviation(w: &Tensor<f32>) -> f64 {
    assert!(w.len() >= 9_000, "few numbers say little");
    let (w, n) = (w.as_slice(), w.len() as f64);
    let mean = w.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
    let variance = w.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / n;
    assert!(mean.abs() <= 5.0 * (variance / n).sqrt(), "mean {mean:e}");
    variance.sqrt()
}

/// Five standard errors of a deviation from 9,000 normal numbers are 0.04 of it.
#[test]
fn weights_start_as_in_each_source() {
    let he = |fan_out: f64| (2.0 / fan_out).sqrt();
    let uniform = |fan_in: f64| (1.0 / (3.0 * fan_in)).sqrt();
    let sources: [(&str, &[(&str, f64)]); 12] = [
        ("lenet5", &[("fc1.weight", uniform(16.0 * 17.0 * 17.0))]),
        ("alexnet_half", &[("features.3.weight", uniform(48.0 * 25.0))]),
        ("alexnet_cifar", &[("classifier.4.weight", uniform(2048.0))]),
        ("alexnet_paper", &[("features.4.weight", 0.01), ("classifier.3.weight", 0.01)]),
        ("vgg16_cifar", &[("features.2.weight", he(64.0 * 9.0)), ("classifier.0.weight", 0.01)]),
        (
            "googlenet",
            &[("inception3a.branch1.conv.weight", 0.01), ("aux1.fc1.weight", 0.01), ("fc.weight", 0.01)],
        ),
        ("googlenet_paper", &[("inception3a.branch1.conv.weight", he(64.0))]),
        ("resnet20", &[("layer3.0.conv1.weight", he(64.0 * 9.0))]),
        ("resnet18", &[("layer2.0.conv1.weight", he(128.0 * 9.0))]),
        ("resnet18_cifar", &[("layer2.0.downsample.0.weight", he(128.0 * 9.0))]),
        ("resnet_mini", &[("conv1.weight", he(64.0 * 49.0))]),
        ("resnext50_32x4d", &[("layer3.1.conv2.weight", he(512.0 * 9.0)), ("fc.weight", uniform(2048.0))]),
    ];
    for (name, expected) in sources {
        let options = Options { input_size: 80, ..Options::default() };
        let (mut net, mut seen) = (build::<f32>(name, &options).expect("a known name"), 0);
        net.visit(&mut |path, slot| {
            let path = path.to_string();
            if let Slot::Param(param) = slot
                && let Some((_, expected)) = expected.iter().find(|(known, _)| *known == path)
            {
                approx::assert_relative_eq!(deviation(&param.value), expected, max_relative = 0.04);
                seen += 1;
            }
        });
        assert_eq!(seen, expected.len(), "{name} lacks a tensor");
    }
}

#[test]
fn all_take_small_and_grey_images() {
    for entry in all() {
        for input_size in [entry.smallest.max(28), entry.smallest] {
            let options =
                Options { in_channels: 1, input_size, classes: 7, init: false, ..Options::default() };
            let mut net = build::<f32>(entry.name, &options).expect("a known name");
            let images = Tensor::zeros([2, input_size, input_size, 1]);
            let outline = net.outline(images.shape());
            assert_eq!(outline.output, [2, 7].into(), "{}", entry.name);
            // The large ones run in the tests against PyTorch.
            if outline.parameters < 10_000_000 {
                assert_eq!(net.scores(images).dims(), [2, 7], "{}", entry.name);
            }
        }
    }
}

/// A list of all networks has no time to draw a billion weights.
#[test]
fn all_can_be_built_without_drawing_weights() {
    for entry in all() {
        let mut net = build::<f32>(entry.name, &Options { init: false, ..entry.options() }).expect("a name");
        net.visit(&mut |path, slot| {
            if let Slot::Param(param) = slot
                && param.value.shape().rank() > 1
            {
                let start = &param.value.as_slice()[..param.value.len().min(16)];
                assert!(start.iter().all(|&w| w == 0.0), "{} draws {path}", entry.name);
            }
        });
    }
}

/// Arithmetic that overflows panics in tests.
#[test]
fn costs_of_the_largest_images_are_counted() {
    for name in ["lenet5", "vgg11", "googlenet_paper", "resnet18"] {
        let entry = all().iter().find(|entry| entry.name == name).expect("a known name");
        let size = entry.largest;
        let options =
            Options { input_size: size, in_channels: MOST_CHANNELS, init: false, ..entry.options() };
        let net = build::<f32>(name, &options).expect("what is allowed");
        let [one, many] = [1, 1 << 16].map(|n| net.outline([n, size, size, MOST_CHANNELS].into()).macs);
        assert_eq!(many, one << 16, "{name}");
    }
}

#[test]
fn what_cannot_be_built_is_an_error() {
    let message =
        |name: &str, options: &Options| build::<f32>(name, options).err().expect("refused").to_string();
    let tiny = Options { input_size: 15, ..Options::default() };
    assert_eq!(
        message("lenet5", &tiny),
        "input_size: expected at least 16 for lenet5, found 15; choose a larger one"
    );
    let vast = Options { input_size: 65_536, ..Options::default() };
    assert_eq!(
        message("resnet18", &vast),
        "input_size: expected at most 4096 for resnet18, found 65536; choose a smaller one"
    );
    assert_eq!(
        message("transformer", &Options::default()),
        "model: expected the name of a network, found `transformer`; `residual models` lists them"
    );
}

/// A network whose statistics and shifts are not those that it starts with.
fn lived(name: &str, options: &Options) -> Box<dyn Model<f32>> {
    let mut net = build::<f32>(name, options).expect("a known name");
    let mut rng = Generator::new(7, 0);
    net.visit(&mut |path, slot| {
        let name = path.to_string();
        let (tensor, least) = match slot {
            Slot::Buffer(buffer) => (buffer, if name.ends_with("var") { 0.5 } else { -0.5 }),
            Slot::Param(param) if name.ends_with("bias") => (&mut param.value, -0.5),
            _ => return,
        };
        tensor.as_mut_slice().iter_mut().for_each(|x| *x = (least + rng.uniform()) as f32);
    });
    net
}

#[test]
fn fused_networks_judge_as_before() {
    let names = [
        "lenet5",
        "alexnet_cifar",
        "vgg11_bn",
        "vgg16_cifar",
        "googlenet",
        "resnet20",
        "resnet50",
        "resnext50_32x4d",
    ];
    for (name, images) in names.into_iter().flat_map(|name| [(name, 1), (name, 9)]) {
        let entry = all().iter().find(|entry| entry.name == name).expect("a known name");
        let options = Options { classes: 10, input_size: entry.smallest.max(32), ..entry.options() };
        let (side, channels) = (options.input_size, options.in_channels);
        let mut rng = Generator::new(1, 0);
        let x = Tensor::from_fn([images, side, side, channels], |_| rng.normal() as f32);
        let mut net = lived(name, &options);
        let expected = net.scores(x.clone());
        net.fuse();
        let first = net.scores(x.clone());
        // Again: weights are laid out already, and to fuse twice is to fuse once.
        net.fuse();
        for found in [first, net.scores(x)] {
            let distance =
                |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let (expected, found) = (expected.as_slice(), found.as_slice());
            let (largest, off) = (distance(expected, &vec![0.0; expected.len()]), distance(expected, found));
            assert!(largest > 0.0 && off < 1e-4 * largest, "{name}: off by {off} of {largest}");
        }
    }
}
