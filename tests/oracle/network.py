"""A whole network, layer by layer along the flat list of the IR."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from cnnspec.ir.flat import flat, flat_outputs, join
from cnnspec.ir.graph import Graph
from tests.oracle.layers import layer

NO_MASKS: Mapping[str, Tensor] = {}


def run(
    graph: Graph,
    weights: Mapping[str, Tensor],
    inputs: list[Tensor],
    training: bool = False,
    masks: Mapping[str, Tensor] = NO_MASKS,
) -> list[Tensor]:
    """The outputs. `weights` are by the IR's keys; running statistics among them are changed in place.
    `masks` are of the layers that drop by chance, by their attribute: 1 stays.
    """
    values = dict(enumerate(inputs))
    for entry in flat(graph):
        assert entry.op is not None
        shapes = [shape for shape in entry.input_shapes if shape is not None]
        names = [weight.name for weight in entry.op.weights(*shapes)]
        own = {name: weights[join(entry.attribute, name)] for name in names}
        given = [values[number] for number in entry.inputs]
        values[entry.output] = layer(entry.op, given, own, training, masks.get(entry.attribute))
        assert tuple(values[entry.output].shape[1:]) == entry.out, entry.path
    return [values[number] for number in flat_outputs(graph)]
