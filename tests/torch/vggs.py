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
    for name, draw in [
        ("vgg11", 0),
        ("vgg13", 0),
        ("vgg16", 0),
        ("vgg19", 0),
        ("vgg11_bn", 0),
        ("vgg13_bn", 0),
        ("vgg16_bn", 0),
        ("vgg19_bn", 0),
    ]:
        build = lambda: getattr(torchvision.models, name)(num_classes=10)
        formula.network(golden, name, build, dict(input_size=64, draw=draw))
    formula.network(golden, "vgg16_cifar", cifar, dict(input_size=32, draw=0))
