"""Residual and PyTorch on the same networks, in turn: images a second, and how much memory each takes.

    pip install torch torchvision          # and, to compare inference with it: onnx onnxruntime onnxscript
    python benches/compare.py              # every row; --help for fewer

Every side is a process of its own that waits for its turn, stopped, so that nobody's spinning threads disturb
another's. All run for the same few seconds, one after the other, round after round; what is printed is the median
of the rounds, and the median of each round's ratio of residual to the best other side. For Linux: memory is read from /proc.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parent.parent
TRAIN = dict(lenet5=64, resnet20=32, resnet18_cifar=32, vgg16_cifar=32, googlenet_cifar=32, resnet50=8, resnext50_32x4d=8)
INFER = dict(resnet18_cifar=32, resnet50=1, resnext50_32x4d=1, googlenet=1, vgg16=1)
FORMS = dict(train=["nchw", "channels_last", "compile"], infer=["nchw", "channels_last", "compile", "onnx"])


def network(name):
    """PyTorch's network, with the layers that residual's has; tests/torch checks that they compute the same."""
    sys.path.insert(0, str(PROJECT / "tests" / "torch"))
    import torchvision

    if name == "lenet5":
        import generate

        return generate.LeNet5(), (1, 28, 28), 10
    if name == "resnet18_cifar":
        import resnets

        return resnets.ResNet18Cifar(), (3, 32, 32), 10
    if name == "resnet20":
        import resnets

        return resnets.CifarResNet(20, residual=True), (3, 32, 32), 10
    if name == "vgg16_cifar":
        import vggs

        return vggs.cifar(), (3, 32, 32), 10
    if name == "googlenet_cifar":
        import googlenets

        return googlenets.cifar(), (3, 32, 32), 10
    aux = dict(aux_logits=False) if name == "googlenet" else {}
    return getattr(torchvision.models, name)(**aux), (3, 224, 224), 1000


def serve(name, batch, what, form, threads):
    """Answers each line of the input, a number of seconds, with images a second."""
    import torch

    torch.set_num_threads(threads)
    model, image, classes = network(name)
    x, labels = torch.randn(batch, *image), torch.arange(batch) % classes
    step = dict(train=trainer, infer=scorer)[what](model, x, labels, form, threads)
    for line in sys.stdin:
        seconds, start, steps = float(line), time.perf_counter(), 0
        while steps == 0 or time.perf_counter() - start < seconds:
            step()
            steps += 1
        print(steps * batch / (time.perf_counter() - start), flush=True)


def trainer(model, x, labels, form, _threads):
    import torch

    if form == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    model.train()
    run = torch.compile(model) if form == "compile" else model

    def step():
        sgd.zero_grad(set_to_none=True)
        scores = run(x)
        torch.nn.functional.cross_entropy(getattr(scores, "logits", scores), labels).backward()
        sgd.step()

    return step


def scorer(model, x, _labels, form, threads):
    import torch

    model.eval()
    if form == "onnx":
        return onnx(model, x, threads)
    if form == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    run = torch.compile(model) if form == "compile" else model

    def step():
        with torch.inference_mode():
            run(x)

    return step


def onnx(model, x, threads):
    import onnxruntime
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        torch.onnx.export(model, (x,), path, input_names=["x"], dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    x = x.numpy()
    return lambda: session.run(None, {"x": x})


class Side:
    """A process that works when told to, and stands still otherwise."""

    def __init__(self, command, **environment):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=dict(os.environ, **environment),
        )  # fmt: skip
        os.kill(self.process.pid, signal.SIGSTOP)
        self.rates, self.peak = [], 0

    def run(self, seconds):
        """Images a second. The process goes on, until it is stopped."""
        os.kill(self.process.pid, signal.SIGCONT)
        try:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            self.errors.seek(0)
            raise SystemExit(f"{' '.join(self.process.args)} failed:\n{self.errors.read()[-3000:]}")

    def measure(self, seconds):
        self.rates.append(self.run(seconds))
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.peak = int(status.split("VmHWM:")[1].split()[0]) // 1024
        os.kill(self.process.pid, signal.SIGSTOP)

    def end(self):
        self.process.kill()
        self.process.wait()


def program():
    """The benchmark's executable, built as cargo bench builds it."""
    command = ["cargo", "bench", "--no-run", "--bench", "training_step", "--message-format", "json"]
    lines = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines]
    return next(x["executable"] for x in built if x.get("executable") and x["target"]["name"] == "training_step")


def sides(exe, what, name, batch, threads, forms):
    """Residual, and every form of the others; with several threads, waiting both asleep and spinning."""
    task = [name, str(batch), what]
    yield "residual", Side([exe, "serve", *task, str(threads)])
    for form in forms:
        for policy in ["PASSIVE", "ACTIVE"] if threads > 1 and form != "onnx" else ["PASSIVE"]:
            command = [sys.executable, __file__, "--serve", *task, form, str(threads)]
            label = form + (" (spinning)" if policy == "ACTIVE" else "")
            yield label, Side(command, OMP_WAIT_POLICY=policy, OMP_NUM_THREADS=str(threads))


def compare(exe, what, name, batch, threads, forms, rounds, seconds):
    """One row of the table."""
    all_sides = dict(sides(exe, what, name, batch, threads, forms))
    try:
        for side in all_sides.values():
            side.measure(seconds / 2)
            side.rates.clear()
        for _ in range(rounds):
            for side in all_sides.values():
                side.measure(seconds)
    finally:
        for side in all_sides.values():
            side.end()
    ours = all_sides.pop("residual")
    median = lambda side: statistics.median(side.rates)
    best = max(all_sides, key=lambda label: median(all_sides[label]))
    ratio = statistics.median(a / b for a, b in zip(ours.rates, all_sides[best].rates))
    others = ", ".join(f"{label} {median(side):.4g}" for label, side in all_sides.items())
    memory = f"{ours.peak} / {min(side.peak for side in all_sides.values())}"
    print(f"| {what} | {name} | {batch} | {threads} | {median(ours):.4g} | {median(all_sides[best]):.4g} ({best}) "
          f"| **{ratio:.2f}** | {memory} |", flush=True)  # fmt: skip
    print(f"{what} {name} x{batch} on {threads}: {others}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[*TRAIN, *INFER, []], help="only these")
    parser.add_argument("--only", choices=FORMS, help="only training or only inference")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--forms", nargs="+", help="only these forms of the others: " + ", ".join(FORMS["infer"]))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each side in each round")
    parser.add_argument("--serve", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        name, batch, what, form, threads = args.serve
        return serve(name, int(batch), what, form, int(threads))
    import torch

    exe = program()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{cpu}, {os.cpu_count()} cores; {time.strftime('%Y-%m-%d')}; f32; PyTorch {torch.__version__}, "
          f"Python {platform.python_version()}\n")  # fmt: skip
    print("| | network | batch | threads | residual, img/s | best other, img/s | ratio | memory, MB |")
    print("|---|---|---|---|---|---|---|---|")
    for what, networks in dict(train=TRAIN, infer=INFER).items():
        forms = [form for form in args.forms or FORMS[what] if form in FORMS[what]]
        for name, batch in networks.items() if args.only in (None, what) else []:
            if not args.networks or name in args.networks:
                for threads in args.threads:
                    compare(exe, what, name, batch, threads, forms, args.rounds, args.seconds)


if __name__ == "__main__":
    main()
