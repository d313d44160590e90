"""The emitted NumPy programs against torch eager on the CPU, one thread each, the same
weights, taken in turns.

python benchmarks/numpy_target.py             everything
    python benchmarks/numpy_target.py forward     one part: forward, step or memory
    python benchmarks/numpy_target.py --rounds 9

Times are the least of all rounds, in milliseconds of processor time, and the ratio is
the median over the rounds' pairs. torch runs the program that the torch target emits
for the same spec. A training step is forward, cross entropy, backward (the input's
gradient too, on both sides) and plain gradient descent. Memory is the most that a
process of its own had resident, less what it had before it made the network.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

from cnnspec.api import build, load  # noqa: E402

SPECS = Path(__file__).resolve().parents[1] / "specs"
FORWARD = [
    # spec, variant, the most that the ratio may be
    ("classic/vgg.cnn", "VGG16", 2.0),
    ("deep/resnet.cnn", "ResNet50", 2.0),
    ("light/mobilenet_v2.cnn", "MobileNetV2", 3.0),
    ("classic/googlenet.cnn", None, 2.0),
]
CIFAR = """model CifarNet
input 3x32x32
[conv F3 P1 K32 -> relu]*2 -> maxpool F2
[conv F3 P1 K64 -> relu]*2 -> maxpool F2
flatten -> fc 256 -> relu -> fc 10
"""
STEPS = [("LeNet-5", {"spec": SPECS / "classic/lenet5_modern.cnn"}, 1.6), ("CIFAR net", {"text": CIFAR}, 1.6)]


def module_of(text: str) -> Any:
    made = types.ModuleType("emitted")
    sys.modules["emitted"] = made
    exec(compile(text, "<emitted>", "exec"), made.__dict__)
    return made


def torch_network(given: dict[str, Any], params: dict[str, Any] | None = None) -> Any:
    import torch

    torch.set_num_threads(1)
    module = module_of(build(**given, target="torch"))
    (network,) = [
        one
        for name, one in vars(module).items()
        if isinstance(one, type) and name == load(**given).name.replace("-", "_")
    ] or [[one for one in vars(module).values() if isinstance(one, type)][-1]]
    made = network()
    if params is not None:
        made.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in params.items()})
    return made


def pairs(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[float, float, float]:
    """Milliseconds of ours and theirs, and the median ratio of the rounds."""
    ours(), theirs()
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        taken = [0.0, 0.0]
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            start = time.process_time()
            (ours, theirs)[place]()
            taken[place] = time.process_time() - start
        times.append((taken[0], taken[1]))
    a, b = (min(pair[place] for pair in times) for place in (0, 1))
    return a * 1e3, b * 1e3, median(one / other for one, other in times)


def line(name: str, ours: float, theirs: float, ratio: float, limit: float, unit: str) -> None:
    mark = "✓" if ratio <= limit else "✗"
    print(f"{name:30} {ours:9.1f} {theirs:9.1f} {unit}  {ratio:5.2f}  at most {limit:.1f} {mark}", flush=True)


def forward(rounds: int) -> None:
    import torch

    for spec, variant, limit in FORWARD:
        given = {"spec": SPECS / spec, "variant": variant}
        module = module_of(build(**given, target="numpy"))
        params = module.init()
        network = torch_network(given, params).eval()
        (shape,) = [load(**given).root.values[0]]
        for batch in (1, 8):
            x = np.random.default_rng(0).standard_normal((batch, *(shape or ()))).astype(np.float32)
            tx = torch.from_numpy(x)
            with torch.no_grad():
                found = pairs(lambda: module.forward(params, x), lambda: network(tx), rounds)  # noqa: B023
            line(f"{variant or Path(spec).stem}, batch {batch}", *found, limit, "ms")


def step(rounds: int) -> None:
    import torch

    for name, given, limit in STEPS:
        module = module_of(build(**given, target="numpy"))
        params = module.init()
        network = torch_network(given, params).train()
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
        rng = np.random.default_rng(0)
        x = rng.standard_normal((64, *(load(**given).root.values[0] or ()))).astype(np.float32)
        labels = rng.integers(0, 10, 64)
        tx, tlabels = torch.from_numpy(x), torch.from_numpy(labels)
        tx.requires_grad_()

        def ours() -> None:
            _, grads, _, stats = module.loss_and_grads(params, x, labels, loss=module.cross_entropy)  # noqa: B023
            rate = np.float32(1e-3)
            _ = {
                key: value - rate * grads[key] if key in grads else stats.get(key, value)
                for key, value in params.items()  # noqa: B023
            }

        def theirs() -> None:
            optimizer.zero_grad()  # noqa: B023
            tx.grad = None  # noqa: B023
            torch.nn.functional.cross_entropy(network(tx), tlabels).backward()  # noqa: B023
            optimizer.step()  # noqa: B023

        line(f"{name}, step of 64", *pairs(ours, theirs, rounds), limit, "ms")


def peak(target: str, what: str, place: int, batch: int) -> float:
    """MB that a process of its own needs for a forward pass or a training step."""
    arguments = [sys.executable, __file__, "--child", target, what, str(place), str(batch)]
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)


def child(target: str, what: str, place: int, batch: int) -> None:
    """Prints the peak of resident memory above what there was before the network was
    made (Linux only)."""
    given: dict[str, Any]
    if what == "forward":
        given = {"spec": SPECS / FORWARD[place][0], "variant": FORWARD[place][1]}
    else:
        given = STEPS[place][1]
    shape = load(**given).root.values[0] or ()
    x = np.random.default_rng(0).standard_normal((batch, *shape)).astype(np.float32)
    labels = np.zeros(batch, int)
    if target == "torch":
        import torch

        torch_network({"text": "input 3x8x8\nconv F3 K4"})
        before = resident("VmRSS", reset=True)
        network = torch_network(given).train(what == "step")
        if what == "forward":
            with torch.no_grad():
                network(torch.from_numpy(x))
        else:
            tx = torch.from_numpy(x).requires_grad_()
            torch.nn.functional.cross_entropy(network(tx), torch.from_numpy(labels)).backward()
    else:
        module = module_of(build(**given, target="numpy"))
        before = resident("VmRSS", reset=True)
        if what == "forward":
            module.forward(module.init(), x)
        else:
            module.loss_and_grads(module.init(), x, labels, loss=module.cross_entropy)
    print(resident("VmHWM") - before)


def resident(what: str, reset: bool = False) -> float:
    """MB in memory now (VmRSS), or at most since the last reset (VmHWM)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    (found,) = [row for row in status.splitlines() if row.startswith(what)]
    return int(found.split()[1]) / 1024


def memory() -> None:
    for place, (spec, variant, _) in enumerate(FORWARD):
        for batch in (1, 8):
            ours, theirs = (peak(target, "forward", place, batch) for target in ("numpy", "torch"))
            line(f"{variant or Path(spec).stem}, batch {batch}", ours, theirs, ours / theirs, 2.0, "MB")
    for place, (name, _, _) in enumerate(STEPS):
        ours, theirs = (peak(target, "step", place, 64) for target in ("numpy", "torch"))
        line(f"{name}, step of 64", ours, theirs, ours / theirs, 2.0, "MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=["forward", "step", "memory", []], default=[])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        target, what, place, batch = options.child
        child(target, what, int(place), int(batch))
        return
    parts = options.parts or ["forward", "step", "memory"]
    print(f"{'':30} {'numpy':>9} {'torch':>9}     ratio")
    if "forward" in parts:
        forward(options.rounds)
    if "step" in parts:
        step(options.rounds)
    if "memory" in parts:
        memory()


if __name__ == "__main__":
    main()
