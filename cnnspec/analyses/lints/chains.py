"""Two layers in a row: which layer's output comes to which, past layers that let it through.

A value *carries* a layer when it is that layer's output, or was made of it by layers that let it through. In
a body a value may also carry the body's own input; then what it comes to is told where the body is used, so
that a body is gone through once and pairs are found across the borders of blocks, lines and passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from cnnspec.analyses.shapes import Neighbour
from cnnspec.ir.graph import Region

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


Question: TypeAlias = Callable[[Neighbour], bool]

Carried: TypeAlias = Neighbour | int | None
"""A layer; an input of the body; nothing."""


@dataclass(eq=False, repr=False)
class _Summary:
    """Of a body: what its outputs carry, and the layers that its inputs come to."""

    outputs: list[Carried] = field(default_factory=list)
    meets: dict[int, list[Neighbour]] = field(default_factory=dict)


def pairs(
    report: Report, first: Question, between: Question, second: Question
) -> Iterator[tuple[Neighbour, Neighbour]]:
    """All pairs of a layer for which `first` holds and one for which `second` holds that reads it, directly
    or past layers for which `between` holds. Layers with several inputs are `second` to all of them and never
    `between`.
    """
    summaries: list[_Summary] = []
    for body, layers in zip(report.graph.bodies, report.neighbours, strict=True):
        carried: list[Carried] = list(range(body.inputs))
        summary = _Summary()
        for step, here in zip(body.steps, layers, strict=True):
            given = [carried[number] for number in step.inputs]
            if isinstance(step, Region):
                yield from _uses(step, given, summaries, summary)
                carried += _through(step, given, summaries)
                continue
            if here is None:
                carried.append(None)
                continue
            if second(here):
                yield from _met(given, [here], summary)
            if first(here):
                carried.append(here)
            else:
                carried.append(given[0] if len(given) == 1 and between(here) else None)
        summary.outputs = [carried[number] for number in body.outputs]
        summaries.append(summary)


def _met(
    given: Iterable[Carried], layers: list[Neighbour], summary: _Summary
) -> Iterator[tuple[Neighbour, Neighbour]]:
    for one in given:
        if isinstance(one, Neighbour):
            yield from ((one, layer) for layer in layers)
        elif one is not None:
            summary.meets.setdefault(one, []).extend(layers)


def _uses(
    region: Region, given: list[Carried], summaries: list[_Summary], summary: _Summary
) -> Iterator[tuple[Neighbour, Neighbour]]:
    """What comes to the layers inside a region, in its first pass and from pass to pass."""
    for one in region.passes:
        inside = summaries[one.body]
        for _ in range(min(one.count, 2)):
            for number, layers in inside.meets.items():
                yield from _met(given[number : number + 1], layers, summary)
            given = [*_put(inside.outputs[:1], given), *given[1:]]


def _through(region: Region, given: list[Carried], summaries: list[_Summary]) -> list[Carried]:
    outputs = given
    for one in region.passes:
        outputs = _put(summaries[one.body].outputs, given)
        given = [*outputs[:1], *given[1:]]
    return outputs[: region.outputs]


def _put(outputs: list[Carried], given: list[Carried]) -> list[Carried]:
    """What outputs carry, seen from outside."""
    return [given[one] if isinstance(one, int) else one for one in outputs]
