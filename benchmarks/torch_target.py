"""The emitted programs against torchvision's own models: forward and training step, interleaved in one run.

    python benchmarks/torch_target.py [--batch 4] [--rounds 15] [--threads 1] [MODEL …]

Needs torchvision. Each round runs both, in an order that changes from round to round; the ratio is the
median of the rounds' ratios. Peak memory (`--memory`) is what each needs in a process of its own, above
what the imports need.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

MODELS = {
    "resnet50": ("zoo:resnet", "ResNet50"),
    "densenet121": ("zoo:densenet", "DenseNet121"),
    "mobilenet_v2": ("zoo:mobilenet_v2", "MobileNetV2"),
    "googlenet": ("zoo:googlenet", "GoogLeNet"),
}
MIB = 1024


def program(name: str) -> str:
    """Written by another process: what the compiler needs is not the program's."""
    spec, variant = MODELS[name]
    command = [sys.executable, "-m", "cnnspec", "build", spec, "--variant", variant, "--target", "torch"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def emitted(name: str) -> nn.Module:
    names: dict[str, object] = {"__name__": "emitted"}
    exec(compile(program(name), name, "exec"), names)
    model = names[MODELS[name][1]]
    assert isinstance(model, type)
    return model()


def theirs(name: str) -> nn.Module:
    import torchvision

    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return model


def forward(model: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    model.eval()

    def run() -> None:
        with torch.no_grad():
            model(x)

    return run


def step(model: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    target = torch.zeros(len(x), dtype=torch.long)

    def run() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()

    return run


KINDS = {"forward": forward, "training step": step}


def ratio(ours: Callable[[], None], others: Callable[[], None], rounds: int) -> tuple[float, float, float]:
    """(median ratio, seconds of ours, seconds of theirs)."""
    times: dict[int, list[float]] = {0: [], 1: []}
    runs = (ours, others)
    for number in range(rounds + 2):
        for which in (0, 1) if number % 2 else (1, 0):
            start = time.perf_counter()
            runs[which]()
            if number >= 2:  # the first two warm up
                times[which].append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(times[0], times[1], strict=True)]
    return statistics.median(ratios), statistics.median(times[0]), statistics.median(times[1])


def most() -> float:
    """The most KiB that this process has held. Not `ru_maxrss` on Linux: a child inherits its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text().split("VmHWM:")[1].split()[0])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak(name: str, kind: str, which: str, batch: int) -> float:
    """MiB that a process needs for it, above what it needed before."""
    import torchvision  # noqa: F401  (both processes import the same)

    x = torch.randn(batch, 3, 224, 224)
    before = most()
    run = KINDS[kind](emitted(name) if which == "ours" else theirs(name), x)
    for _ in range(3):
        run()
    return (most() - before) / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", action="store_true", help="peak memory too")
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak:
        print(peak(*options.peak, options.batch))
        return
    print(f"batch {options.batch}, threads {options.threads}, rounds {options.rounds}")
    print(
        f"{'model':14}{'what':16}{'emitted':>10}{'torchvision':>13}{'ratio':>8}"
        + "   peak MiB" * options.memory
    )
    for name in options.models or list(MODELS):
        x = torch.randn(options.batch, 3, 224, 224)
        for kind, make in KINDS.items():
            both, ours, others = ratio(make(emitted(name), x), make(theirs(name), x), options.rounds)
            line = f"{name:14}{kind:16}{ours * 1000:8.1f}ms{others * 1000:11.1f}ms{both:8.3f}"
            if options.memory:
                sizes = []
                for which in ("ours", "theirs"):
                    command = [
                        sys.executable,
                        __file__,
                        "--batch",
                        str(options.batch),
                        "--threads",
                        str(options.threads),
                        "--peak",
                        name,
                        kind,
                        which,
                    ]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    sizes.append(float(done.stdout))
                line += f"   {sizes[0]:.0f} : {sizes[1]:.0f} = {sizes[0] / sizes[1]:.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
