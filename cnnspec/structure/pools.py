"""Poolings over the whole map are `gap` and `gmp`, however the source computes them: with a window of the
map's size, or as a mean over the rows of a mean over the columns. Where other calls of a module have larger
outputs (a pyramid of poolings), they are `avgpool out=1`."""

from __future__ import annotations

from collections import Counter

from cnnspec.ops import lookup
from cnnspec.ops.base import Op, Shape
from cnnspec.sources.layers import Hole, Layer, LayerList

GLOBAL = {"avgpool": "gap", "maxpool": "gmp"}


def with_global_pools(network: LayerList) -> LayerList:
    first = len(network.inputs)
    uses = Counter(value for layer in network.layers for value in layer.inputs)
    uses.update(output.value for output in network.outputs)
    undone = {layer.op.undoes for layer in network.layers if isinstance(layer, Layer)}
    pyramids = {
        (_place(layer), layer.op.word)
        for layer in network.layers
        if isinstance(layer, Layer) and layer.op.word in GLOBAL and _out(layer.op)
    }
    layers: list[Layer | Hole] = []
    for layer in network.layers:
        if isinstance(layer, Layer) and layer.inputs:
            shape = network.shape(layer.inputs[0])
            if layer.op.word in GLOBAL and layer.op.word not in undone and _window(layer.op) == shape[1:]:
                layer = layer._replace(op=_op(GLOBAL[layer.op.word]))
            before = layers[layer.inputs[0] - first] if layer.inputs[0] >= first else None
            if layer.op.word == "gap" and before is not None and uses[layer.inputs[0]] == 1:
                if _over_axes(before, network):
                    layer = layer._replace(inputs=before.inputs)
            for word, whole in GLOBAL.items():
                if layer.op.word == whole and (_place(layer), word) in pyramids:
                    layer = layer._replace(op=_op(word, size_out=(1,) * (len(shape) - 1)))
        layers.append(layer)
    return network._replace(layers=tuple(layers))


def _op(word: str, **fields: object) -> Op:
    kind = lookup(word)
    assert kind is not None
    return kind(**fields)


def _place(layer: Layer) -> tuple[str, str]:
    """The class of the module around a layer, and the layer's name there."""
    return layer.scopes[-1].class_name if layer.scopes else "", layer.name


def _out(op: Op) -> bool:
    return getattr(op, "size_out", None) is not None


def _window(op: Op) -> Shape | None:
    """The size of a pooling's window, where it has no padding."""
    return None if _out(op) or any(getattr(op, "P", ())) else getattr(op, "F", None)


def _over_axes(layer: Layer | Hole, network: LayerList) -> bool:
    """Whether a layer is the mean along some axes of the map."""
    if isinstance(layer, Hole) or layer.op.word != "avgpool":
        return False
    window, sizes = _window(layer.op), network.shape(layer.inputs[0])[1:]
    able = window is not None and getattr(layer.op, "stride", None) == window and len(window) == len(sizes)
    return able and all(one in (1, size) for one, size in zip(window or (), sizes, strict=True))
