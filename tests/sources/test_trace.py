"""A trace that is not trusted: whatever is in it, there is a layer list or a refusal."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from cnnspec.sources.calls.trace import MOST_CALLS, Untrue, read
from cnnspec.sources.calls.translate import NeedsValues, layers_of

SMALL: dict[str, Any] = {
    "name": "Net", "batch": 2, "device": "meta", "training": [], "used": [],
    "keys": {"conv.weight": [4, 3, 3, 3]},
    "held": [["weight", "conv.weight", [4, 3, 3, 3], None], ["input", "x", [2, 3, 8, 8], None]],
    "stacks": [[["", "Net", 0, False], ["conv", "Conv2d", 0, True]]],
    "places": ["net.py:3"],
    "calls": [
        ["conv2d", {"input": {"tensor": 1}, "weight": {"tensor": 0}, "bias": None, "stride": [1, 1],
                    "padding": [1, 1], "dilation": [1, 1], "groups": 1}, [[2, 4, 8, 8]], 0, 0],
        ["relu_", {"self": {"tensor": 2}}, [[2, 4, 8, 8]], 0, 0],
        ["flatten", {"self": {"tensor": 2}, "start_dim": 1, "end_dim": -1}, [[2, 256]], 0, 0],
    ],
    "outputs": [["", 4]],
}  # fmt: skip


def test_a_small_trace() -> None:
    layers = layers_of(read(copy.deepcopy(SMALL)))
    assert [one.op.word for one in layers.layers if hasattr(one, "op")] == ["conv", "relu", "flatten"]
    assert list(layers.misfits()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"held": [["weight", "w", [2**30, 2**30], None]]},
        {"held": [["file", "w", [1], None]]},
        {"calls": [["relu", {"self": {"tensor": 7}}, [[2, 4]], 0, 0]]},
        {"calls": [["relu", {}, [[2, -4]], 0, 0]]},
        {"calls": [["relu", {}, [[2, 4]], 3, 0]]},
        {"calls": [["relu", {}, [[2, 4]], 0, 0]] * (MOST_CALLS + 1)},
        {"calls": [["relu", {"self": [[[[[[1]]]]]]}, [[2, 4]], 0, 0]]},
        {"calls": [["x" * 1000, {}, [[2, 4]], 0, 0]]},
        {"outputs": [["", 99]]},
        {"outputs": []},
        {"stacks": [[["", "Net", 0, False]] * 100]},
        {"batch": "2"},
        {"keys": []},
    ],
)
def test_what_cannot_be_a_trace_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Untrue):
        layers_of(read(SMALL | change))


def test_any_change_gives_a_layer_list_or_a_refusal() -> None:
    """Numbers, texts and references exchanged at random."""
    chance = random.Random(5)
    odd = [
        0,
        1,
        -1,
        2**39,
        "",
        "x",
        None,
        [],
        [1, 2],
        {"tensor": 1},
        {"tensor": 0},
        {"other": "f"},
        1.5,
        True,
    ]
    refused = 0
    for _ in range(3000):
        plain = copy.deepcopy(SMALL)
        for _ in range(chance.randint(1, 3)):
            _change(chance, plain, odd)
        try:
            layers = layers_of(read(json.loads(json.dumps(plain))))
        except (Untrue, NeedsValues):
            refused += 1
        else:
            assert all(one.shape for one in layers.layers)
    assert 300 < refused < 2900


def _change(chance: random.Random, plain: Any, odd: list[Any]) -> None:
    """One value somewhere inside is replaced."""
    while True:
        keys = list(plain) if isinstance(plain, dict) else list(range(len(plain)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(plain[key], dict | list) and plain[key] and chance.random() < 0.85:
            plain = plain[key]
            continue
        plain[key] = copy.deepcopy(chance.choice(odd))
        return
