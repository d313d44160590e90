"""Training on an accelerator: emitted modules beside torchvision's, and train.py beside a plain loop.

    python benchmarks/training.py             on a GPU: bfloat16, channels_last, 224x224
    python benchmarks/training.py --dry-run   the same code in a minute, on two small batches and any machine

Needs torchvision. Of each model, in images per second and in peak memory: a step of the emitted module and of
torchvision's, in turns, eager and compiled. The compiled module must be one graph, and must not be compiled
again after its second step. Of train.py, `images_per_second` of its last epoch against the same steps of a
loop as torchvision's reference script has it, on the same images in memory. The exit status is 1 if a bound
is missed; a dry run has none.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MODELS = {
    "resnet50": ("zoo:resnet", "ResNet50"),
    "mobilenet_v3_large": ("zoo:mobilenet_v3", "MobileNetV3Large"),
}
BOUNDS = {"speed": 0.98, "memory": 1.02, "loop": 1.0}
RECIPE = """\
[data]
source = "npz"
path = "images.npz"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]

[augment]
flip = true

[optimizer]
name = "sgd"
rate = 0.001
momentum = 0.9
weight_decay = 1e-4
decay_all = true

[schedule]
epochs = 2
batch = {batch}

[run]
amp = true
channels_last = true
deterministic = false
"""


def cnnspec(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "cnnspec", *arguments], check=True, stdout=subprocess.DEVNULL)


def emitted(name: str, folder: Path) -> nn.Module:
    """The module as `cnnspec build` writes it, by a process of its own."""
    spec, variant = MODELS[name]
    path = folder / f"{name}.py"
    cnnspec("build", spec, "--variant", variant, "--target", "torch", "-o", str(path), "--force")
    names: dict[str, Any] = {"__name__": name}
    exec(compile(path.read_text(), str(path), "exec"), names)
    classes = [one for one in names.values() if isinstance(one, type) and issubclass(one, nn.Module)]
    model: nn.Module = classes[-1]()
    return model


def theirs(name: str) -> nn.Module:
    import torchvision

    model: nn.Module = torchvision.models.get_model(name, weights=None)
    return model


def learn(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """One step in bfloat16."""
    with torch.autocast(x.device.type, torch.bfloat16):
        loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def stepper(model: nn.Module, options: argparse.Namespace, compiled: bool) -> Callable[[], None]:
    """A function that takes one step; a compiled model is one graph, and is warm."""
    device = torch.device(options.device)
    model = model.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    shape = options.batch, 3, options.size, options.size
    x = torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (options.batch,), device=device)
    if compiled:
        backend = "aot_eager" if options.dry_run else "inductor"
        model = torch.compile(model, fullgraph=True, backend=backend)  # type: ignore[assignment]
        for _ in range(2):
            learn(model, optimizer, x, y)

    def run() -> None:
        with torch.compiler.set_stance("fail_on_recompile" if compiled else "default"):
            for _ in range(options.steps):
                learn(model, optimizer, x, y)
        wait(options)

    return run


def wait(options: argparse.Namespace) -> None:
    if options.device == "cuda":
        torch.cuda.synchronize()


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak(run: Callable[[], object], options: argparse.Namespace) -> float:
    """MiB of the accelerator that the run holds at its peak, beside what others hold; 0 without one."""
    if options.device != "cuda":
        return 0.0
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    run()
    return (torch.cuda.max_memory_allocated() - held) / 2**20


def compare(name: str, compiled: bool, folder: Path, options: argparse.Namespace) -> bool:
    """One line of the table; whether it is within the bounds."""
    runs = [stepper(model, options, compiled) for model in (emitted(name, folder), theirs(name))]
    times: list[list[float]] = [[], []]
    for number in range(options.rounds + 1):
        for which in (0, 1) if number % 2 else (1, 0):
            took = seconds(runs[which])
            if number:  # the first round warms up
                times[which].append(took)
    speed = statistics.median(b / a for a, b in zip(*times, strict=True))
    rate = options.batch * options.steps / statistics.median(times[0])
    ours, others = (peak(run, options) for run in runs)
    memory = ours / others if others else 1.0
    how = "compiled" if compiled else "eager"
    print(f"{name:20}{how:10}{rate:10,.0f} images/s  speed {speed:.3f}  memory {memory:.3f}", flush=True)
    return speed >= BOUNDS["speed"] and memory <= BOUNDS["memory"]


def epochs(images: np.ndarray, labels: np.ndarray, options: argparse.Namespace) -> Iterator[float]:
    """Seconds of each epoch of a loop as torchvision's reference script has it, with images in memory."""
    device = torch.device(options.device)
    model = theirs("resnet50").to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    mean = torch.tensor([0.485, 0.456, 0.406], device=device).view(-1, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], device=device).view(-1, 1, 1)
    for _ in range(2):
        model.train()
        start, order = time.perf_counter(), torch.randperm(len(images)).numpy()
        for rows in np.split(order, range(options.batch, len(order), options.batch)):
            x = torch.from_numpy(images[rows]).to(device, non_blocking=True) / 255
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=device) < 0.5, x.flip(-1), x)
            x = ((x - mean) / std).contiguous(memory_format=torch.channels_last)
            loss = learn(model, optimizer, x, torch.from_numpy(labels[rows]).to(device))
        assert torch.isfinite(loss)
        wait(options)
        yield time.perf_counter() - start


def script(folder: Path, options: argparse.Namespace) -> bool:
    """train.py of ResNet-50 against the loop; whether it is as fast."""
    random, count = np.random.default_rng(0), options.batch * options.steps
    images = random.integers(0, 256, (count, 3, options.size, options.size), dtype=np.uint8)
    labels = random.integers(0, 1000, count)
    held_out = slice(0, options.batch)
    arrays = {"x_test": images[held_out], "y_test": labels[held_out]}
    np.savez(folder / "images.npz", x_train=images, y_train=labels, **arrays)
    (folder / "recipe.toml").write_text(RECIPE.format(batch=options.batch))
    spec, variant = MODELS["resnet50"]
    files = "--recipe", str(folder / "recipe.toml"), "-o", str(folder / "run")
    size = f"3x{options.size}x{options.size}"
    cnnspec("build", spec, "--variant", variant, "--size", size, "--target", "torch", *files)
    subprocess.run([sys.executable, str(folder / "run" / "train.py")], check=True, stdout=subprocess.DEVNULL)
    with open(folder / "run" / "log.csv", newline="") as file:
        (*_, last) = csv.DictReader(file)
    (*_, took) = epochs(images, labels, options)
    rate = count / float(last["seconds"])
    ratio = rate * took / count
    print(f"{'train.py, resnet50':30}{rate:10,.0f} images/s  over the reference loop {ratio:.3f}")
    return ratio >= BOUNDS["loop"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--steps", type=int, default=20, help="of a round")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--dry-run", action="store_true", help="small, on the CPU, without bounds")
    options = parser.parse_args()
    if options.dry_run:
        options.device, options.batch, options.size, options.steps, options.rounds = "cpu", 4, 32, 2, 1
    elif not torch.cuda.is_available():
        parser.error("no accelerator: --dry-run shows that the script works")
    torch.backends.cudnn.benchmark = True
    print(f"torch {torch.__version__}, {options.device}, batch {options.batch}, {options.size} pixels")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        well = [
            compare(name, compiled, folder, options) for name in options.models for compiled in (False, True)
        ]
        well.append(script(folder, options))
    return 0 if options.dry_run or all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
