"""Writes golden/weights.pth and golden/weights.safetensors: the same numbers in both, which the tests of
weights read; and golden/state_dicts.json: the names, types and shapes of torchvision's networks."""

import json
from collections import OrderedDict
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file

FOLDER = Path(__file__).parent / "golden"
NETWORKS = ["alexnet", "vgg11_bn", "googlenet", "resnet18", "resnet50", "resnext50_32x4d"]
TYPES = {torch.float32: "F32", torch.int64: "I64"}


def weights():
    """Every type, and every way in which a tensor can lie in its storage."""
    rng = torch.Generator().manual_seed(2016)
    draw = lambda *shape: torch.randn(shape, generator=rng)
    shared, padded = draw(20), draw(2, 3, 4, 4)
    return OrderedDict(
        {
            "single": draw(3, 2),
            "double": draw(5).double(),
            "half": torch.cat([draw(3), torch.tensor([6e-8, 65504.0])]).half(),
            "brain": draw(4).bfloat16(),
            "num_batches_tracked": torch.tensor(1 << 40),
            "parameter": torch.nn.Parameter(draw(2)),
            "transposed": draw(3, 4).t(),
            "channels_last": draw(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
            "first": shared[:8].view(2, 4),
            "second": shared[8:],
            "inner": padded[:, 1:, 1:3, ::2],
            "repeated": draw(3, 1).expand(3, 2),
            "empty": torch.empty(0, 4),
        }
    )


def write():
    sd = weights()
    save_file({k: v.detach().contiguous().clone() for k, v in sd.items()}, FOLDER / "weights.safetensors")
    names = {f"module.{k}": v for k, v in sd.items()}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9).state_dict()
    torch.save({"epoch": 3, "best": 0.5, "state_dict": names, "optimizer": optimizer}, FOLDER / "weights.pth")
    net = torch.nn.Sequential(torch.nn.Linear(2, 1))
    torch.manual_seed(0)
    torch.save(net.state_dict(), FOLDER / "linear.pth")
    torch.save(net.state_dict(), FOLDER / "linear_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(net, FOLDER / "linear_module.pth")
    networks = {
        name: {k: [TYPES[v.dtype], list(v.shape)] for k, v in getattr(torchvision.models, name)().state_dict().items()}
        for name in NETWORKS
    }
    (FOLDER / "state_dicts.json").write_text(json.dumps(networks, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write()
