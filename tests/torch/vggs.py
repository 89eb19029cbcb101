"""VGG under residual's names: torchvision's own, and the one for small images."""

import torchvision
from torch import nn

import formula


def cifar():
    """torchvision's vgg16 whose hidden layers see 512x1x1 features."""
    model = torchvision.models.vgg16(num_classes=10)
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    model.classifier[0] = nn.Linear(512, 4096)
    return model


def vggs(golden):
    # The images of some are smaller, so that f32 rounds no ReLU's input to the other side of zero.
    sizes = dict(vgg11=64, vgg11_bn=64, vgg13=64, vgg13_bn=32, vgg16=64, vgg16_bn=64, vgg19=64, vgg19_bn=32)
    for name, size in sizes.items():
        build = lambda: getattr(torchvision.models, name)(num_classes=10)
        formula.network(golden, name, build, dict(input_size=size))
    formula.network(golden, "vgg16_cifar", cifar, dict(input_size=32))
