"""Where a size came from: the step that last changed it, so that a finding can say "16x2x2 comes from
here".

Steps that hand the size on (an activation, a normalisation, dropout) are passed over; a region that changed
it is entered where it has one pass, so that the place is the layer and not the block.
"""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.ir.graph import Graph, Region
from cnnspec.ir.walk import places


def origin(graph: Graph, number: int, value: int) -> Span | None:
    """The span of the step that made the size of this value of a body; None where it is what came into the
    body (or the model's input), and where it is unknown.
    """
    body = graph.bodies[number]
    while True:
        shape = body.values[value]
        if shape is None or value < body.inputs:
            return None
        _, step, output = next(place for place in reversed(list(places(body))) if place.output <= value)
        same = [read for read in step.inputs if body.values[read] == shape]
        if same:
            value = same[0]
            continue
        if isinstance(step, Region) and step.passes:
            inner = step.passes[-1].body
            inside = graph.bodies[inner]
            made = inside.outputs[value - output]
            if made >= inside.inputs:
                return origin(graph, inner, made) or step.span
        return step.span
