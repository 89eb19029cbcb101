"""Weights, images and labels that PyTorch and residual both make by one formula, so that no file holds them.

formula.rs is the twin of this file: what one changes, the other changes.

    hash(name, i)      a 32-bit mixture of the FNV-1a hash of the name and the position i
    uniform(name, i)   its upper 24 bits as a number in [-1, 1), exact in f32

Weights have He's variance, 2 / fan_in, so that signals neither die out nor explode; what belongs to a
norm lies near where it lies after training; biases are small and not zero. `norm_bias` is added to those
of norms: it opens ReLUs, where so many norms follow each other without shortcuts that every one would
add to the rounding of those before it.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CHUNK = 1 << 22
AUXILIARY = 0.3


def hash(name, start, stop):
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    h = np.arange(start, stop, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(seed)
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return h ^ h >> np.uint32(16)


def uniform(name, shape):
    length, parts = int(np.prod(shape)), []
    for start in range(0, length, CHUNK):
        h = hash(name, start, min(length, start + CHUNK))
        parts.append(torch.from_numpy((h >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - 1))
    return torch.cat(parts).reshape(shape)


def tensor(name, shape):
    """A parameter or a running statistic, from its name and shape."""
    u = uniform(name, shape)
    if len(shape) > 1:
        # The product in f64, rounded to f32 once.
        return (u.double() * math.sqrt(6 / np.prod(shape[1:]))).float()
    if name.endswith("running_var"):
        return 1 + 0.25 * u
    if name.endswith("bn3.weight"):
        # Behind a bottleneck: a deep network of bodies as large as their shortcuts doubles rounding in every block.
        return 0.125 + 0.0625 * u
    return 0.75 + 0.25 * u if name.endswith("weight") else 0.125 * u


def fill(model, norm_bias):
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                added = norm_bias if "bn" in name and name.endswith("bias") else 0
                value.copy_(tensor(name, value.shape) + added)


def images(draw, n, channels, size):
    return 1.75 * uniform(f"images/{draw}", (n, channels, size, size))


def labels(n, classes):
    return torch.from_numpy((hash("labels", 0, n) % classes).astype(np.int64))


def summary(name, tensor):
    """Of a tensor too large to keep: its norm, its product with a drawn direction, and 8 entries."""
    flat = tensor.detach().double().reshape(-1)
    direction = uniform(f"{name}/direction", flat.shape).double()
    places = torch.from_numpy((hash(f"{name}/places", 0, 8) % len(flat)).astype(np.int64))
    return torch.cat([flat.norm().reshape(1), (flat @ direction).reshape(1), flat[places]])


def network(golden, name, build, settings):
    """A case: `build()` in one step of training, without dropout; heads count `AUXILIARY` each.

    What residual calls it is the setting `model`, or `name`.
    """
    settings = dict(dict(draw=0, n=2, classes=10, in_channels=3, input_size=64), **settings)
    n, classes = settings["n"], settings["classes"]
    with torch.device("meta"):
        model = build()
    model = model.to_empty(device="cpu")
    fill(model, settings.get("norm_bias", 0))
    model = model.to(golden.dtype).eval()
    x = images(settings["draw"], n, settings["in_channels"], settings["input_size"]).to(golden.dtype)
    y = labels(n, classes)
    with torch.no_grad():
        results = dict(eval_logits=model(x))
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    logits = model(x)
    heads = []
    if not isinstance(logits, torch.Tensor):
        logits, heads = logits.logits, [logits.aux_logits1, logits.aux_logits2]
    loss = F.cross_entropy(logits, y) + AUXILIARY * sum(F.cross_entropy(head, y) for head in heads)
    loss.backward()
    results |= dict(train_logits=logits, loss=loss)
    results |= {f"aux{i + 1}": head for i, head in enumerate(heads)}
    parameters = dict(model.named_parameters())
    buffers = {k: b for k, b in model.named_buffers() if b.is_floating_point()}
    results["gradients"] = torch.stack([summary(k, p.grad) for k, p in parameters.items()])
    if buffers:
        results["buffers"] = torch.stack([summary(k, b) for k, b in buffers.items()])
    golden.case(name, dict(settings, parameters=list(parameters), buffers=list(buffers)), {}, results)


def distance(a, b):
    """Of rows of summaries: the worst distance of a norm or product, relative to the row's norm."""
    norms = b[:, 0].abs()
    return ((a - b)[:, :2].abs().amax(1) / norms.clamp_min(1e-3 * norms.max())).max().item()
