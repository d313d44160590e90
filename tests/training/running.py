"""Training programs put to work by the tests: built from spec and recipe, run in processes of their own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from cnnspec import build
from cnnspec.api import load
from cnnspec.diagnostics import Source
from cnnspec.ir.graph import Graph
from cnnspec.training import numpy, program
from cnnspec.training.network import network
from cnnspec.training.read import read
from tests import forked

SPEC = (
    "model Small\ninput 1x8x8\nc1: conv F3 P1 K6 -> bn -> relu -> dropout 0.1\nmaxpool F2\nflatten -> fc 4\n"
)
RECIPE = """\
[data]
source = "npz"
path = "data.npz"

[augment]
flip = true
crop = 1
erase = 0.5

[optimizer]
name = "adam"
rate = 0.01

[schedule]
epochs = 4
batch = 16
warmup = 0.5
decay = "cosine"
"""
TIMINGS = ("seconds", "images_per_second")


def write_data(path: Path, count: int = 150, size: tuple[int, ...] = (8, 8), classes: int = 4) -> None:
    """Images whose class is the quarter that is bright."""
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count + 50)
    images = random.integers(0, 120, (count + 50, *size)).astype(np.uint8)
    half = size[0] // 2
    for image, label in zip(images, labels, strict=True):
        row, column = label // 2 % 2 * half, label % 2 * half
        image[row : row + half, column : column + half] += 100
    arrays = {
        "x_train": images[:count],
        "y_train": labels[:count],
        "x_test": images[count:],
        "y_test": labels[count:],
    }
    np.savez(path, **arrays)


def write_folders(images: Path) -> None:
    """Images of several sizes in a folder for each of four classes, which their brightness tells."""
    from PIL import Image

    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for label, bright in enumerate((20, 90, 160, 230)):
            inside = images / split / f"class{label}"
            inside.mkdir(parents=True)
            for number in range(6):
                pixels = random.integers(bright - 20, bright + 20, (10, 12 + number, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(inside / f"{number}.png")


def built(
    folder: Path,
    spec: str | Graph = SPEC,
    recipe: str = RECIPE,
    *,
    data: str = "data.npz",
    target: str = "torch",
) -> Path:
    """net.py and train.py in a folder, which is made."""
    graph = load(text=spec) if isinstance(spec, str) else spec
    read_recipe, reading = read(Source("recipe.toml", recipe))
    assert read_recipe is not None, list(reading.sink)
    facts = network(graph, read_recipe, reading)
    assert facts is not None, list(reading.sink)
    folder.mkdir(parents=True, exist_ok=True)
    net = build(graph, target=target)
    emit = numpy.emit if target == "numpy" else program.emit
    assert target == "torch" or not numpy.refused(read_recipe, reading), list(reading.sink)
    (folder / "net.py").write_text(net)
    (folder / "train.py").write_text(emit(graph, facts, read_recipe, net, data))
    return folder


def start(folder: Path, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """train.py on one thread, isolated from cnnspec."""
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH",)}
    line = [
        sys.executable,
        "-W",
        "error::UserWarning:__main__",
        *before,
        str(folder / "train.py"),
        *arguments,
    ]
    return subprocess.Popen(
        line,
        cwd="/",
        env={
            **clean,
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    folder: Path,
    *arguments: str,
    before: tuple[str, ...] = (),
    processes: int = 1,
    status: int | tuple[int, ...] = 0,
) -> str:
    """What it printed, once it has ended with this status, or each of its processes with one of their own.

    Several processes are a team, as under torchrun.
    """
    if before or (processes == 1 and not hasattr(os, "fork")):
        child = start(folder, *arguments, before=before)
        out, errors = child.communicate(timeout=600)
        assert child.returncode == status, errors or out
        return out + errors
    team = forked.team(processes) if processes > 1 else [{}]
    statuses, printed = forked.run(folder / "train.py", arguments, team)
    assert statuses == (list(status) if isinstance(status, tuple) else [status] * processes), printed
    return printed


def log(folder: Path) -> list[dict[str, str]]:
    """The log, but for its timings."""
    with open(folder / "log.csv", newline="") as file:
        return [{key: row[key] for key in row if key not in TIMINGS} for row in csv.DictReader(file)]
