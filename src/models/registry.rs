//! From a name to a network.

use super::{
    Model, Options, ResNet, Vgg, alexnet, alexnet_cifar, alexnet_half, alexnet_paper, googlenet,
    googlenet_cifar, googlenet_paper, lenet5, plain, resnet, resnet_mini, resnet18_cifar, vgg,
};
use crate::{Error, error::clip, real::Real, suggest};

/// A network that [`build`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What to call it.
    pub name: &'static str,
    /// When its paper appeared.
    pub year: u16,
    /// Its paper.
    pub paper: &'static str,
    /// Height and width of the images that it was made for.
    pub input_size: usize,
    /// The smallest images that it takes.
    pub smallest: usize,
    /// The largest: less where a fully connected layer grows with them.
    pub largest: usize,
    /// How many classes it was made for: ImageNet's for its images, CIFAR-10's for small ones.
    pub classes: usize,
}

impl Entry {
    /// What the network is built for unless told otherwise.
    pub fn options(&self) -> Options {
        Options { classes: self.classes, input_size: self.input_size, ..Options::default() }
    }
}

/// Of each network: the name, how it is built, and for which images.
macro_rules! networks {
    ($($paper:literal $year:literal { $($name:literal $size:literal: $smallest:literal..=$largest:literal => $build:expr;)* })*) => {
        const ALL: &[Entry] = &[$($(Entry {
            name: $name,
            year: $year,
            paper: $paper,
            input_size: $size,
            smallest: $smallest,
            largest: $largest,
            classes: if $size < 224 { 10 } else { 1000 },
        }),*),*];

        fn construct<T: Real>(name: &str, options: &Options) -> Box<dyn Model<T>> {
            match name {
                $($($name => Box::new($build(options)),)*)*
                _ => unreachable!("`{name}` was looked up in the same list"),
            }
        }
    };
}

networks! {
    "LeCun et al., Gradient-Based Learning Applied to Document Recognition" 1998 {
        "lenet5" 28: 16..=512 => lenet5::<T>;
    }
    "Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks" 2012 {
        "alexnet_paper" 227: 67..=4096 => alexnet_paper::<T>;
        "alexnet_half" 224: 63..=4096 => alexnet_half::<T>;
        "alexnet_cifar" 32: 8..=4096 => alexnet_cifar::<T>;
    }
    "Krizhevsky, One weird trick for parallelizing convolutional neural networks" 2014 {
        "alexnet" 224: 63..=4096 => alexnet::<T>;
    }
    "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition" 2015 {
        "vgg11" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(11), o);
        "vgg13" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(13), o);
        "vgg16" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(16), o);
        "vgg19" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(19), o);
        "vgg11_bn" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(11).batch_norm(), o);
        "vgg13_bn" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(13).batch_norm(), o);
        "vgg16_bn" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(16).batch_norm(), o);
        "vgg19_bn" 224: 32..=4096 => |o| vgg::<T>(Vgg::new(19).batch_norm(), o);
        "vgg16_cifar" 32: 32..=4096 => |o| vgg::<T>(Vgg::new(16).cifar(), o);
    }
    "Szegedy et al., Going Deeper with Convolutions" 2015 {
        "googlenet" 224: 15..=4096 => googlenet::<T>;
        "googlenet_paper" 224: 79..=1024 => googlenet_paper::<T>;
        "googlenet_cifar" 32: 5..=4096 => googlenet_cifar::<T>;
    }
    "He et al., Deep Residual Learning for Image Recognition" 2016 {
        "resnet18" 224: 1..=4096 => |o| ResNet::RESNET18.build::<T>(o);
        "resnet34" 224: 1..=4096 => |o| ResNet::RESNET34.build::<T>(o);
        "resnet50" 224: 1..=4096 => |o| ResNet::RESNET50.build::<T>(o);
        "resnet101" 224: 1..=4096 => |o| ResNet::RESNET101.build::<T>(o);
        "resnet152" 224: 1..=4096 => |o| ResNet::RESNET152.build::<T>(o);
        "resnet18_cifar" 32: 1..=4096 => resnet18_cifar::<T>;
        "resnet_mini" 32: 1..=4096 => resnet_mini::<T>;
    }
    "Zagoruyko and Komodakis, Wide Residual Networks" 2016 {
        "wide_resnet50_2" 224: 1..=4096 => |o| ResNet::WIDE_RESNET50_2.build::<T>(o);
        "wide_resnet101_2" 224: 1..=4096 => |o| ResNet::WIDE_RESNET101_2.build::<T>(o);
    }
    "He et al., Deep Residual Learning for Image Recognition, section 4.2" 2016 {
        "resnet8" 32: 1..=4096 => |o| resnet::<T>(8, o);
        "resnet20" 32: 1..=4096 => |o| resnet::<T>(20, o);
        "resnet32" 32: 1..=4096 => |o| resnet::<T>(32, o);
        "resnet44" 32: 1..=4096 => |o| resnet::<T>(44, o);
        "resnet56" 32: 1..=4096 => |o| resnet::<T>(56, o);
        "resnet110" 32: 1..=4096 => |o| resnet::<T>(110, o);
        "plain8" 32: 1..=4096 => |o| plain::<T>(8, o);
        "plain20" 32: 1..=4096 => |o| plain::<T>(20, o);
        "plain32" 32: 1..=4096 => |o| plain::<T>(32, o);
        "plain44" 32: 1..=4096 => |o| plain::<T>(44, o);
        "plain56" 32: 1..=4096 => |o| plain::<T>(56, o);
    }
    "Xie et al., Aggregated Residual Transformations for Deep Neural Networks" 2017 {
        "resnext50_32x4d" 224: 1..=4096 => |o| ResNet::RESNEXT50_32X4D.build::<T>(o);
        "resnext101_32x8d" 224: 1..=4096 => |o| ResNet::RESNEXT101_32X8D.build::<T>(o);
        "resnext101_64x4d" 224: 1..=4096 => |o| ResNet::RESNEXT101_64X4D.build::<T>(o);
        "resnext50_bias" 224: 1..=4096 => |o| ResNet::RESNEXT50_BIAS.build::<T>(o);
    }
}

