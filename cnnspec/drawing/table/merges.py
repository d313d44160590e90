"""Where branches meet: the steps of a body that are in the branches of a merge.

The branches of `add [ a | b ]` are in its text. A merge may also name earlier values by their labels (`add [
@x | @y ]`): its branches are then the paths to these values from the point where the paths separate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from cnnspec.diagnostics import Span
from cnnspec.drawing.table.parts import MANY, Part, TooMany, plus, settled, visible
from cnnspec.ir.graph import Layer, Place, Region, Step


@dataclass(eq=False)
class Element:
    """A step of a body, as parts; `start` is the value that it reads."""

    place: Place
    parts: list[Part]
    start: int


@dataclass
class Chain:
    """The steps of a body in order; the steps in a merge's branches are inside the merge. `block`: the body
    is a block's. `by_line`: a merge contains only the steps in its own text, and is a part even without
    any."""

    block: bool
    by_line: bool = False
    elements: list[Element] = field(default_factory=list)
    made: dict[int, Element] = field(default_factory=dict)
    """The element that makes each value."""
    parts: int = 0

    def add(self, place: Place, parts: list[Part]) -> None:
        """Adds the next step."""
        step = place.step
        element = Element(place, parts, step.inputs[0] if step.inputs else 0)
        if isinstance(step, Layer) and step.op.merges:
            self._merge(element, step)
        self.elements.append(element)
        self.parts += len(element.parts)
        self.made |= dict.fromkeys(_values(place), element)

    def _merge(self, element: Element, step: Layer) -> None:
        first = self._first_inside(step.span)
        inside = self.elements[first:]
        branches, origins = self._branches(step.inputs, set(map(id, inside)))
        further: list[Element] = []
        if len(origins) > 1 and not self.by_line:
            ways, whole = self._branches(step.inputs, None)
            parted = _parted(ways)
            further = [one for branch in parted for one in branch if one not in inside]
            if len(whole) == 1 and self._encloses(further):
                branches = parted
            else:
                further = []
        if not inside and not further:
            if self.by_line and len(step.inputs) > 1:
                element.parts = [replace(part, kind="layer") for part in element.parts]
            return
        if further:
            self.elements = [one for one in self.elements[:first] if one not in further]
        else:
            del self.elements[first:]
        inside = [*inside, *further]
        self.parts -= sum(len(one.parts) for one in inside)
        for one in inside:
            for value in _values(one.place):
                del self.made[value]
        begin = next((branch[0] for branch in branches if branch), None)
        element.start = begin.start if begin is not None else element.start
        element.parts = [_merged(element, branches, inside)]

    def _branches(
        self, inputs: tuple[int, ...], inside: set[int] | None
    ) -> tuple[list[list[Element]], set[int]]:
        """The steps on the paths to these values, one list per input, as far as they are `inside`; and the
        values where the paths begin."""
        ways: list[list[Element]] = []
        origins: set[int] = set()
        for value in inputs:
            way: list[Element] = []
            while value in self.made and (inside is None or id(self.made[value]) in inside):
                way.append(self.made[value])
                value = way[-1].start
            ways.append(way[::-1])
            origins.add(value)
        return ways, origins

    def _first_inside(self, span: Span) -> int:
        """The position of the first step in a merge's text."""
        first = len(self.elements)
        while first and _within(self.elements[first - 1].place.step, span):
            first -= 1
        return first

    def _encloses(self, further: list[Element]) -> bool:
        """Whether steps before a merge count as its branches. They do not where they are an encoder and a
        decoder, or, outside a block, where they are blocks themselves."""
        parts = [part for one in further for part in one.parts]
        if any(one < 1 for part in parts for one in part.stride):
            return False
        return self.block or not any(part.kind in ("cell", "merge") for part in parts)


def _parted(ways: list[list[Element]]) -> list[list[Element]]:
    """The paths from the point where they separate; a step on several paths belongs to the first."""
    shared = 0
    for elements in zip(*ways, strict=False):
        if any(one is not elements[0] for one in elements):
            break
        shared += 1
    seen: set[int] = set()
    branches = []
    for way in ways:
        branch = [one for one in way[shared:] if id(one) not in seen]
        seen |= set(map(id, branch))
        branches.append(branch)
    return branches


def _merged(element: Element, branches: list[list[Element]], inside: list[Element]) -> Part:
    """The merge with its branches in it; it is quiet if its branches have no parts to show."""
    chains = [settled([part for one in branch for part in one.parts]) for branch in branches]
    seen = tuple(tuple(part for part in chain if visible(part)) for chain in chains)
    (merge,) = element.parts
    members = [part for one in inside for part in one.parts]
    weights = merge.weights
    for part in members:
        weights = plus(weights, part.weights)
    kind: Literal["merge", "gate", "quiet"] = "merge"
    if not any(seen):
        kind = "quiet"
    elif merge.op is not None and merge.op.gate:
        kind = "gate"
    size = 1 + sum(part.size for part in members)
    if size > MANY:
        raise TooMany(merge.span)
    return replace(
        merge,
        kind=kind,
        input_shape=next((chain[0].input_shape for chain in seen if chain), merge.input_shape),
        branches=seen,
        weights=weights,
        macs=merge.macs + sum(part.macs for part in members),
        depth=max(sum(part.depth for part in chain) for chain in chains),
        layers=merge.layers + sum(part.layers for part in members),
        size=size,
    )


def _within(step: Step, span: Span) -> bool:
    return span.start <= step.span.start and step.span.end <= span.end


def _values(place: Place) -> range:
    count = place.step.outputs if isinstance(place.step, Region) else 1
    return range(place.output, place.output + count)
