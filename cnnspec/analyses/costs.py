"""Costs that add up: one number per layer, a sum for each body, and for a region the sum of its body times
the number of passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import NamedTuple

from cnnspec.analyses.shapes import Shaped, Shapes
from cnnspec.ir.graph import Graph, Region, Step


class Costs(NamedTuple):
    """`steps[b][s]` is the cost of step `s` of body `b`, summed over its passes; `bodies[b]` is the cost of
    one pass through body `b`. None where a shape is unknown."""

    steps: tuple[tuple[int | None, ...], ...]
    bodies: tuple[int | None, ...]

    @property
    def total(self) -> int | None:
        """The cost of the whole network."""
        return self.bodies[-1]

    def stretch(self, body: int, first: int, last: int) -> int | None:
        """The cost of the steps `first` … `last` (exclusive) of a body."""
        return _total(self.steps[body][first:last])


def macs(layer: Shaped) -> int:
    """Multiply–accumulates of one image's forward pass, as torchvision's GFLOPS column counts them."""
    return layer.op.macs(layer.inputs, layer.output)


def connections(layer: Shaped) -> int:
    """As LeCun counts them: (weights + bias of one output) × outputs. LeNet-5 has 340,908."""
    return layer.op.connections(layer.inputs, layer.output)


def activations(layer: Shaped) -> int:
    """Number of elements of the output for one image; merges, activations and pools count too."""
    return prod(layer.output)


def weighted(layer: Shaped) -> int:
    """1 for a layer that papers count: conv, dwconv, deconv, fc, rbf, subsample."""
    return int(layer.op.weighted)


def costs(graph: Graph, shapes: Shapes, cost: Callable[[Shaped], int]) -> Costs:
    """The costs of all steps and bodies of a network."""
    steps: list[tuple[int | None, ...]] = []
    bodies: list[int | None] = []
    for body, layers in zip(graph.bodies, shapes, strict=True):
        step_costs = tuple(
            _passes(step, bodies) if layer is None else cost(layer)
            for step, layer in zip(body.steps, layers, strict=True)
        )
        steps.append(step_costs)
        bodies.append(_total(step_costs))
    return Costs(tuple(steps), tuple(bodies))


def _passes(step: Step, bodies: list[int | None]) -> int | None:
    if not isinstance(step, Region):
        return None
    passes = ((one.count, bodies[one.body]) for one in step.passes)
    return _total(None if cost is None else count * cost for count, cost in passes)


def _total(costs: Iterable[int | None]) -> int | None:
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)