// Beyond these, parameters fill no memory that there is, and counts of multiply-adds their integers.
const MOST_CLASSES: usize = 1 << 16;
const MOST_CHANNELS: usize = 1 << 10;

/// Every network, by the year of its paper.
///
/// ```
/// use residual::models;
/// assert_eq!(models::all()[0].name, "lenet5");
/// ```
pub fn all() -> &'static [Entry] {
    ALL
}

/// The network called `name`.
///
/// ```
/// use residual::models::{self, Options};
/// let mut net = models::build::<f32>("resnet20", &Options::default())?;
/// let error = models::build::<f32>("resnet2O", &Options::default()).err().expect("a typo");
/// assert!(error.to_string().contains("did you mean resnet20,"));
/// # Ok::<(), residual::Error>(())
/// ```
///
/// # Errors
/// If there is no such network, or it cannot be built for these options.
pub fn build<T: Real>(name: &str, options: &Options) -> Result<Box<dyn Model<T>>, Error> {
    let Some(entry) = ALL.iter().find(|entry| entry.name == name) else {
        return Err(unknown(name));
    };
    for (field, value, least, most) in [
        ("classes", options.classes, 1, MOST_CLASSES),
        ("in_channels", options.in_channels, 1, MOST_CHANNELS),
        ("input_size", options.input_size, entry.smallest, entry.largest),
    ] {
        let (bound, other) = match value {
            value if value < least => (format!("at least {least}"), "larger"),
            value if value > most => (format!("at most {most}"), "smaller"),
            _ => continue,
        };
        return Err(Error::Argument {
            name: field.into(),
            expected: format!("{bound} for {name}"),
            found: value.to_string(),
            hint: format!("choose a {other} one"),
        });
    }
    if options.transform_input && options.in_channels != 3 {
        return Err(Error::Argument {
            name: "transform_input".into(),
            expected: "images of 3 channels, whose means and deviations it knows".into(),
            found: options.in_channels.to_string(),
            hint: "leave it out".into(),
        });
    }
    Ok(construct(name, options))
}

fn unknown(name: &str) -> Error {
    let name = clip(name);
    let near = suggest::near(&name, ALL.iter().map(|entry| entry.name));
    Error::Argument {
        name: "model".into(),
        expected: "the name of a network".into(),
        found: format!("`{name}`"),
        hint: match near.as_slice() {
            [] => "`residual models` lists them".into(),
            near => format!("did you mean {}?", near[..near.len().min(3)].join(", ")),
        },
    }
}

#[cfg(test)]
mod tests;
