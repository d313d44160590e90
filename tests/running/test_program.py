"""The worker's look into an emitted NumPy program."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnspec.api import build, load
from cnnspec.running.job import network
from cnnspec.running.worker.program import Program

SPEC = "input 2x4x4\n[conv F3 P1 K2 -> bn -> relu]*3 -> flatten -> fc 3\n"


def opened(folder: Path, spec: str) -> Program:
    (folder / "program_numpy.py").write_text(build(text=spec, target="numpy"), encoding="utf-8")
    return Program(str(folder), network(load(text=spec))["rows"])


def test_backward_tells_each_weight_that_it_comes_by(tmp_path: Path) -> None:
    program = opened(tmp_path, SPEC)
    params = program.module.init(0)
    told: list[int] = []
    program.count_gradients(told.append)
    y, net = program.module.record(params, np.zeros((2, 2, 4, 4), np.float32))
    assert told == []
    program.module.backward(y, net)
    assert told == list(range(1, 3 * 4 + 2 + 1))


def test_only_what_is_drawn_counts_as_drawn(tmp_path: Path) -> None:
    program = opened(
        tmp_path, "input 1x4x4\nconv F3 K2 weight=[1 2 3; 4 5 6; 7 8 9] -> bn -> conv F1 K1 bias=2\n"
    )
    program.module.init(0)
    assert program.drawn == {"conv1.bias", "conv2.weight"}


def test_each_layer_is_shown_once(tmp_path: Path) -> None:
    program = opened(tmp_path, SPEC)
    params = program.module.init(0)
    shown: list[int] = []
    program.watch(lambda number, volume: shown.append(number))
    program.module.forward(params, np.zeros((2, 2, 4, 4), np.float32))
    assert shown == list(range(3 * 3 + 2))
    program.watch(None)
    program.module.forward(params, np.zeros((2, 2, 4, 4), np.float32))
    assert len(shown) == 3 * 3 + 2
