"""The shapes of a network for other sizes of its input: the shape rules of its layers, computed again.

That is a hundred times faster than evaluating the spec again, and has the same result as long as no number in
the spec depends on H or W."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import NamedTuple, TypeAlias

from cnnspec.ir.expr import Apply, Const, Expr, value, variables
from cnnspec.ir.graph import Graph, Hole, Layer, Region, collected, handed_on, region_outputs, runs_of
from cnnspec.ir.template import IfSite, LayerSite, numbers_of
from cnnspec.ops.base import Misfit, Op, Shape, spread

SIZES = frozenset("THW")
"""The names of sizes in an expression."""


class Failure(NamedTuple):
    """A layer that does not fit its input."""

    layer: Layer | None
    inputs: tuple[Shape, ...]


class OverWork(Exception):
    """More shape rules than allowed."""


Outcome: TypeAlias = "tuple[Shape, ...] | Failure"


@dataclass(eq=False, repr=False)
class Replay:
    """Computes the shape rules of a network; `left` is the number of layers that may still be computed."""

    graph: Graph
    written: Written
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
            inputs = tuple(values[value] for value in step.inputs)
            if isinstance(step, Region):
                outputs = self._region(step, inputs)
                if isinstance(outputs, Failure):
                    return outputs
                values += outputs
                continue
            assert not isinstance(step, Hole)
            own = self.written.get(body.template, {}).get(step.site)
            op = at_size(step.op, own, inputs[0]) if own else step.op
            out = op.out(*inputs)
            if isinstance(out, Misfit):
                return Failure(step, inputs)
            values.append(out)
        return tuple(values[value] for value in body.outputs)

    def _region(self, region: Region, inputs: tuple[Shape, ...]) -> Outcome:
        gathered: list[Sequence[Shape]] = []
        for one in runs_of(region) if region.each else region.passes:
            for _ in range(one.count):
                outputs = self._body(one.body, inputs)
                if isinstance(outputs, Failure):
                    return outputs
                gathered = collected(region, gathered, outputs)
                before, inputs = inputs, tuple(handed_on(region, inputs, outputs))
                if inputs == before:  # all later passes have the same result
                    break
        return tuple(region_outputs(region, gathered)) if gathered else inputs[: region.outputs]


Written: TypeAlias = dict[int, dict[int, dict[str, Expr]]]
"""The arguments that depend on T, H and W, by template, site and field."""


def written_from_size(graph: Graph) -> Written | None:
    """The arguments of layers that depend on the input's size (`crop (H-4)x(W-4)`). None where another number
    or condition depends on T, H or W: then the shape rules alone do not give the shapes at another size."""
    written: Written = {}
    for number, template in enumerate(graph.templates):
        sites = list(template.sites)
        while sites:
            site = sites.pop()
            if isinstance(site, IfSite):
                sites += (*site.then, *site.otherwise)
            if not isinstance(site, LayerSite):
                if any(map(_names_size, numbers_of(site))):
                    return None
                continue
            own = {field: node for field, node in site.written.items() if _names_size(node)}
            if not all(map(_grows, own.values())):
                return None
            written.setdefault(number, {})[site.site] = own
    return written


def _names_size(node: Expr) -> bool:
    return not SIZES.isdisjoint(variables(node))


def _grows(node: Expr) -> bool:
    """Whether an expression is made from one size at a time, by `+ - * //` and constants: like the shape
    rules, it is then affine in the size after whole periods."""
    names = list(variables(node))
    if isinstance(node, Apply) and node.operator == "sizes":
        return all(map(_grows, node.arguments))
    return len(names) <= 1 and SIZES.issuperset(names) and _arithmetic(node)


def _arithmetic(node: Expr) -> bool:
    if not isinstance(node, Apply):
        return True
    whole = node.operator != "//" or isinstance(node.arguments[1], Const)
    return node.operator in ("+", "-", "*", "//", "neg") and whole and all(map(_arithmetic, node.arguments))


def at_size(op: Op, written: dict[str, Expr], input_shape: Shape) -> Op:
    """The layer with the arguments that it has for an input of this size."""
    sizes = dict(zip("WHT", reversed(input_shape[1:]), strict=False))
    fields = {field: value(node, sizes) for field, node in written.items()}
    return op.model_copy(update=spread(op, fields))


Two: TypeAlias = tuple[Shape, Shape]
"""The shapes of one tensor for two sizes of the network's input."""


@dataclass(eq=False, repr=False)
class Growth:
    """How a network's shapes grow with its input, from two inputs whose sizes differ by `apart`, a number
    with many divisors. `period` is then the least P for which every layer's output grows by a whole number
    when the input grows by P: sizes repeat after it, except constant ones. `mixes`: a reshape or transpose of
    a map that grows mixes its axes."""

    graph: Graph
    apart: int
    written: Written
    period: int = 1
    mixes: bool = False
    _known: dict[tuple[int, tuple[Two, ...]], list[Two]] = field(default_factory=dict)

    def run(self, small: tuple[Shape, ...], large: tuple[Shape, ...]) -> int:
        self._body(len(self.graph.bodies) - 1, tuple(zip(small, large, strict=True)))
        return self.period

    def _body(self, number: int, inputs: tuple[Two, ...]) -> list[Two]:
        if (number, inputs) in self._known:
            return self._known[number, inputs]
        body, values = self.graph.bodies[number], list(inputs)
        for step in body.steps:
            inputs = tuple(values[value] for value in step.inputs)
            if isinstance(step, Region):
                values += self._region(step, inputs)
                continue
            assert isinstance(step, Layer)
            own = self.written.get(body.template, {}).get(step.site, {})
            both = _both(step.op, own, inputs)
            self.mixes |= (step.op.word == "reshape" or step.op.turns) and inputs[0][0] != inputs[0][1]
            for small, large in zip(*both, strict=False):
                self.period = lcm(self.period, Fraction(large - small, self.apart).denominator)
            values.append(both)
        self._known[number, inputs] = [values[value] for value in body.outputs]
        return self._known[number, inputs]

    def _region(self, region: Region, inputs: tuple[Two, ...]) -> list[Two]:
        gathered: list[Sequence[Two]] = []
        for one in runs_of(region) if region.each else region.passes:
            for _ in range(one.count):
                outputs = self._body(one.body, inputs)
                gathered = collected(region, gathered, outputs)
                before, inputs = inputs, tuple(handed_on(region, inputs, outputs))
                if inputs == before:
                    break
        return region_outputs(region, gathered) if gathered else list(inputs[: region.outputs])


def _both(op: Op, written: dict[str, Expr], inputs: tuple[Two, ...]) -> Two:
    """A layer's output for both inputs; where it does not fit the larger one, the shape of its first
    input."""
    small, large = (
        (at_size(op, written, inputs[0][number]) if written else op).out(*(pair[number] for pair in inputs))
        for number in (0, 1)
    )
    assert not isinstance(small, Misfit)
    if isinstance(large, Misfit):
        large = (*small[:1], *inputs[0][1][1:])
    return small, large
