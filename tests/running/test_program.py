"""The worker's look into an emitted NumPy program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.api import build, load
from cnnspec.ops import lookup, words
from cnnspec.running.job import network
from cnnspec.running.worker import program
from cnnspec.running.worker.verify import Counted

SPEC = (
    "shared tower(k) { conv F1 K=k -> relu }\ninput 2x4x4\n[conv F3 P1 K2 -> bn -> relu]*3\n"
    "a: tower(2)\nsub [ @a | tower(2) | id ]\nadd [ id | @a ]\nconcat [ id | id ] -> flatten -> fc 3\n"
)
EXAMPLES = [op.example for word in words() if (op := lookup(word)) is not None and word not in ("fc", "none")]


def opened(folder: Path, spec: str = SPEC) -> Any:
    (folder / "program_numpy.py").write_text(build(text=spec, target="numpy"), encoding="utf-8")
    return program.load(str(folder))


def test_backward_counts_each_weight(tmp_path: Path) -> None:
    module = opened(tmp_path)
    params = module.init(0)
    counted: list[int] = []
    y, net = module.record(params, np.zeros((2, 2, 4, 4), np.float32))
    net.grads = Counted(counted.append)
    _, grads = module.backward(y, net)
    assert len(grads) == 3 * 4 + 2 + 2
    # the tower's two weights have two gradients each
    assert sorted(counted) == sorted([*range(1, len(grads) + 1), *[4, 4]])


def test_only_what_is_drawn_counts_as_random() -> None:
    spec = "input 1x4x4\nconv F3 K2 weight=[1 2 3; 4 5 6; 7 8 9] -> bn -> conv F1 K1 bias=2\n"
    weights = network(load(text=spec))["weights"]
    assert {key for key, weight in weights.items() if weight["random"]} == {"conv1.bias", "conv2.weight"}


@pytest.mark.parametrize("spec", [SPEC, *EXAMPLES])
def test_each_layer_is_shown_once_with_its_own_shape(tmp_path: Path, spec: str) -> None:
    module = opened(tmp_path, spec)
    job = network(load(text=spec))
    rows = job["rows"]
    shown: list[tuple[int, tuple[int, ...]]] = []
    trace = program.tracer(rows, lambda number, volume: shown.append((number, volume.shape[1:])))
    empty = [np.zeros((0, *one["shape"]), np.float32) for one in job["inputs"]]
    module.forward(module.init(0), *empty, trace=trace)
    layers = [number for number, row in enumerate(rows) if not row["layer"].startswith("id")]
    assert shown == [(number, tuple(rows[number]["shape"])) for number in layers]
