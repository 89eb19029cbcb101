"""Residual networks under residual's names: torchvision's own, and those that it lacks."""

import torch
import torch.nn.functional as F
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
    for kind, depth, draw in [*cases, ("plain", 20, 2)]:
        build = lambda: CifarResNet(depth, kind == "resnet")
        formula.network(golden, f"{kind}{depth}", build, dict(input_size=16, draw=draw))
