"""Writes golden/*.safetensors: what PyTorch computes, for main.rs to compare residual with.

    pip install torch torchvision safetensors numpy
    python tests/torch/generate.py [GROUP...]

Every group below runs twice on the same numbers, in f64 and in f32. Inputs are drawn in f32, so
both see them exactly. The files keep the inputs, the f64 results, and how far PyTorch's own f32
results lie from them, which is the measure for residual's f32. A file's metadata hold one entry,
`about`, which is JSON:

    torch       the version of PyTorch that wrote the file
    cases       the settings of every case, under PyTorch's names
    f32_errors  ||f32 - f64|| / ||f64|| of PyTorch itself, for every result "case/name"
"""

import json
import sys
from pathlib import Path

import alexnets
import formula
import googlenets
import resnets
import vggs

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn, optim

FOLDER = Path(__file__).parent / "golden"
SEED = 2015


class Golden:
    """One run of a group in one precision: collects the cases and their tensors."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.rng = torch.Generator().manual_seed(SEED)
        self.cases, self.inputs, self.results = {}, {}, {}

    def randn(self, *shape, scale=1, shift=0):
        return (scale * torch.randn(shape, generator=self.rng) + shift).to(self.dtype)

    def labels(self, count, classes):
        return torch.randint(classes, (count,), generator=self.rng)

    def case(self, name, settings, inputs, results):
        self.cases[name] = settings
        self.inputs |= {f"{name}/{k}": v.detach().clone() for k, v in inputs.items()}
        self.results |= {f"{name}/{k}": v.detach().clone() for k, v in results.items()}

    def derive(self, name, settings, f, inputs, constants={}):
        """A case of y = f(inputs, constants), with dL/dinput for a random dL/dy."""
        leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
        y = f(**leaves, **constants)
        dy = self.randn(*y.shape) if y.dim() else torch.ones_like(y)
        y.backward(dy)
        gradients = {f"d{k}": leaf.grad for k, leaf in leaves.items()}
        self.case(name, settings, {**inputs, **constants, "dy": dy}, {"y": y, **gradients})


def write(group):
    exact, rounded = Golden(torch.float64), Golden(torch.float32)
    group(exact)
    group(rounded)
    errors = {k: distance(k, rounded.results[k].double(), v.double()) for k, v in exact.results.items()}
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in exact.inputs.items()}
    tensors |= exact.results
    save(group.__name__, tensors, cases=exact.cases, f32_errors=errors)


def distance(key, a, b):
    if key.endswith(("/gradients", "/buffers")):
        return formula.distance(a, b)
    return ((a - b).norm() / b.norm().clamp_min(1e-300)).item()


def save(name, tensors, **about):
    path = FOLDER / f"{name}.safetensors"
    # One entry, because safetensors writes several in any order.
    metadata = {"about": json.dumps({"torch": torch.__version__, **about})}
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata)
    print(f"{path.name:30} {len(tensors):4} tensors {path.stat().st_size:8} bytes")


# Operations: y and every gradient.


def conv2d(golden):
    for name, x, w, settings in [
        ("lenet", (2, 1, 12, 12), (6, 1, 5, 5), dict(padding=2)),
        ("vgg", (1, 16, 7, 6), (32, 16, 3, 3), dict(padding=1)),
        ("vgg_stem", (2, 3, 9, 9), (16, 3, 3, 3), dict(padding=1)),
        ("resnet_stem", (1, 3, 13, 12), (17, 3, 7, 7), dict(stride=2, padding=3)),
        ("resnet_down", (2, 16, 6, 5), (17, 16, 3, 3), dict(stride=2, padding=1)),
        ("alexnet_stem", (1, 3, 15, 19), (6, 3, 11, 11), dict(stride=4, padding=2)),
        ("projection", (2, 32, 5, 5), (40, 32, 1, 1), dict()),
        ("projection_down", (2, 17, 7, 8), (16, 17, 1, 1), dict(stride=2)),
        ("odd_channels", (1, 5, 6, 7), (17, 5, 3, 3), dict()),
        ("wide", (1, 40, 5, 6), (5, 40, 3, 3), dict(padding=1)),
        ("stride_3", (2, 5, 10, 11), (16, 5, 3, 3), dict(stride=3)),
        ("stride_3_kernel_1", (1, 5, 8, 7), (3, 5, 1, 1), dict(stride=3)),
        ("dilated", (1, 16, 9, 8), (5, 16, 3, 3), dict(padding=2, dilation=2)),
        ("dilated_stride", (1, 3, 13, 12), (5, 3, 3, 3), dict(stride=2, padding=1, dilation=3)),
        ("groups_2", (1, 10, 6, 5), (40, 5, 3, 3), dict(padding=1, groups=2)),
        ("resnext", (2, 32, 5, 5), (32, 4, 3, 3), dict(stride=2, padding=1, groups=8)),
        ("depthwise", (2, 17, 6, 7), (17, 1, 3, 3), dict(padding=1, groups=17)),
        ("depthwise_times_2", (1, 5, 7, 7), (10, 1, 5, 5), dict(padding=2, groups=5)),
        ("rectangular", (2, 5, 7, 9), (16, 5, 1, 7), dict(stride=(2, 1), padding=(0, 3))),
        ("strides", (2, 6, 11, 9), (10, 3, 3, 5), dict(stride=(1, 2), padding=(2, 1), dilation=(3, 1), groups=2)),
        ("one_pixel", (3, 16, 1, 1), (5, 16, 3, 3), dict(padding=1)),
    ]:
        inputs = dict(x=golden.randn(*x), w=golden.randn(*w), b=golden.randn(w[0]))
        golden.derive(name, settings, lambda x, w, b: F.conv2d(x, w, b, **settings), inputs)


def linear(golden):
    for n, i, o in [(1, 1, 1), (4, 5, 3), (3, 17, 40), (2, 100, 10)]:
        inputs = dict(x=golden.randn(n, i), w=golden.randn(o, i), b=golden.randn(o))
        golden.derive(f"{n}x{i}x{o}", {}, lambda x, w, b: F.linear(x, w, b), inputs)


def activation(golden):
    # Rounded numbers hold exact zeros, where the derivative of ReLU is a convention.
    for kind in ["relu", "sigmoid", "tanh"]:
        f = lambda x: getattr(torch, kind)(x)
        golden.derive(kind, dict(kind=kind), f, dict(x=golden.randn(2, 5, 4, 3, scale=3)))
        golden.derive(f"{kind}_zeros", dict(kind=kind), f, dict(x=golden.randn(2, 5, 4, 3).round()))


def max_pool(golden):
    # Rounded numbers hold ties, of which PyTorch's gradient goes to the first.
    for name, x, ties, settings in [
        ("halves", (2, 5, 6, 8), False, dict(kernel_size=2, stride=2)),
        ("odd", (2, 17, 7, 5), False, dict(kernel_size=2, stride=2)),
        ("overlapping", (2, 16, 9, 7), False, dict(kernel_size=3, stride=2)),
        ("padded", (2, 3, 8, 8), False, dict(kernel_size=3, stride=2, padding=1)),
        ("same", (1, 17, 5, 6), False, dict(kernel_size=3, stride=1, padding=1)),
        ("ceil", (2, 5, 8, 6), False, dict(kernel_size=3, stride=2, ceil_mode=True)),
        ("ceil_padded", (1, 5, 6, 6), False, dict(kernel_size=2, stride=2, padding=1, ceil_mode=True)),
        ("ceil_drops_last", (1, 3, 5, 5), False, dict(kernel_size=1, stride=3, ceil_mode=True)),
        ("gaps", (1, 3, 8, 9), False, dict(kernel_size=2, stride=3)),
        ("rectangular", (1, 5, 8, 9), False, dict(kernel_size=(3, 2), stride=(2, 3), padding=(1, 0))),
        ("ties", (2, 17, 7, 7), True, dict(kernel_size=3, stride=2, padding=1)),
    ]:
        x = golden.randn(*x).round() if ties else golden.randn(*x)
        golden.derive(name, settings, lambda x: F.max_pool2d(x, **settings), dict(x=x))


def avg_pool(golden):
    for name, x, settings in [
        ("halves", (2, 5, 6, 8), dict(kernel_size=2, stride=2)),
        ("overlapping", (2, 17, 9, 7), dict(kernel_size=3, stride=2)),
        ("padded", (2, 3, 8, 8), dict(kernel_size=3, stride=2, padding=1)),
        ("same", (1, 16, 5, 6), dict(kernel_size=3, stride=1, padding=1)),
        ("ceil", (2, 5, 8, 6), dict(kernel_size=3, stride=2, ceil_mode=True)),
        ("ceil_padded", (2, 3, 8, 6), dict(kernel_size=3, stride=2, padding=1, ceil_mode=True)),
        ("rectangular", (1, 5, 8, 9), dict(kernel_size=(3, 2), stride=(2, 3), padding=(1, 0))),
    ]:
        x = golden.randn(*x)
        for counted in [True, False]:
            settings = {**settings, "count_include_pad": counted}
            f = lambda x: F.avg_pool2d(x, **settings)
            golden.derive(f"{name}_{'all' if counted else 'inside'}", settings, f, dict(x=x))


def global_avg_pool(golden):
    for name, x in [("wide", (2, 17, 7, 5)), ("one_pixel", (3, 5, 1, 1))]:
        golden.derive(name, {}, lambda x: F.adaptive_avg_pool2d(x, 1), dict(x=golden.randn(*x)))


def adaptive_avg_pool(golden):
    for name, x, output in [
        ("even", (2, 17, 6, 8), (3, 4)),
        ("uneven", (2, 16, 13, 11), (6, 7)),
        ("more_bins", (1, 5, 2, 3), (7, 7)),
        ("both", (2, 3, 4, 9), (6, 2)),
        ("one_pixel", (3, 5, 1, 1), (3, 3)),
    ]:
        f = lambda x: F.adaptive_avg_pool2d(x, output)
        golden.derive(name, dict(output_size=output), f, dict(x=golden.randn(*x)))


def local_response_norm(golden):
    for name, x, settings in [
        ("paper", (2, 17, 3, 4), dict(size=5, alpha=5e-4, beta=0.75, k=2.0)),
        ("defaults", (2, 40, 3, 2), dict(size=5)),
        ("strong", (2, 16, 4, 3), dict(size=3, alpha=2.0, beta=0.75, k=1.0)),
        ("even_window", (2, 17, 3, 3), dict(size=4, alpha=1.0, beta=0.5, k=0.5)),
        ("wider_than_channels", (1, 5, 3, 2), dict(size=9, alpha=3.0, beta=1.5, k=1.0)),
        ("alone", (2, 5, 2, 2), dict(size=1, alpha=1.0, beta=0.75, k=1.0)),
    ]:
        f = lambda x: F.local_response_norm(x, **settings)
        golden.derive(name, settings, f, dict(x=golden.randn(*x)))


def batch_norm(golden):
    # Means away from zero and scales away from one, as after a real layer.
    for name, shape, training in [
        ("train", (4, 17, 3, 5), True),
        ("train_16", (2, 16, 4, 4), True),
        ("train_vectors", (6, 5, 1, 1), True),
        ("eval", (4, 17, 3, 5), False),
    ]:
        c = shape[1]
        mean, var = golden.randn(c), golden.randn(c, scale=0.1, shift=1)
        before = dict(running_mean=mean.clone(), running_var=var.clone())
        inputs = dict(x=golden.randn(*shape, scale=2, shift=3), gamma=golden.randn(c), beta=golden.randn(c))
        f = lambda x, gamma, beta: F.batch_norm(x, mean, var, gamma, beta, training, momentum=0.1, eps=1e-5)
        golden.derive(name, dict(training=training), f, inputs)
        golden.case(name, dict(training=training), before, dict(new_running_mean=mean, new_running_var=var))


def concat(golden):
    for name, channels in [("three", (5, 17, 3)), ("one", (4,))]:
        inputs = {f"x{i}": golden.randn(2, c, 3, 4) for i, c in enumerate(channels)}
        golden.derive(name, dict(inputs=len(channels)), lambda **xs: torch.cat(list(xs.values()), 1), inputs)


def flatten_linear(golden):
    inputs = dict(x=golden.randn(2, 5, 3, 4), w=golden.randn(7, 60))
    golden.derive("flatten_linear", {}, lambda x, w: F.linear(torch.flatten(x, 1), w), inputs)


def softmax(golden):
    for name, scale in [("mild", 1), ("sharp", 5)]:
        golden.derive(name, {}, lambda x: F.softmax(x, 1), dict(x=golden.randn(4, 17, scale=scale)))


def cross_entropy(golden):
    for classes in [2, 10, 17]:
        for smoothing in [0.0, 0.1]:
            logits, labels = golden.randn(5, classes, scale=3), golden.labels(5, classes)
            f = lambda logits, labels: F.cross_entropy(logits, labels, label_smoothing=smoothing)
            settings = dict(label_smoothing=smoothing)
            golden.derive(f"{classes}_smoothing_{smoothing}", settings, f, dict(logits=logits), dict(labels=labels))


# Training: the parameters after every step for given gradients, and the learning rate of every step.

STEPS = 10


def optimizer(golden):
    for name, kind, settings in [
        ("sgd", "SGD", dict(lr=0.1)),
        ("sgd_decay", "SGD", dict(lr=0.1, weight_decay=0.05)),
        ("momentum", "SGD", dict(lr=0.1, momentum=0.9)),
        ("momentum_decay", "SGD", dict(lr=0.1, momentum=0.9, weight_decay=0.05)),
        ("nesterov", "SGD", dict(lr=0.1, momentum=0.9, nesterov=True)),
        ("nesterov_decay", "SGD", dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05)),
        ("adam", "Adam", dict(lr=0.01)),
        ("adam_l2", "Adam", dict(lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.05)),
        ("adamw", "AdamW", dict(lr=0.01, weight_decay=0.05)),
    ]:
        # The last row's gradient is always zero: only decay moves it.
        start, gradients = golden.randn(4, 5), golden.randn(STEPS, 4, 5)
        gradients[:, 3] = 0
        parameter, after = nn.Parameter(start.clone()), []
        optimizer = getattr(optim, kind)([parameter], **settings)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
            after.append(parameter.detach().clone())
        inputs, results = dict(start=start, gradients=gradients), dict(after=torch.stack(after))
        golden.case(name, dict(kind=kind, **settings), inputs, results)


def schedule(golden):
    """In steps, after a warm-up that is residual's own: linear, from a hundredth of the first rate."""
    scheduler, lr = optim.lr_scheduler, 0.3
    for name, shape, steps, settings in [
        ("constant", "constant", 10, dict()),
        ("step", "step", 40, dict(milestones=[0.5, 0.75], gamma=0.1)),
        ("step_three", "step", 37, dict(milestones=[0.2, 0.4, 0.9], gamma=0.5)),
        ("cosine", "cosine", 40, dict()),
        ("one_cycle", "one-cycle", 40, dict()),
        ("one_cycle_odd", "one-cycle", 37, dict()),
    ]:
        milestones = [round(at * steps) for at in settings.get("milestones", [])]
        make = {
            "constant": lambda o: scheduler.ConstantLR(o, factor=1),
            "step": lambda o: scheduler.MultiStepLR(o, milestones, settings["gamma"]),
            "cosine": lambda o: scheduler.CosineAnnealingLR(o, T_max=steps),
            "one-cycle": lambda o: scheduler.OneCycleLR(o, lr, total_steps=steps, cycle_momentum=False),
        }[shape]
        for warmup in [0, 1, 7]:
            optimizer = optim.SGD([nn.Parameter(torch.zeros(1))], lr)
            warm = [scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=warmup)] if warmup else []
            chain = scheduler.SequentialLR(optimizer, [*warm, make(optimizer)], [warmup] if warmup else [])
            rates = [chain.get_last_lr()[0]]
            for _ in range(warmup + steps - 1):
                optimizer.step()
                chain.step()
                rates += chain.get_last_lr()
            case = dict(shape=shape, lr=lr, steps=warmup + steps, warmup=warmup, **settings)
            golden.case(f"{name}_{warmup}", case, {}, dict(lr=torch.tensor(rates, dtype=torch.float64)))


