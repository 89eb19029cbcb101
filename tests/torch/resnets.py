"""Residual networks under residual's names: torchvision's own, and those that it lacks."""

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import formula


class CifarBlock(nn.Module):
    def __init__(self, inputs, width, stride, residual):
        super().__init__()
        self.stride, self.added, self.residual = stride, width - inputs, residual
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.residual:
            # Shortcut A: every second pixel, and channels of zeros behind the others.
            y = y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y)


class CifarResNet(nn.Module):
    """Section 4.2 of the paper, and its plain twin."""

    def __init__(self, depth, residual):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for i, (inputs, width) in enumerate([(16, 16), (16, 32), (32, 64)]):
            blocks = [CifarBlock(inputs if j == 0 else width, width, width // inputs if j == 0 else 1, residual)
                      for j in range(depth // 6)]  # fmt: skip
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def resnets_cifar(golden):
    cases = [("resnet", 20, 0), ("resnet", 32, 1), ("resnet", 44, 0), ("resnet", 56, 0), ("resnet", 110, 0)]
    plain = [("plain", 20, 2), ("plain", 32, 0), ("plain", 44, 0), ("plain", 56, 0)]
    for kind, depth, draw in [*cases, *plain]:
        build = lambda: CifarResNet(depth, kind == "resnet")
        settings = dict(input_size=16, draw=draw, norm_bias=0.5 if kind == "plain" else 0)
        formula.network(golden, f"{kind}{depth}", build, settings)


class WideBlock(nn.Module):
    """A block of `ResNet18Cifar` or `ResNetMini`: a projection of this kernel, and channels between."""

    def __init__(self, inputs, between, width, stride, kernel):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, between, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(between)
        self.conv2 = nn.Conv2d(between, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = nn.Sequential()
        if (inputs, stride) != (width, 1):
            projection = nn.Conv2d(inputs, width, kernel, stride, padding=kernel // 2, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class ResNet18Cifar(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for i, (inputs, width, stride) in enumerate([(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]):
            blocks = [WideBlock(inputs, width, width, stride, 3), WideBlock(width, width, width, 1, 3)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class ResNetMini(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for i, (inputs, width) in enumerate([(64, 128), (128, 256), (256, 512), (512, 512)]):
            self.add_module(f"layer{i + 1}", WideBlock(inputs, inputs, width, 2, 1))
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = self.bn1(self.conv1(x))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def resnext50_bias(num_classes):
    model = torchvision.models.resnext50_32x4d(num_classes=num_classes)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
    return model


def resnets_small(golden):
    formula.network(golden, "resnet18_cifar", ResNet18Cifar, dict(input_size=32))
    formula.network(golden, "resnet_mini", ResNetMini, dict(input_size=32, n=4))


def resnets(golden):
    for name, draw in [
        ("resnet18", 0),
        ("resnet34", 1),
        ("resnet50", 0),
        ("resnet101", 0),
        ("resnet152", 0),
    ]:
        network(golden, name, draw)


def resnexts(golden):
    for name, draw in [
        ("resnext50_32x4d", 1),
        ("resnext50_bias", 0),
        ("resnext101_32x8d", 0),
        ("resnext101_64x4d", 0),
        ("wide_resnet50_2", 0),
        ("wide_resnet101_2", 0),
    ]:
        network(golden, name, draw)


def network(golden, name, draw):
    build = resnext50_bias if name == "resnext50_bias" else getattr(torchvision.models, name)
    formula.network(golden, name, lambda: build(num_classes=10), dict(input_size=48, draw=draw))
