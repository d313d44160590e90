"""Costs that add up: a number for each layer, the sum for each body, a body's sum times its passes for a
region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from cnnspec.analyses.shapes import Fit, Shapes
from cnnspec.ir.graph import Graph, Layer, Region, Step
from cnnspec.ops import Op
from cnnspec.ops.base import Shape

Cost: TypeAlias = Callable[[Op, tuple[Shape, ...], Shape], int]


class Sums(NamedTuple):
    """`steps[b][s]` is the cost of step `s` of body `b`, all its passes together; `bodies[b]` that of one
    pass through body `b`. None where a shape in it is unknown.
    """

    steps: tuple[tuple[int | None, ...], ...]
    bodies: tuple[int | None, ...]

    @property
    def total(self) -> int | None:
        """Of the whole network."""
        return self.bodies[-1]

    def stretch(self, body: int, first: int, last: int) -> int | None:
        """Of the steps `first` … `last` (exclusive) of a body."""
        return total(self.steps[body][first:last])


def total(costs: Iterable[int | None]) -> int | None:
    """The sum; None where a part of it is unknown."""
    result = 0
    for cost in costs:
        if cost is None:
            return None
        result += cost
    return result


def sums(graph: Graph, shapes: Shapes, cost: Cost) -> Sums:
    """The costs of all steps and bodies of a network."""
    steps: list[tuple[int | None, ...]] = []
    bodies: list[int | None] = []
    for body, fits in zip(graph.bodies, shapes, strict=True):
        costs = tuple(_step(step, fit, cost, bodies) for step, fit in zip(body.steps, fits, strict=True))
        steps.append(costs)
        bodies.append(total(costs))
    return Sums(tuple(steps), tuple(bodies))


def _step(step: Step, fit: Fit | None, cost: Cost, bodies: list[int | None]) -> int | None:
    if isinstance(step, Region):
        return total(times(one.count, bodies[one.body]) for one in step.passes)
    if isinstance(step, Layer) and fit is not None:
        return cost(step.op, fit.arriving, fit.out)
    return None


def times(count: int, cost: int | None) -> int | None:
    """What `count` passes cost."""
    return None if cost is None else count * cost
