"""The flat view: the network as a list of its layers, every repeat unrolled.

It is a generator: nothing of it exists before it is asked for, and a network of 100,000 layers never has to
stand in memory at once. Values are numbered through the whole network, first the model's inputs, then one a
layer, in the order of the forward pass.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.ir.graph import Graph, Hole, Layer, Region
from cnnspec.ops import Op
from cnnspec.ops.base import Shape, Weight


class Entry(NamedTuple):
    """One layer of the unrolled network.

    `path` is the layer's name, level by level (`body.stage2.0.conv3`); `scope` is the path of the region
    around it, "" for the model. `attribute` says where its weights live: at `path`, but inside a `shared`
    block, which is one attribute at the model's top, at the block's. `weights` are the final keys of the
    state_dict with what they hold; the rows of a shared block's later uses have none. `inputs` and `output`
    are numbers of flat values. A hole has no `op`; unknown shapes are None.

    `body` and `step` lead back to the graph: `graph.bodies[body].steps[step]` is the layer as written.
    """

    path: str
    scope: str
    attribute: str
    op: Op | None
    arriving: tuple[Shape | None, ...]
    out: Shape | None
    inputs: tuple[int, ...]
    output: int
    weights: tuple[tuple[str, Weight], ...]
    span: Span
    label: str | None
    body: int
    step: int


@dataclass(eq=False, repr=False)
class _Place:
    """Where a pass through a body stands: its path, its attribute, and whether its weights were on no row
    before.
    """

    scope: str = ""
    attribute: str = ""
    fresh: bool = True


@dataclass(eq=False, repr=False)
class _Progress:
    """What the whole walk knows: the flat values given out so far, and the shared blocks met."""

    values: int
    shared: set[str]


def flat(graph: Graph) -> Iterator[Entry]:
    """The layers in the order of the forward pass."""
    return _model(graph)


def flat_outputs(graph: Graph) -> tuple[int, ...]:
    """The flat numbers of the model's outputs. Walks the whole network."""
    walk = _model(graph)
    while True:
        try:
            next(walk)
        except StopIteration as end:
            return tuple(end.value)


def join(*levels: str) -> str:
    """`join("body", "", "conv1")` is `body.conv1`: a name that is empty adds no level."""
    return ".".join(level for level in levels if level)


def _model(graph: Graph) -> Generator[Entry, None, list[int]]:
    inputs = graph.root.inputs
    progress = _Progress(inputs, set())
    return _body(graph, len(graph.bodies) - 1, list(range(inputs)), _Place(), progress)


def _body(
    graph: Graph, number: int, values: list[int], place: _Place, progress: _Progress
) -> Generator[Entry, None, list[int]]:
    """One pass through a body. `values` are the flat numbers of its inputs; gives those of its outputs."""
    body = graph.bodies[number]
    for index, step in enumerate(body.steps):
        if isinstance(step, Region):
            given = [values[value] for value in step.inputs]
            values += yield from _region(graph, step, given, place, progress)
            continue
        arriving = tuple(body.values[value] for value in step.inputs)
        out = body.values[len(values)]
        attribute = join(place.attribute, step.name)
        yield Entry(
            path=join(place.scope, step.name),
            scope=place.scope,
            attribute=attribute,
            op=step.op if isinstance(step, Layer) else None,
            arriving=arriving,
            out=out,
            inputs=tuple(values[value] for value in step.inputs),
            output=progress.values,
            weights=tuple(_weights(step, arriving, out, attribute)) if place.fresh else (),
            span=step.span,
            label=step.label,
            body=number,
            step=index,
        )
        values.append(progress.values)
        progress.values += 1
    return [values[value] for value in body.outputs]


def _region(
    graph: Graph, region: Region, given: list[int], place: _Place, progress: _Progress
) -> Generator[Entry, None, list[int]]:
    """All passes of a region, each beginning where the one before ended."""
    inside = _Place(join(place.scope, region.name), join(place.attribute, region.name), place.fresh)
    if region.shared is not None:
        inside.attribute = region.shared
        inside.fresh = region.shared not in progress.shared
        progress.shared.add(region.shared)
    outputs = given
    number = 0
    for one in region.passes:
        for _ in range(one.count):
            here = inside
            if region.kind == "repeat":
                level = str(number)
                here = _Place(join(inside.scope, level), join(inside.attribute, level), inside.fresh)
            outputs = yield from _body(graph, one.body, [*given], here, progress)
            given = [outputs[0], *given[1:]]
            number += 1
    return outputs[: region.outputs]


def _weights(
    step: Layer | Hole, arriving: tuple[Shape | None, ...], out: Shape | None, attribute: str
) -> Iterator[tuple[str, Weight]]:
    if isinstance(step, Hole) or out is None:
        return
    known = tuple(shape for shape in arriving if shape is not None)
    if len(known) == len(arriving):
        for weight in step.op.weights(*known):
            yield join(attribute, weight.name), weight
