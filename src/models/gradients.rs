//! Every network of the registry, narrow: each parameter's gradient against finite differences.
//!
//! Layers, kernels, strides and names are the network's own; channels are few, and images as small as
//! leaves the last norms some pixels. Weights have He's variance, whatever the network would draw:
//! the deviations of some sources leave no signal that differences could see. What belongs to a norm
//! is such that ReLUs are rather open, or a deep network without shortcuts would bend within a step.

use super::{
    Model, Options, ResNet, Vgg, alexnet, all, build, googlenet, residual_blocks::Body, resnet_cifar,
    resnet_small, vgg,
};
use crate::{
    gradcheck::{Settings, check_model},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    tensor::Tensor,
};

/// The network called `name` with few channels.
fn narrow(name: &str, options: &Options) -> Box<dyn Model<f64>> {
    let number = || name.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a depth");
    let cifar =
        |shortcut| Box::new(resnet_cifar::network([resnet_cifar::blocks(number()), 4], shortcut, options));
    let resnet = |net: ResNet| Box::new(net.width(4).build(options));
    let grouped = |net, groups| {
        let body = Body::Bottleneck { groups, per_64: 16 };
        Box::new(ResNet { body, ..net }.width(8).build(options))
    };
    let inceptions = |recipe| Box::new(googlenet::Recipe { narrower: 8, ..recipe }.network(options));
    let vgg = |kind| Box::new(vgg::network(kind, [3, 4, 5, 6, 4], 8, options));
    let towers = [4, 6, 8, 6, 4];
    match name {
        "lenet5" => build(name, options).expect("a known name"),
        "alexnet" | "alexnet_half" => Box::new(alexnet::one_tower(towers, 8, options)),
        "alexnet_cifar" => Box::new(alexnet::small_tower(towers, 8, options)),
        "alexnet_paper" => Box::new(alexnet::two_towers(towers, 8, options)),
        "vgg16_cifar" => vgg(Vgg::new(16).cifar()),
        "vgg11" | "vgg13" | "vgg16" | "vgg19" => vgg(Vgg::new(number())),
        "vgg11_bn" | "vgg13_bn" | "vgg16_bn" | "vgg19_bn" => vgg(Vgg::new(number()).batch_norm()),
        "googlenet" => inceptions(googlenet::TORCHVISION),
        "googlenet_paper" => inceptions(googlenet::PAPER),
        "googlenet_cifar" => inceptions(googlenet::CIFAR),
        "resnet18" => resnet(ResNet::RESNET18),
        "resnet34" => resnet(ResNet::RESNET34),
        "resnet50" => resnet(ResNet::RESNET50),
        "resnet101" => resnet(ResNet::RESNET101),
        "resnet152" => resnet(ResNet::RESNET152),
        "wide_resnet50_2" => resnet(ResNet::WIDE_RESNET50_2),
        "wide_resnet101_2" => resnet(ResNet::WIDE_RESNET101_2),
        "resnext50_32x4d" => grouped(ResNet::RESNEXT50_32X4D, 2),
        "resnext50_bias" => grouped(ResNet::RESNEXT50_BIAS, 2),
        "resnext101_32x8d" => grouped(ResNet::RESNEXT101_32X8D, 2),
        "resnext101_64x4d" => grouped(ResNet::RESNEXT101_64X4D, 4),
        "resnet18_cifar" => Box::new(resnet_small::twos(4, options)),
        "resnet_mini" => Box::new(resnet_small::singles(4, options)),
        _ if name.starts_with("plain") => cifar(None),
        _ if name.starts_with("resnet") => cifar(Some(options.shortcut)),
        _ => panic!("{name} is not checked against differences: make it narrow here"),
    }
}

/// Height and width of the images that a narrow network is checked with.
fn size(name: &str) -> usize {
    match name {
        "lenet5" => 16,
        "alexnet" | "alexnet_half" => 67,
        "alexnet_cifar" => 13,
        "alexnet_paper" => 71,
        "googlenet" => 36,
        "googlenet_paper" => 80,
        "googlenet_cifar" => 9,
        _ if name.starts_with("vgg") => 37,
        "resnet18_cifar" => 11,
        "resnet_mini" => 32,
        _ if all().iter().any(|entry| entry.name == name && entry.input_size == 32) => 6,
        _ => 40,
    }
}

/// Those that repeat, more often, the blocks of another one.
const DEEP: [&str; 12] = [
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "plain32",
    "plain44",
    "plain56",
    "resnet101",
    "resnet152",
    "wide_resnet101_2",
    "resnext101_32x8d",
    "resnext101_64x4d",
];

#[test]
fn networks_have_the_gradients_of_differences() {
    check(|name| !DEEP.contains(&name));
}

#[test]
#[ignore = "minutes: a difference for each of some hundred tensors, through as many layers"]
fn deep_networks_have_the_gradients_of_differences() {
    check(|name| DEEP.contains(&name));
}

/// Some 200 entries of each network that `which` picks. At most one in three may lie too near a kink,
/// and at most one tensor in fifty go unchecked for that.
fn check(which: fn(&str) -> bool) {
    for name in all().iter().map(|entry| entry.name).filter(|name| which(name)) {
        let input_size = size(name);
        let options = Options { classes: 3, input_size, ..Options::default() };
        let (mut net, rng) = (narrow(name, &options), &mut Generator::new(11, 0));
        let tensors = fill(&mut *net, rng);
        let images = Tensor::from_fn([3, input_size, input_size, 3], |_| rng.normal());
        let loss = CrossEntropy { label_smoothing: 0.1 };
        let settings = Settings { entries: (200 / tensors).clamp(1, 8), ..Settings::default() };
        let report = check_model(&mut *net, &images, &[0, 2, 1], &loss, &settings);
        let (checked, skipped, worst) = (report.checked(), report.skipped(), report.worst_error());
        println!("{name}: worst relative error {worst:.1e} in {checked} entries, {skipped} skipped at kinks");
        assert!(report.passed(), "{name}: {report:#?}");
        let unchecked = report.tensors.iter().filter(|tensor| tensor.checked == 0).count();
        assert!(50 * unchecked <= tensors && 2 * skipped <= checked, "{name}: {report:#?}");
    }
}

/// Draws all weights, and counts the tensors.
fn fill(net: &mut dyn Model<f64>, rng: &mut Generator) -> usize {
    let mut tensors = 0;
    net.visit(&mut |_, slot| {
        let Slot::Param(param) = slot else { return };
        let (mean, deviation) = match param.value.shape().dims() {
            [_, fan_in @ ..] if !fan_in.is_empty() => {
                (0.0, (2.0 / fan_in.iter().product::<usize>() as f64).sqrt())
            }
            _ => (0.5, 0.25),
        };
        param.value = param.value.map(|_| mean + deviation * rng.normal());
        tensors += 1;
    });
    tensors
}
