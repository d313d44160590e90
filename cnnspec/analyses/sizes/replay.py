"""A network's shapes at other sizes of its input: the shape rules of its layers, run again.

That is a hundred times faster than to evaluate the spec again, and gives the same as long as no number in it
depends on H or W."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import NamedTuple, TypeAlias

from cnnspec.ir.expr import Expr, variables
from cnnspec.ir.graph import Graph, Hole, Layer, Region
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site
from cnnspec.ops.base import Misfit, Op, Shape

SIZES = frozenset("THW")
"""The names of sizes in an expression."""


class Failure(NamedTuple):
    """A layer that does not fit what arrives."""

    layer: Layer | None
    arriving: tuple[Shape, ...]


class OverWork(Exception):
    """More shape rules than may be run."""


Outcome: TypeAlias = "tuple[Shape, ...] | Failure"


@dataclass(eq=False, repr=False)
class Replay:
    """Runs the shape rules of a network; `left` is how many layers may still be run."""

    graph: Graph
    left: int
    _known: dict[tuple[int, tuple[Shape, ...]], Outcome] = field(default_factory=dict)

    def run(self, inputs: tuple[Shape, ...]) -> Outcome:
        """The shapes of the outputs, or the first layer that does not fit."""
        self._known.clear()
        return self._body(len(self.graph.bodies) - 1, inputs)

    def _body(self, number: int, inputs: tuple[Shape, ...]) -> Outcome:
        known = self._known.get((number, inputs))
        if known is None:
            known = self._known[number, inputs] = self._through(number, inputs)
        return known

    def _through(self, number: int, inputs: tuple[Shape, ...]) -> Outcome:
        body, values = self.graph.bodies[number], list(inputs)
        self.left -= 1 + len(body.steps)
        if self.left < 0:
            raise OverWork
        for step in body.steps:
            arriving = tuple(values[value] for value in step.inputs)
            if isinstance(step, Region):
                made = self._region(step, arriving)
                if isinstance(made, Failure):
                    return made
                values += made
                continue
            assert not isinstance(step, Hole)
            out = step.op.out(*arriving)
            if isinstance(out, Misfit):
                return Failure(step, arriving)
            values.append(out)
        return tuple(values[value] for value in body.outputs)

    def _region(self, region: Region, given: tuple[Shape, ...]) -> Outcome:
        outputs: Outcome = given
        for one in region.passes:
            for _ in range(one.count):
                outputs = self._body(one.body, given)
                if isinstance(outputs, Failure):
                    return outputs
                if outputs[0] == given[0]:  # the passes after it give the same
                    break
                given = (outputs[0], *given[1:])
        assert not isinstance(outputs, Failure)
        return outputs[: region.outputs]


def depends_on_size(graph: Graph) -> bool:
    """Whether a number or a condition in the spec is made from T, H or W, or a layer exchanges axes: then the
    shape rules alone do not give its shapes at another size."""
    return any(_names_size(site) for template in graph.templates for site in template.sites) or any(
        isinstance(step, Layer) and step.op.word in ("reshape", "transpose")
        for body in graph.bodies
        for step in body.steps
    )


def _names_size(site: Site) -> bool:
    found: list[Expr] = []
    match site:
        case LetSite():
            found = [site.value]
        case LayerSite():
            found = [*site.written.values()]
        case RegionSite():
            found = [*site.arguments.values(), *([] if site.times is None else [site.times])]
        case IfSite():
            found = [site.condition]
            if any(_names_size(inner) for side in (site.then, site.otherwise) for inner in side):
                return True
    return any(name in SIZES for one in found for name in variables(one))


Two: TypeAlias = tuple[Shape, Shape]
"""The shapes of one tensor for two inputs."""


@dataclass(eq=False, repr=False)
class Growth:
    """How a network's shapes grow with its input, from two inputs that are `apart`, a number with many
    divisors. `period` is then the least P for which every layer's output grows by a whole number when the
    input grows by P: sizes repeat after it, but for constants."""

    graph: Graph
    apart: int
    period: int = 1
    _known: dict[tuple[int, tuple[Two, ...]], list[Two]] = field(default_factory=dict)

    def run(self, small: tuple[Shape, ...], large: tuple[Shape, ...]) -> int:
        self._body(len(self.graph.bodies) - 1, tuple(zip(small, large, strict=True)))
        return self.period

    def _body(self, number: int, inputs: tuple[Two, ...]) -> list[Two]:
        if (number, inputs) in self._known:
            return self._known[number, inputs]
        body, values = self.graph.bodies[number], list(inputs)
        for step in body.steps:
            arriving = tuple(values[value] for value in step.inputs)
            if isinstance(step, Region):
                values += self._region(step, arriving)
                continue
            assert isinstance(step, Layer)
            both = _both(step.op, arriving)
            for small, large in zip(*both, strict=False):
                self.period = lcm(self.period, Fraction(large - small, self.apart).denominator)
            values.append(both)
        self._known[number, inputs] = [values[value] for value in body.outputs]
        return self._known[number, inputs]

    def _region(self, region: Region, given: tuple[Two, ...]) -> list[Two]:
        made = list(given)
        for one in region.passes:
            for _ in range(one.count):
                made = self._body(one.body, given)
                if made[0] == given[0]:
                    break
                given = (made[0], *given[1:])
        return made[: region.outputs]


def _both(op: Op, arriving: tuple[Two, ...]) -> Two:
    """A layer's output for both inputs; where it does not fit the larger, as large as its first input."""
    small, large = (op.out(*(pair[number] for pair in arriving)) for number in (0, 1))
    assert not isinstance(small, Misfit)
    if isinstance(large, Misfit):
        large = (*small[:1], *arriving[0][1][1:])
    return small, large
