"""What the child is told about a network, as plain JSON values: its layers, its weights, what goes in and
out."""

from __future__ import annotations

from typing import Any

from cnnspec.ir.flat import flat, flat_outputs
from cnnspec.ir.graph import Graph

Job = dict[str, Any]
RANDOM = ("uniform", "normal", "signs")
"""Distributions that weights are drawn from; others are constants, or stand in the spec."""


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
