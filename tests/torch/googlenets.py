"""GoogLeNet under residual's names: torchvision's own, and the two that it lacks, made from its parts."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.googlenet import GoogLeNet, Inception

import formula


class Biased(nn.Module):
    def __init__(self, inputs, outputs, **settings):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, **settings)

    def forward(self, x):
        return F.relu(self.conv(x))


class PaperInception(Inception):
    def __init__(self, inputs, ones, reduce3, threes, reduce5, fives, pooled):
        super().__init__(inputs, ones, reduce3, threes, reduce5, fives, pooled, conv_block=Biased)
        self.branch3[1] = Biased(reduce5, fives, kernel_size=5, padding=2)


class PaperHead(nn.Module):
    def __init__(self, pixels, inputs, classes, dropout):
        super().__init__()
        self.conv = Biased(inputs, 128, kernel_size=1)
        self.fc1 = nn.Linear(128 * pixels, 1024)
        self.fc2 = nn.Linear(1024, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = torch.flatten(self.conv(F.avg_pool2d(x, 5, 3)), 1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


def paper():
    # Images of 128x128 are 8x8 where the heads stand: 2x2 averages.
    head = partial(PaperHead, 4)
    model = GoogLeNet(10, init_weights=False, blocks=[Biased, PaperInception, head], dropout=0.4)
    model.maxpool4 = nn.MaxPool2d(3, 2, ceil_mode=True)
    return model


def cifar():
    model = GoogLeNet(10, False, init_weights=False, blocks=[Biased, PaperInception, None], dropout=0.4)
    model.maxpool1 = nn.MaxPool2d(3, 2)
    for name in ["maxpool2", "maxpool3", "maxpool4"]:
        setattr(model, name, nn.MaxPool2d(3, 2, padding=1))
    return model


def googlenets(golden):
    torchvision = partial(GoogLeNet, 10, init_weights=False)
    formula.network(golden, "googlenet", torchvision, dict(input_size=80, norm_bias=1))
    transformed = partial(torchvision, transform_input=True)
    settings = dict(input_size=80, norm_bias=1, model="googlenet", transform_input=True)
    formula.network(golden, "googlenet_transformed", transformed, settings)
    formula.network(golden, "googlenet_paper", paper, dict(input_size=128))
    formula.network(golden, "googlenet_cifar", cifar, dict(input_size=32))
