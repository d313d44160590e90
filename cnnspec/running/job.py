"""The description of a network for the child process, as plain JSON values: its layers, weights, inputs and
outputs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnnspec.ir.flat import flat, flat_outputs
from cnnspec.ir.graph import Graph
from cnnspec.ops.base import Op, Shape
from cnnspec.ops.conv import Convolution
from cnnspec.ops.local import Local
from cnnspec.ops.pool import AdaptivePooling, Pooling

Job = dict[str, Any]
RANDOM = ("uniform", "normal", "truncated", "signs", "unit", "lengths")
"""Distributions that weights are drawn from; other weights are constants, or are given in the spec."""


def network(graph: Graph) -> Job:
    """The layers in the order of the forward pass, each with the numbers of the values that it reads and
    makes (the model's inputs are the first numbers); every weight's shape by its key."""
    rows = []
    weights = {}
    for entry in flat(graph):
        assert entry.op is not None
        rows.append(
            {
                "name": entry.path,
                "attribute": entry.attribute,
                "layer": f"{entry.op.word} {entry.op.written()}".rstrip(),
                "shape": entry.out,
                "inputs": entry.inputs,
                "output": entry.output,
                "keys": [key for key, _ in entry.weights],
            }
        )
        for key, weight in entry.weights:
            random = weight.initial.distribution in RANDOM
            weights[key] = {"shape": weight.shape, "role": weight.role, "random": random}
    root = graph.root
    return {
        "model": graph.name,
        "rows": rows,
        "weights": weights,
        "inputs": [
            {"name": name, "shape": shape} for name, shape in zip(graph.inputs, root.values, strict=False)
        ],
        "outputs": [
            {"name": name, "shape": root.values[place], "value": value}
            for name, place, value in zip(graph.outputs, root.outputs, flat_outputs(graph), strict=True)
        ],
    }


def operation(op: Op, *inputs: Shape) -> Job:
    """A layer's own numbers: its fields, and the window and padding that result from them for these
    inputs."""
    fields = {"word": op.word} | {name: _plain(getattr(op, name)) for name in type(op).model_fields}
    if isinstance(op, Convolution):
        fields |= {
            "padding": op.padding(inputs[0]),
            "G": op.groups(inputs[0]),
            "K": op.filters(inputs[0]),
        }
    elif isinstance(op, Pooling):
        axes = len(inputs[0]) - 1
        fields |= {"F": op.size, "S": op.stride, "D": (1,) * axes, "padding": ((0, 0),) * axes}
    elif isinstance(op, Local):
        fields |= {"padding": op.slide.ends(inputs[0])}
    elif op.word in ("gap", "gmp"):
        fields |= {"out": (1,) * (len(inputs[0]) - 1)}
    if isinstance(op, AdaptivePooling):
        fields |= {"D": op.dilation, "out": op.size_out}
        if op.size_out is None:
            fields["padding"] = op.padding(inputs[0])
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value if isinstance(value, bool | int | float | str) else None
