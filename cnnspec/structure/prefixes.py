"""Concatenations that share what they begin with: DenseNet's layers each stack all maps before them. Each is
written as the one before it and what is new: `concat [ id | layer() ]`."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.sources.layers import Hole, Layer, LayerList, Scope

MOST = 5_000_000
"""Branches that are looked at, each as often as there are others, at most."""
LONGEST = 256
"""Branches of a concatenation that is looked at, at most."""


def with_prefixes(network: LayerList) -> LayerList:
    """The network with shared beginnings of concatenations taken once. They are outside of the modules that
    made them anew."""
    first = len(network.inputs)
    layers = list(network.layers)
    made: dict[tuple[int, ...], int] = {}  # the value of each concatenation, by what it stacks
    taken: set[int] = set()
    work = MOST
    for number, layer in enumerate(layers):
        if isinstance(layer, Hole) or layer.op.word != "concat" or len(layer.inputs) > LONGEST:
            continue
        inputs = layer.inputs
        work -= len(inputs) ** 2
        if work < 0:
            break
        for length in range(len(inputs), 1, -1):
            before = made.get(inputs[:length])
            if before is None:
                continue
            if length < len(inputs):
                layers[number] = layer._replace(inputs=(before, *inputs[length:]))
            taken.add(before)
            break
        made.setdefault(inputs, first + number)
    return network._replace(layers=tuple(_moved(layers, first, taken)))


def _moved(layers: Sequence[Layer | Hole], first: int, taken: set[int]) -> list[Layer | Hole]:
    """Concatenations that others go on from are in the scopes that all their readers are in."""
    around: dict[int, tuple[Scope, ...]] = {}
    for layer in layers:
        for value in layer.inputs:
            if value in taken:
                around[value] = _common(around.get(value, layer.scopes), layer.scopes)
    found = []
    for number, layer in enumerate(layers):
        scopes = around.get(first + number)
        found.append(layer if scopes is None else layer._replace(scopes=_common(layer.scopes, scopes)))
    return found


def _common(one: Sequence[Scope], other: Sequence[Scope]) -> tuple[Scope, ...]:
    found = []
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        found.append(a)
    return tuple(found)
