"""Loads what residual wrote into torchvision's networks, strictly, and holds every number to the formula.

    cargo test --test torch -- --ignored writes_what_pytorch_reads
    python tests/torch/read_back.py
"""

from pathlib import Path

import formula
import torch
import torchvision
from safetensors.torch import load_file

NETWORKS = ["alexnet", "vgg11_bn", "googlenet", "resnet18", "resnet50", "resnext50_32x4d"]
FOLDER = Path(__file__).parents[2] / "target" / "tmp"
COUNT = 77


def read_back(name):
    written = load_file(FOLDER / f"{name}.safetensors")
    options = {"init_weights": False} if name == "googlenet" else {}
    model = getattr(torchvision.models, name)(**options)
    outcome = model.load_state_dict(written, strict=True)
    formula.fill(model, norm_bias=0)
    counts = 0
    for key, expected in model.state_dict().items():
        found = written[key]
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), key
        if key.endswith("num_batches_tracked"):
            assert found.dtype == torch.int64 and found.item() == COUNT, key
            counts += 1
        else:
            assert torch.equal(found, expected), key
    print(f"{name}: {outcome}, {len(written)} tensors, {counts} of them counts of {COUNT}")


if __name__ == "__main__":
    for network in NETWORKS:
        read_back(network)
