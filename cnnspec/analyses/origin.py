"""Where a size came from: the step that last changed it, so that a finding can say "16x2x2 comes from
here".

Steps that hand the size on (an activation, a normalisation, dropout) are passed over; a region that changed
it is entered where it has one pass, so that the place is the layer and not the block.
"""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.ir.graph import Body, Graph, Region
from cnnspec.ir.walk import places


def origin(graph: Graph, body: int | Body, value: int) -> Span | None:
    """The span of the step that made the size of this value of a body; None where it is what came into the
    body (or the model's input), and where it is unknown. `body` may be one that is still being built.
    """
    here = graph.bodies[body] if isinstance(body, int) else body
    return origin_in(here, value, graph.bodies)


def origin_in(body: Body, value: int, bodies: tuple[Body, ...] | list[Body]) -> Span | None:
    """The same without a graph: `bodies` are those that the regions of `body` name."""
    while True:
        shape = body.values[value]
        if shape is None or value < body.inputs:
            return None
        _, step, output = next(place for place in reversed(list(places(body))) if place.output <= value)
        same = [number for number in step.inputs if body.values[number] == shape]
        if same:
            value = same[0]
            continue
        if isinstance(step, Region) and step.passes:
            inside = bodies[step.passes[-1].body]
            number = inside.outputs[value - output]
            if number >= inside.inputs:
                return origin_in(inside, number, bodies) or step.span
        return step.span