# Whole models: names, layers and shapes are residual's.


class LeNet5(nn.Module):
    images, classes = (4, 1, 28, 28), 10

    def __init__(self, channels=1, padding=2):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=padding)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(F.relu(self.fc2(x)))


class BasicBlock(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.stride, self.added = stride, width - inputs
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        # Shortcut A of the paper: every second pixel, and channels of zeros behind the others.
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y + shortcut)


class ResNet8(nn.Module):
    images, classes = (4, 3, 32, 32), 10

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(BasicBlock(16, 16, 1))
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2))
        self.layer3 = nn.Sequential(BasicBlock(32, 64, 2))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def fresh(architecture, golden):
    """The same weights on every call; norms and their statistics away from 1 and 0."""
    torch.manual_seed(SEED)
    model = architecture()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if "bn" in name and tensor.is_floating_point():
                tensor.copy_(tensor + 0.1 * torch.randn_like(tensor))
    return model.to(golden.dtype)


def model(golden, architecture):
    model = fresh(architecture, golden)
    images = golden.randn(*architecture.images)
    labels = golden.labels(len(images), architecture.classes)
    results = dict(eval_logits=model.eval()(images))
    model.train()
    results["train_logits"] = model(images)
    results["loss"] = F.cross_entropy(results["train_logits"], labels)
    results["loss"].backward()
    results |= {f"grad/{name}": p.grad for name, p in model.named_parameters()}
    results |= {f"buffer/{name}": b for name, b in model.named_buffers()}
    golden.case("step", {}, dict(images=images, labels=labels), results)

    # With Adam's default eps of 1e-8 the first update is the sign of the gradient, even of one that is
    # rounding alone: in f32 one such weight of resnet8 walks the other way, and the losses part by 1e-4.
    for name, kind, settings in [
        ("sgd", "SGD", dict(lr=0.05, momentum=0.9, weight_decay=5e-4)),
        ("adam", "Adam", dict(lr=1e-3, eps=1e-5)),
        ("adamw", "AdamW", dict(lr=1e-3, eps=1e-5, weight_decay=1e-2)),
    ]:
        model, losses = fresh(architecture, golden).train(), []
        optimizer = getattr(optim, kind)(model.parameters(), **settings)
        for _ in range(5):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        golden.case(name, dict(kind=kind, **settings), {}, dict(losses=torch.stack(losses)))


def lenet5(golden):
    model(golden, LeNet5)


def resnet8(golden):
    model(golden, ResNet8)


def lenet5_colour(golden):
    formula.network(golden, "lenet5", lambda: LeNet5(3, padding=0), dict(input_size=32))


GROUPS = [
    conv2d,
    linear,
    activation,
    max_pool,
    avg_pool,
    global_avg_pool,
    adaptive_avg_pool,
    local_response_norm,
    batch_norm,
    concat,
    flatten_linear,
    softmax,
    cross_entropy,
    optimizer,
    schedule,
    lenet5,
    resnet8,
    lenet5_colour,
    resnets.resnets_cifar,
    resnets.resnets_small,
    resnets.resnets,
    resnets.resnexts,
    alexnets.alexnets,
    vggs.vggs,
    googlenets.googlenets,
]

if __name__ == "__main__":
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    chosen = sys.argv[1:]
    for group in GROUPS:
        if not chosen or group.__name__ in chosen:
            write(group)
    for architecture in [LeNet5, ResNet8]:
        name = architecture.__name__.lower()
        if not chosen or name in chosen:
            save(f"{name}_weights", fresh(architecture, Golden(torch.float32)).state_dict())
