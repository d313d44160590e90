"""Concatenations with equal beginnings: each of DenseNet's layers concatenates all maps before it. Each
concatenation is written as the one before it and the new maps: `concat [ id | layer() ]`."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.sources.layers import Hole, Layer, LayerList, Scope

MOST = 5_000_000
"""The largest number of branches, each counted once for each other concatenation, that are compared."""
LONGEST = 256
"""The most branches of a concatenation that is considered."""


def with_prefixes(network: LayerList) -> LayerList:
    """The network with equal beginnings of concatenations computed once, outside of the modules that compute
    them again."""
    first = len(network.inputs)
    layers = list(network.layers)
    value_of: dict[tuple[int, ...], int] = {}  # the value of each concatenation, by its inputs
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
            before = value_of.get(inputs[:length])
            if before is None:
                continue
            if length < len(inputs):
                layers[number] = layer._replace(inputs=(before, *inputs[length:]))
            taken.add(before)
            break
        value_of.setdefault(inputs, first + number)
    return network._replace(layers=tuple(_moved(layers, first, taken)))


def _moved(layers: Sequence[Layer | Hole], first: int, taken: set[int]) -> list[Layer | Hole]:
    """Moves concatenations that others continue to the modules that contain all their readers."""
    around: dict[int, tuple[Scope, ...]] = {}
    for layer in layers:
        for value in layer.inputs:
            if value in taken:
                around[value] = common(around.get(value, layer.scopes), layer.scopes)
    moved = []
    for number, layer in enumerate(layers):
        scopes = around.get(first + number)
        moved.append(layer if scopes is None else layer._replace(scopes=common(layer.scopes, scopes)))
    return moved


def common(one: Sequence[Scope], other: Sequence[Scope]) -> tuple[Scope, ...]:
    """The modules around both."""
    same = []
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same.append(a)
    return tuple(same)
