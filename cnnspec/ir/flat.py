"""The flat view: the network as a list of its layers, every repeat unrolled.

It is a generator: entries are built when they are requested, and a network of 100,000 layers is never in
memory as a whole. Values are numbered through the whole network, first the model's inputs, then one per
layer, in the order of the forward pass.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import count
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Span
from cnnspec.ir.graph import Graph, Hole, Layer, Region, collected, handed_on, region_outputs
from cnnspec.ops import Op
from cnnspec.ops.base import Shape, Weight


class Entry(NamedTuple):
    """One layer of the unrolled network.

    `path` is the layer's name, level by level (`body.stage2.0.conv3`); `scope` is the path of the region
    around it, "" for the model. `attribute` is the path of its weights: `path` itself, except inside a
    `shared` block, which is one attribute at the model's top (or in the use of a block that defines it).
    `weights` are the keys of the state_dict with their weights; later uses of a shared block have none.
    `inputs` and `output` are numbers of flat values. A hole has no `op`; unknown shapes are None.

    `body` and `step` lead back to the graph: `graph.bodies[body].steps[step]` is the layer as written.
    """

    path: str
    scope: str
    attribute: str
    op: Op | None
    input_shapes: tuple[Shape | None, ...]
    out: Shape | None
    inputs: tuple[int, ...]
    output: int
    weights: tuple[tuple[str, Weight], ...]
    span: Span
    label: str | None
    body: int
    step: int


class Home(NamedTuple):
    """The model, or a use of a block: the attribute of its shared blocks' weights, and the shared blocks
    visited so far."""

    attribute: str
    seen: set[str]


Walk: TypeAlias = Generator[Entry, None, list[int]]


def flat(graph: Graph) -> Generator[Entry, None, tuple[int, ...]]:
    """The layers in the order of the forward pass. The generator returns the flat numbers of the model's
    outputs."""
    numbers = count(graph.root.inputs)
    model = Home("", set())

    def body(number: int, values: list[int], scope: str, attribute: str, fresh: bool, home: Home) -> Walk:
        """One pass through a body. `values` are the flat numbers of its inputs; returns those of its outputs.
        `fresh`: its weights were in no entry before. `home`: the use of a block around it."""
        body_ = graph.bodies[number]
        for index, step in enumerate(body_.steps):
            inputs = tuple(values[value] for value in step.inputs)
            if isinstance(step, Region):
                values += yield from region(step, list(inputs), scope, attribute, fresh, home)
                continue
            input_shapes = tuple(body_.values[value] for value in step.inputs)
            out = body_.values[len(values)]
            place = join(attribute, step.name)
            output = next(numbers)
            yield Entry(
                path=join(scope, step.name),
                scope=scope,
                attribute=place,
                op=step.op if isinstance(step, Layer) else None,
                input_shapes=input_shapes,
                out=out,
                inputs=inputs,
                output=output,
                weights=tuple(_weights(step, input_shapes, out, place)) if fresh else (),
                span=step.span,
                label=step.label,
                body=number,
                step=index,
            )
            values.append(output)
        return [values[value] for value in body_.outputs]

    def region(step: Region, inputs: list[int], scope: str, attribute: str, fresh: bool, home: Home) -> Walk:
        """All passes of a region, each continuing from the one before."""
        scope, attribute = join(scope, step.name), join(attribute, step.name)
        if step.shared is not None:
            at = home if step.inner else model
            attribute = join(at.attribute, step.shared)
            fresh = step.shared not in at.seen and (fresh or not step.inner)
            at.seen.add(step.shared)
        if step.block is not None:
            home = Home(attribute, set())
        gathered: list[Sequence[int]] = []
        level = 0
        for one in step.passes:
            for place in range(level, level + one.count):
                name = str(place) if step.kind == "repeat" else ""
                inside = join(scope, name), join(attribute, name), fresh, home
                outputs = yield from body(one.body, [*inputs], *inside)
                inputs, gathered = handed_on(step, inputs, outputs), collected(step, gathered, outputs)
            level += one.count
        return region_outputs(step, gathered) if gathered else inputs[: step.outputs]

    root = len(graph.bodies) - 1
    return tuple((yield from body(root, list(range(graph.root.inputs)), "", "", True, model)))


def flat_outputs(graph: Graph) -> tuple[int, ...]:
    """The flat numbers of the model's outputs. Walks the whole network."""
    walk = flat(graph)
    while True:
        try:
            next(walk)
        except StopIteration as end:
            return tuple(end.value)


def join(*levels: str) -> str:
    """`join("body", "", "conv1")` is `body.conv1`: a name that is empty adds no level."""
    return ".".join(level for level in levels if level)


def _weights(
    step: Layer | Hole, input_shapes: tuple[Shape | None, ...], out: Shape | None, attribute: str
) -> Iterator[tuple[str, Weight]]:
    if isinstance(step, Hole) or out is None:
        return
    known = tuple(shape for shape in input_shapes if shape is not None)
    if len(known) == len(input_shapes):
        for weight in step.op.weights(*known):
            yield join(attribute, weight.name), weight
