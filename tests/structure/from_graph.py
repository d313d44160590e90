"""A layer list from the compiler's own flat view of a spec: what a perfect door would give."""

from __future__ import annotations

from cnnspec.ir.flat import flat, join
from cnnspec.ir.graph import Graph
from cnnspec.ops import Op
from cnnspec.sources.layers import Input, Layer, LayerList, Output


def layer_list(graph: Graph) -> LayerList:
    """The network without its blocks."""
    shapes = graph.root.values
    names = graph.inputs if len(graph.inputs) > 1 else ("",)
    inputs = tuple(Input(shapes[value] or (), name) for value, name in enumerate(names))
    layers: list[Layer] = []
    walk = flat(graph)
    while True:
        try:
            entry = next(walk)
        except StopIteration as end:
            outputs = end.value
            break
        assert isinstance(entry.op, Op)
        assert entry.out is not None
        arriving = tuple(shape or () for shape in entry.arriving)
        weights = {one.name: join(entry.attribute, one.name) for one in entry.op.weights(*arriving)}
        layers.append(Layer(entry.op, entry.inputs, entry.out, weights=weights))
    named = graph.outputs if len(outputs) > 1 else ("",)
    return LayerList(graph.name, inputs, tuple(layers), tuple(map(Output, outputs, named)))
