"""Shapes: what arrives at each layer and what leaves it, where both are sound.

The elaborator has put a shape on every value, or None behind a mistake; behind a line in error it may go
on from what the line's claim says. So a layer's shapes are known only if its own rule agrees with them,
and the other analyses ask no layer about shapes that it cannot take."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from cnnspec.ir.graph import Body, Graph, Layer, Region
from cnnspec.ir.walk import places
from cnnspec.ops.base import Shape


class Fit(NamedTuple):
    """The shapes at one layer."""

    arriving: tuple[Shape, ...]
    out: Shape


class Neighbour(NamedTuple):
    """A layer with its shapes."""

    layer: Layer
    fit: Fit


Shapes: TypeAlias = tuple[tuple[Fit | None, ...], ...]
"""By body and step; None for regions, and where something is unknown."""


def shapes(graph: Graph) -> Shapes:
    return tuple(
        tuple(
            fit(step, body, output) if isinstance(step, Layer) else None for _, step, output in places(body)
        )
        for body in graph.bodies
    )


def fit(layer: Layer, body: Body, output: int) -> Fit | None:
    """The shapes at a layer; None where one is unknown, or is not what the layer makes of what arrives."""
    out = body.values[output]
    if out is None:
        return None
    arriving = []
    for number in layer.inputs:
        shape = body.values[number]
        if shape is None:
            return None
        arriving.append(shape)
    return Fit(tuple(arriving), out) if layer.op.out(*arriving) == out else None


def made(graph: Graph, shapes: Shapes, body: int, value: int) -> Shape | None:
    """The shape of a value where a layer really makes it; None where it is only claimed."""
    while True:
        here = graph.bodies[body]
        if value < here.inputs:
            return here.values[value]
        index, step, output = next(place for place in reversed(list(places(here))) if place.output <= value)
        if isinstance(step, Region) and step.passes:
            body = step.passes[-1].body
            value = graph.bodies[body].outputs[value - output]
            continue
        known = shapes[body][index]
        return None if known is None else known.out
