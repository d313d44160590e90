"""The steps of one of two compared networks, with their costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from cnnspec.analyses.report import Report
from cnnspec.analyses.weights import counted
from cnnspec.ir.flat import join
from cnnspec.ir.graph import Layer, Pass, Region, Step, handed_on, outputs_of, places
from cnnspec.ops.base import Shape

OPENED = 400
"""The largest number of layers in a repeat that is compared with layers that are written out."""

Costs: TypeAlias = tuple[int | None, int | None]


def known_sum(one: int | None, other: int | None, times: int) -> int | None:
    return None if one is None or other is None else one + times * other


class Side(NamedTuple):
    """A step of one of the networks: the number of its body, its place in it and the number of its first
    output.

    Labelled lines and groups are not levels here: their steps are among those around them, with the level in
    their `name`. `sources` and `result` number the values of all these steps together.
    """

    report: Report
    body: int
    place: int
    output: int
    name: str
    sources: tuple[int, ...]
    result: int

    @property
    def step(self) -> Step:
        return self.report.graph.bodies[self.body].steps[self.place]

    @property
    def word(self) -> str:
        """The layer's word; "" for a part."""
        return self.step.op.word if isinstance(self.step, Layer) else ""

    @property
    def shape(self) -> Shape | None:
        return self.report.graph.bodies[self.body].values[self.output]

    @property
    def size(self) -> int:
        """The number of steps in it, over all passes."""
        bodies = self.report.graph.bodies
        passes = self.step.passes if isinstance(self.step, Region) else ()
        return sum(one.count * len(bodies[one.body].steps) for one in passes) or 1

    @property
    def opens(self) -> bool:
        """Whether it is a repeat that may be compared with layers that are written out."""
        step = self.step
        return isinstance(step, Region) and step.kind == "repeat" and not step.each and self.size <= OPENED

    @property
    def costs(self) -> Costs:
        """Weights and MACs."""
        held = self.report.weights.stretch(self.body, self.place, self.place + 1)
        return None if held is None else held.params, self.report.macs.steps[self.body][self.place]

    def besides(self, passes: Iterable[Pass]) -> Costs:
        """Weights and MACs of a region's passes other than these."""
        params, macs = self.costs
        for one in passes:
            held = counted(self.report.weights.bodies[one.body])
            params = known_sum(params, None if held is None else held.params, -one.count)
            macs = known_sum(macs, self.report.macs.bodies[one.body], -one.count)
        return params, macs


def sides_of(report: Report, number: int, opened: frozenset[tuple[int, int]] = frozenset()) -> list[Side]:
    """The steps of a body. The steps of labelled lines and groups are among them, and those of the passes of
    the repeats that are `opened` (each given by the number of its body and its place in it).
    """
    sides: list[Side] = []
    count = report.graph.bodies[number].inputs

    def through(number: int, values: list[int], scope: str) -> list[int]:
        nonlocal count
        body = report.graph.bodies[number]
        for place in places(body):
            step = place.step
            sources = [values[value] for value in step.inputs]
            name = join(scope, step.name)
            if isinstance(step, Region) and step.kind in ("line", "group"):
                values += through(step.passes[0].body, sources, name)[: step.outputs]
                continue
            if isinstance(step, Region) and (number, place.index) in opened:
                each = [one.body for one in step.passes for _ in range(one.count)]
                for turn, inner in enumerate(each):
                    outputs = through(inner, list(sources), join(name, str(turn)))
                    sources = handed_on(step, sources, outputs)
                values += outputs[: step.outputs]
                continue
            results = list(range(count, count + outputs_of(step)))
            count += len(results)
            sides.append(Side(report, number, place.index, place.output, name, tuple(sources), results[0]))
            values += results
        return [values[value] for value in body.outputs]

    through(number, list(range(count)), "")
    return sides
