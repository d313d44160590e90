"""A layer list from the compiler's own view of a spec: what a perfect door would give. The author's blocks
are the classes, their names the paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cnnspec.ir.flat import Entry, flat, join
from cnnspec.ir.graph import Graph, Region
from cnnspec.ops import Op
from cnnspec.sources.layers import Input, Layer, LayerList, Output, Scope


def layer_list(graph: Graph, blocks: bool = True) -> LayerList:
    """The network; without `blocks`, as a format gives it that knows no modules."""
    shapes = graph.root.values
    names = graph.inputs if len(graph.inputs) > 1 else ("",)
    inputs = tuple(Input(shapes[value] or (), name) for value, name in enumerate(names))
    layers: list[Layer] = []
    walk, scopes = flat(graph), _scopes(graph)
    while True:
        try:
            entry = next(walk)
        except StopIteration as end:
            outputs = end.value
            break
        layers.append(_layer(entry, next(scopes) if blocks else ()))
    named = graph.outputs if len(outputs) > 1 else ("",)
    return LayerList(graph.name, inputs, tuple(layers), tuple(map(Output, outputs, named)))


def _layer(entry: Entry, scopes: tuple[Scope, ...]) -> Layer:
    assert isinstance(entry.op, Op)
    assert entry.out is not None
    shapes = tuple(shape or () for shape in entry.input_shapes)
    weights = {one.name: join(entry.attribute, one.name) for one in entry.op.weights(*shapes)}
    return Layer(
        entry.op, entry.inputs, entry.out, entry.path.rpartition(".")[2] if scopes else "", scopes, weights
    )


def _scopes(graph: Graph) -> Iterator[tuple[Scope, ...]]:
    """The scopes of each layer, in the order of the flat view."""

    calls: Counter[str] = Counter()

    def body(number: int, path: str, around: tuple[Scope, ...]) -> Iterator[tuple[Scope, ...]]:
        for step in graph.bodies[number].steps:
            if not isinstance(step, Region):
                yield around
                continue
            here = join(path, step.name)
            name = (step.block or "").title().replace("_", "")
            if step.shared:
                module = join(path, step.shared) if step.inner else step.shared
                inner = (*around, Scope(module, name, calls[module]))
                calls[module] += 1
            else:
                inner = (*around, Scope(here or f"_{len(around)}", name)) if name else around
            place = 0
            for one in step.passes:
                for _ in range(one.count):
                    last = str(place) if step.kind == "repeat" else ""
                    yield from body(one.body, join(here, last), inner)
                    place += 1

    yield from body(len(graph.bodies) - 1, "", ())
