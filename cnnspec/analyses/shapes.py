"""Shapes: the shapes of each layer's inputs and output, and the step that made them.

The elaborator has put a shape on every value, or None after an error; after a line in error it may continue
with the shape that the line claims. So a layer's shapes count as known only if they agree with the layer's
own rule, and the other analyses never pass shapes to a layer that it cannot take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Span
from cnnspec.ir.graph import Body, Graph, Layer, Place, Region, places, source_of
from cnnspec.ops import Op
from cnnspec.ops.base import Shape


class Shaped(NamedTuple):
    """A layer with the shapes of its inputs and its output."""

    layer: Layer
    inputs: tuple[Shape, ...]
    output: Shape

    @property
    def op(self) -> Op:
        return self.layer.op


Shapes: TypeAlias = tuple[tuple[Shaped | None, ...], ...]
"""The layers with their shapes, by body and step; None for regions, and where a shape is unknown."""


def shapes(graph: Graph) -> Shapes:
    return tuple(
        tuple(
            _shaped(step, body, output) if isinstance(step, Layer) else None
            for _, step, output in places(body)
        )
        for body in graph.bodies
    )


def _shaped(layer: Layer, body: Body, output: int) -> Shaped | None:
    """A layer with its shapes; None if a shape is unknown, or if the layer's rule gives another output."""
    out = body.values[output]
    inputs = tuple(shape for number in layer.inputs if (shape := body.values[number]) is not None)
    if out is None or len(inputs) < len(layer.inputs) or layer.op.out(*inputs) != out:
        return None
    return Shaped(layer, inputs, out)


def carried(op: Op, inputs: Sequence[Shape | None], output: Shape | None) -> Sequence[int]:
    """The indices of the inputs that contribute to receptive field and depth; there is always at least one.
    Gates do not count: an input of `mul` that is smaller than the output is broadcast and weights the other
    input. A tensor that is only used for its size (`crop like=@a`) does not count either.
    """
    if not op.merges:
        return (0,)
    if not op.gate or output is None:
        return range(len(inputs))
    whole = [place for place, shape in enumerate(inputs) if shape is None or shape == output]
    return whole or range(len(inputs))


def made(graph: Graph, shapes: Shapes, body: int, value: int) -> Shape | None:
    """The shape of a value if a layer computes it; None if it is only claimed."""
    while True:
        here = graph.bodies[body]
        if value < here.inputs:
            return here.values[value]
        index, step, output = _maker(here, value)
        if isinstance(step, Region) and step.passes:
            body, place = source_of(step, value - output)
            value = graph.bodies[body].outputs[place]
            continue
        known = shapes[body][index]
        return None if known is None else known.output


class Origin(NamedTuple):
    """The step that gave a value its size, and its body and place; also the layer, if the step is a layer
    with known shapes.
    """

    span: Span
    layer: Shaped | None = None
    body: int = 0
    value: int = 0


def origin(
    graph: Graph, shapes: Shapes, number: int, value: int, keeps: Callable[[Shaped], bool] | None = None
) -> Origin | None:
    """The step that last changed the size of a value of body `number`, so that a finding can say "16x2x2
    comes from here"; None where the size is that of the body's input, and where it is unknown.

    Steps that keep the size (an activation, dropout; with `keeps`, those for which it is true) are passed
    over; a region that changed it is entered at its last pass.
    """
    body = graph.bodies[number]
    while True:
        shape = body.values[value]
        if shape is None or value < body.inputs:
            return None
        index, step, output = _maker(body, value)
        layer = shapes[number][index]
        same = [read for read in step.inputs if body.values[read] == shape]
        if layer is not None and keeps is not None:
            same = [layer.layer.inputs[0]] if keeps(layer) else []
        elif isinstance(step, Region) and keeps is not None:
            same = []
        if same:
            value = same[0]
            continue
        if isinstance(step, Region) and step.passes:
            inner, place = source_of(step, value - output)
            inside = graph.bodies[inner]
            inner_output = inside.outputs[place]
            if inner_output >= inside.inputs and (
                inner_origin := origin(graph, shapes, inner, inner_output, keeps)
            ):
                return inner_origin
            if keeps is not None:
                value = step.inputs[0]
                continue
        return Origin(step.span, layer, number, value)


def _maker(body: Body, value: int) -> Place:
    """The step that makes a value of a body."""
    if len(body.values) == body.inputs + len(body.steps):  # each step has one output: no search is needed
        return Place(value - body.inputs, body.steps[value - body.inputs], value)
    return next(place for place in reversed(list(places(body))) if place.output <= value)
