"""AlexNet under residual's names: torchvision's own, and the three that it lacks."""

import torchvision
from torch import nn

import formula


def network(features, side, classifier):
    """torchvision's frame: features, an average over side x side bins, classifier."""
    frame = torchvision.models.AlexNet.__new__(torchvision.models.AlexNet)
    nn.Module.__init__(frame)
    frame.features, frame.avgpool, frame.classifier = features, nn.AdaptiveAvgPool2d(side), classifier
    return frame


def classifier(features, hidden):
    return nn.Sequential(
        nn.Dropout(),
        nn.Linear(features, hidden),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 10),
    )


def half():
    features = nn.Sequential(
        nn.Conv2d(3, 48, 11, 4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(48, 128, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(128, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 128, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    return network(features, 6, classifier(128 * 6 * 6, 2048))


def cifar():
    features = nn.Sequential(
        nn.Conv2d(3, 48, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.BatchNorm2d(48),
        nn.Conv2d(48, 128, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.BatchNorm2d(128),
        nn.Conv2d(128, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 128, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
    return network(features, 4, classifier(128 * 4 * 4, 2048))


def paper():
    # The paper does not divide alpha by the five channels of a window, PyTorch does.
    damped = lambda: nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
    features = nn.Sequential(
        nn.Conv2d(3, 96, 11, 4),
        nn.ReLU(),
        damped(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(),
        damped(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    hidden = nn.Sequential(
        nn.Linear(256 * 6 * 6, 4096),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(4096, 10),
    )
    return network(features, 6, hidden)


def alexnets(golden):
    for name, build, size, draw in [
        ("alexnet_cifar", cifar, 32, 1),
        ("alexnet_half", half, 96, 0),
        ("alexnet", lambda: torchvision.models.alexnet(num_classes=10), 96, 0),
        ("alexnet_paper", paper, 99, 0),
    ]:
        formula.network(golden, name, build, dict(input_size=size, draw=draw))
