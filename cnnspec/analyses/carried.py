"""Which inputs of a layer carry the picture on: not those that only gate it or lend it their shape.

Where an op is a gate (`mul`), an input that is stretched over the output, being smaller than it, weighs
what passes. Where a layer names another tensor (`crop like=@a`), it takes its size from there. Neither
widens a receptive field nor counts as depth."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.ir.graph import Layer
from cnnspec.ops import Op
from cnnspec.ops.base import Shape


def carried(op: Op, arriving: Sequence[Shape | None], out: Shape | None) -> Sequence[int]:
    """The places among a layer's inputs from which the picture goes on; there is always one."""
    if not op.merges:
        return (0,)
    if not op.gate or out is None:
        return range(len(arriving))
    return [place for place, shape in enumerate(arriving) if shape is None or shape == out] or range(
        len(arriving)
    )


def carried_values(layer: Layer, values: Sequence[Shape | None], output: int) -> Sequence[int]:
    """The same as numbers of values of the body whose shapes are `values`."""
    if not layer.op.merges:
        return layer.inputs[:1]
    places = carried(layer.op, [values[number] for number in layer.inputs], values[output])
    return [layer.inputs[place] for place in places]
