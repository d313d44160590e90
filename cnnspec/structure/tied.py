"""Modules that are called several times: their calls have the same weights, and become a `shared` block.

Where all calls of such a module are in one use of a block, the `shared` stands in the block, and each use has
its own: the layers of a CBAM, which see the mean and the maximum of each channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from cnnspec.sources.layers import Hole, Layer, LayerList, Scope
from cnnspec.structure.prefixes import common

CONTAINERS = frozenset("Sequential ModuleList ModuleDict Identity".split())  # noqa: SIM905
"""Classes that never become a block."""
SHARED = "shared "
"""The prefix of the class name of such a module, before its path, so that each module has a class of its
own."""
INSIDE = "shared inside "
"""The prefix where the `shared` stands in a block, before the block's class and the path from there."""


def with_shared(network: LayerList, inside: bool = True) -> LayerList:
    """The network with a class for each module that is called several times; `inside`: for all modules at the
    same place in a block, one class."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, layer in enumerate(network.layers):
        if layer.weights:
            groups.setdefault(tuple(sorted(layer.weights.items())), []).append(number)
    around: dict[str, list[tuple[Scope, ...]]] = {}  # the modules around each call, by the path of the module
    own: dict[int, Scope] = {}  # a scope for a layer whose own module is called several times
    for key, numbers in groups.items():
        if len(numbers) == 1:
            continue
        each = [network.layers[number].scopes for number in numbers]
        path = _called(each)
        if path is None:
            path = key[0][1].removesuffix(key[0][0]).rstrip(".") or key[0][1]
            own |= {number: Scope(path, "own", call) for call, number in enumerate(numbers)}
        around.setdefault(path, []).extend(_before(scopes, path) for scopes in each)
    if not around:
        return network
    calls = _calls(network, around) if inside else {}
    names = {path: _name(path, reduce(common, each), calls) for path, each in around.items()}
    layers: list[Layer | Hole] = []
    for number, layer in enumerate(network.layers):
        scopes = (*layer.scopes, own[number]) if number in own else layer.scopes
        marked = (
            scope._replace(class_name=names[scope.path]) if scope.path in names else scope for scope in scopes
        )
        layers.append(layer._replace(scopes=tuple(marked)))
    return network._replace(layers=tuple(layers))


def _called(layers: Sequence[tuple[Scope, ...]]) -> str | None:
    """The path of the outermost module that contains layers with these scopes in different calls."""
    first, *others = ({scope.path: scope.call for scope in scopes} for scopes in layers)
    for path, call in first.items():
        calls = {call, *(each.get(path) for each in others)} - {None}
        if len(calls) == len(layers):
            return path
    return None


def _before(scopes: tuple[Scope, ...], path: str) -> tuple[Scope, ...]:
    paths = [scope.path for scope in scopes]
    return scopes[: paths.index(path)] if path in paths else scopes


def _calls(network: LayerList, shared: Iterable[str]) -> dict[str, set[str]]:
    """The modules of each class, without those that are called several times."""
    calls: dict[str, set[str]] = {}
    for layer in network.layers:
        for scope in layer.scopes:
            if scope.path not in shared:
                calls.setdefault(scope.class_name, set()).add(scope.path)
    return calls


def _name(path: str, around: Sequence[Scope], calls: dict[str, set[str]]) -> str:
    """The class name of a module in these modules: the innermost one whose class is used again is a block."""
    for scope in reversed(around):
        if scope.class_name not in CONTAINERS and len(calls.get(scope.class_name, ())) > 1:
            return f"{INSIDE}{scope.class_name}{path.removeprefix(scope.path)}"
    return SHARED + path
