"""Checks that a text describes the network of a layer list: op for op, input for input, shape for shape."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.diagnostics import Severity, Source
from cnnspec.ir.flat import Entry, flat, join
from cnnspec.ir.graph import Graph
from cnnspec.pipeline import models
from cnnspec.sources.layers import Hole, Layer, LayerList
from cnnspec.structure.parts import Body, layers_of


class Differs(Exception):
    """The difference between a text's network and the list."""


def keys_of(network: LayerList, body: Body, text: str) -> dict[str, str]:
    """The key of each weight of the text's network → its key in the source. Raises `Differs` where the text's
    network is not the network of the list."""
    graph = _graph(text, any(isinstance(layer, Hole) for layer in network.layers))
    first = len(network.inputs)
    if [tuple(shape or ()) for shape in graph.root.values[:first]] != [
        input_.shape for input_ in network.inputs
    ]:
        raise Differs("the inputs differ")
    ours = list(range(first))  # the list's value for each of the text's values
    order = iter(layers_of(body))
    keys: dict[str, str] = {}
    walk = flat(graph)
    while True:
        try:
            entry = next(walk)
        except StopIteration as end:
            outputs = [ours[value] for value in end.value]
            break
        if _passes_on(entry):
            ours.append(ours[entry.inputs[0]])
            continue
        number = next(order, None)
        if number is None:
            raise Differs(f"{entry.path} is one layer too many")
        _compare(network, number, entry, ours)
        _add_keys(keys, network, number, entry)
        ours.append(first + number)
    if next(order, None) is not None:
        raise Differs("layers are missing")
    if outputs != [output.value for output in network.outputs]:
        raise Differs("the outputs differ")
    return keys


def _graph(text: str, holes: bool) -> Graph:
    read = models(Source("model.cnn", text), lints=False)
    for finding in (one for model in read for one in model.findings):
        if finding.severity is Severity.ERROR and not (holes and finding.code == "E208"):
            raise Differs(f"{finding.code}: {finding.message}")
    graph = read[0].graph
    if graph is None:
        raise Differs("there is no network")
    return graph


def _passes_on(entry: Entry) -> bool:
    """Whether a layer's output is its input: a merge with one branch left."""
    op = entry.op
    return op is not None and op.merges and len(entry.inputs) == 1 and not op.weights(*_known(entry))


def _known(entry: Entry) -> tuple[tuple[int, ...], ...]:
    return tuple(shape for shape in entry.input_shapes if shape is not None)


def _compare(network: LayerList, number: int, entry: Entry, ours: Sequence[int]) -> None:
    layer = network.layers[number]
    inputs = tuple(ours[value] for value in entry.inputs)
    if entry.op != getattr(layer, "op", None):
        raise Differs(f"{entry.path} is not layer {number}")
    if inputs != layer.inputs and isinstance(layer, Layer):
        raise Differs(f"{entry.path} reads {inputs}, layer {number} {layer.inputs}")
    if entry.out != layer.shape and (entry.out is not None or isinstance(layer, Layer)):
        raise Differs(f"{entry.path} gives {entry.out}, layer {number} {layer.shape}")


def _add_keys(keys: dict[str, str], network: LayerList, number: int, entry: Entry) -> None:
    """Adds the keys of a layer's weights. Where a shared block has them already, they must be the same."""
    theirs = network.layers[number].weights
    if entry.op is None or not theirs:
        return
    for weight in entry.op.weights(*_known(entry)):
        if weight.name in theirs:
            key = join(entry.attribute, weight.name)
            if keys.setdefault(key, theirs[weight.name]) != theirs[weight.name]:
                raise Differs(f"{key} would be {keys[key]} and {theirs[weight.name]}")
