"""Modules that are called several times: their calls have the same weights, and become a `shared` block."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.sources.layers import Hole, Layer, LayerList, Scope

SHARED = "shared "
"""The prefix of the class name of such a module, before its path, so that each module has a class of its
own."""


def with_shared(network: LayerList) -> LayerList:
    """The network with a class for each module that is called several times."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, layer in enumerate(network.layers):
        if layer.weights:
            groups.setdefault(tuple(sorted(layer.weights.items())), []).append(number)
    paths: set[str] = set()
    own: dict[int, Scope] = {}  # a scope for a layer whose own module is called several times
    for key, numbers in groups.items():
        if len(numbers) == 1:
            continue
        path = _called([network.layers[number] for number in numbers])
        if path is None:
            path = key[0][1].removesuffix(key[0][0]).rstrip(".") or key[0][1]
            own |= {number: Scope(path, "own", call) for call, number in enumerate(numbers)}
        paths.add(path)
    if not paths:
        return network
    layers: list[Layer | Hole] = []
    for number, layer in enumerate(network.layers):
        scopes = (*layer.scopes, own[number]) if number in own else layer.scopes
        marked = (
            scope._replace(class_name=SHARED + scope.path) if scope.path in paths else scope
            for scope in scopes
        )
        layers.append(layer._replace(scopes=tuple(marked)))
    return network._replace(layers=tuple(layers))


def _called(layers: Sequence[Layer | Hole]) -> str | None:
    """The path of the outermost module that contains these layers in different calls."""
    first, *others = ({scope.path: scope.call for scope in layer.scopes} for layer in layers)
    for path, call in first.items():
        calls = {call, *(each.get(path) for each in others)} - {None}
        if len(calls) == len(layers):
            return path
    return None
