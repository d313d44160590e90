"""A shared block that is given C x 1 x 1 in one use and a vector in another.

`fc` on C x 1 x 1 flattens first, and that leaves a vector as it is: the function written for maps serves
both. So a use with a vector is treated as a use with a map, as long as only layers follow that take either.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.ir.graph import Graph, Layer
from cnnspec.ir.uses import TemplateUse
from cnnspec.lower.call import Diverges
from cnnspec.ops.base import Activation


def as_maps(graph: Graph, uses: Sequence[TemplateUse]) -> None:
    """Gives the vectors of some uses the shapes that they have, as C x 1 x 1, in the others."""
    maps = [use for use in uses if any(len(use.shape(place)) > 1 for place in _inputs(graph, use))]
    if not maps or all(
        len(use.shape(place)) == len(maps[0].shape(place)) for use in uses for place in _inputs(graph, use)
    ):
        return
    for use in uses:
        if use not in maps:
            _as_in(graph, use, maps[0])


def _inputs(graph: Graph, use: TemplateUse) -> range:
    return range(graph.bodies[use.body].inputs)


def _as_in(graph: Graph, use: TemplateUse, other: TemplateUse) -> None:
    shapes, changed = list(use.shapes), set()
    for value, place in use.values.items():
        rank = len(other.shape(value)) if value in other.values else 1
        if len(shape := use.shape(value)) < rank:
            shapes[place] = (*shape, *(1,) * (rank - len(shape)))
            changed.add(place)
    body = graph.bodies[use.body]
    for step in body.steps:
        if changed & set(step.inputs) and not (isinstance(step, Layer) and _takes_either(step, shapes)):
            raise Diverges("uses of a shared block with a map and with a vector")
    if changed & set(body.outputs):
        raise Diverges("uses of a shared block that give a map and a vector")
    use.shapes = tuple(shapes)


def _takes_either(step: Layer, shapes: Sequence[tuple[int, ...] | None]) -> bool:
    """Whether the layer computes the same of C x 1 x 1 and of a vector."""
    if isinstance(step.op, Activation):
        return not step.op.weights(*(shapes[place] or () for place in step.inputs))
    return step.op.word in ("fc", "flatten")
