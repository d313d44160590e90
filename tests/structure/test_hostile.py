"""Lists that are made to take long: each ends in a spec, soon."""

from __future__ import annotations

import time

from cnnspec import structure
from cnnspec.ops import lookup
from cnnspec.sources.layers import Input, Layer, LayerList, Output, Scope

RELU, TANH, ADD = (lookup(word)() for word in ("relu", "tanh", "add"))  # type: ignore[misc]
CONCAT = lookup("concat")()  # type: ignore[misc]
SHAPE = (4, 2, 2)
SECONDS = 60
"""A guard against hanging, many times what is needed."""


def written(layers: list[Layer]) -> structure.Spec:
    start = time.monotonic()
    made = structure.spec(LayerList("Net", (Input(SHAPE),), tuple(layers), (Output(len(layers)),)))
    assert time.monotonic() - start < SECONDS
    return made


def test_calls_of_one_class_that_are_long_and_different() -> None:
    """20 calls of 200 layers, no two of them alike."""
    layers: list[Layer] = []
    for call in range(20):
        scopes = (Scope(f"part{call}", "Part"),)
        for number in range(200):
            op = RELU if (number * (call + 3)) % 7 < 3 else TANH
            layers.append(Layer(op, (len(layers),), SHAPE, "", scopes))
    assert written(layers).text


def test_scopes_that_cross() -> None:
    """Each module's layers stand between those of another."""
    layers = [
        Layer(RELU, (number,), SHAPE, "", (Scope(f"part{number % 50}", "Part"),)) for number in range(1000)
    ]
    assert written(layers).text


def test_a_long_chain_that_never_repeats() -> None:
    ops = (RELU, TANH)
    layers = [Layer(ops[(number * number // 3) % 2], (number,), SHAPE) for number in range(20_000)]
    assert written(layers).text


def test_every_layer_is_read_by_every_second() -> None:
    layers: list[Layer] = []
    for number in range(300):
        layers.append(Layer(RELU, (number * 2,), SHAPE))
        layers.append(Layer(ADD, tuple(range(max(0, number * 2 - 20), number * 2 + 2)), SHAPE))
    assert written(layers).text


def test_scopes_a_hundred_deep() -> None:
    scopes = tuple(Scope(".".join(["a"] * (depth + 1)), "A") for depth in range(100))
    layers = [Layer(RELU, (number,), SHAPE, "", scopes[: 1 + number % 100]) for number in range(1000)]
    assert written(layers).text
