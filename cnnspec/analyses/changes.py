"""The changes between two networks: layers added, removed and changed, matched by structure.

Bodies are compared side by side: their steps are aligned in order, a use of a block with a use of a block,
the passes of a repeat with the passes of a repeat. Two bodies are compared once, however often they are used,
and equal changes of a block are one `Change` with all its places.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Literal, NamedTuple, TypeAlias

from cnnspec.analyses.alignment import Alignment, Pairs
from cnnspec.analyses.report import Report
from cnnspec.analyses.sides import Costs, Side, known_sum, sides_of
from cnnspec.analyses.step_text import arguments, passes_of, step_text
from cnnspec.analyses.weights import INNER, OWN
from cnnspec.ir.flat import join
from cnnspec.ir.graph import Layer, Pass, Region
from cnnspec.ops.base import Shape

KEPT = 4
"""The number of places of a change, and of its different values, that are reported."""
Kind: TypeAlias = Literal["added", "removed", "changed"]


Value: TypeAlias = tuple[tuple[str, str], ...]
"""The text before and after, for each argument that changed; "" where it was not written."""
Shapes: TypeAlias = tuple[Shape | None, Shape | None]


class Change(NamedTuple):
    """A layer or a whole part that only one network has, or whose arguments differ.

    `where` is the block that contains it and its name there (`bottleneck.conv2`), or its full name; `word`
    the layer's word, "" for a part. `values` are the different changes, each with its number of occurrences;
    `times` is the number of occurrences of all of them, `places` the first names. `shapes` are the different
    output shapes before and after. `params` and `macs` are the increase over all these places together; None
    is unknown. `note` is the position of an added or removed layer.
    """

    kind: Kind
    where: str
    word: str
    values: tuple[tuple[Value, int], ...]
    times: int
    places: tuple[str, ...]
    shapes: tuple[Shapes, ...]
    params: int | None
    macs: int | None
    note: str = ""


class _Key(NamedTuple):
    kind: Kind
    where: str
    word: str
    fields: tuple[str, ...]
    note: str


@dataclass(eq=False, repr=False)
class _Seen:
    """The occurrences of a change: its values, and the first places. `params` are its own weights (under OWN)
    and, by name, the weights of each shared block that contains it, which count once.
    """

    values: Counter[Value] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    shapes: dict[Shapes, None] = field(default_factory=dict)
    params: dict[str, int | None] = field(default_factory=lambda: {OWN: 0})
    macs: int | None = 0

    def add(self, other: _Seen, scope: str, times: int = 1) -> None:
        for value, count in other.values.items():
            self.values[value] += count * times
        self.places += [join(scope, place) for place in other.places][: KEPT - len(self.places)]
        self.shapes |= other.shapes
        own = known_sum(self.params[OWN], other.params[OWN], times)
        self.params = {**self.params, **other.params, OWN: own}
        self.macs = known_sum(self.macs, other.macs, times)

    def used_in(self, region: Region) -> _Seen:
        """The same, multiplied for a use of the block that contains it."""
        params = self.params
        if region.block is not None:
            inner = [name for name in params if name.startswith(INNER)]
            params = {name: param for name, param in params.items() if name not in inner}
            for name in inner:
                params[OWN] = known_sum(params[OWN], self.params[name], 1)
        if region.shared is not None:
            params = {**params, f"{INNER * region.inner}{region.shared}": params[OWN], OWN: 0}
        return replace(self, params=params)


_Found: TypeAlias = dict[_Key, _Seen]


def changes(before: Report, after: Report) -> tuple[Change, ...]:
    """The changes, in the order of the text of `after`."""
    comparison = _Comparison(before, after, Alignment(before.graph, after.graph))
    by_key = comparison.bodies(len(before.graph.bodies) - 1, len(after.graph.bodies) - 1, "")
    return tuple(
        Change(
            key.kind,
            key.where,
            key.word,
            tuple(seen.values.items()),
            sum(seen.values.values()),
            tuple(seen.places),
            tuple(seen.shapes),
            reduce(lambda one, other: known_sum(one, other, 1), seen.params.values()),
            seen.macs,
            key.note,
        )
        for key, seen in by_key.items()
    )


@dataclass(eq=False, repr=False)
class _Comparison:
    before: Report
    after: Report
    alignment: Alignment
    _known: dict[tuple[int, int, str], _Found] = field(default_factory=dict)

    def bodies(self, old: int, new: int, block: str) -> _Found:
        """The changes between two bodies, with names relative to them. `block` is the innermost block that
        they are in, with the names in it so far.
        """
        if (old, new, block) not in self._known:
            self._known[old, new, block] = self._bodies(old, new, block)
        return self._known[old, new, block]

    def _bodies(self, first: int, second: int, block: str) -> _Found:
        by_key: _Found = {}
        left, right, pairs = self.sides(first, second)
        inputs = min(
            report.graph.bodies[body].inputs for report, body in ((self.before, first), (self.after, second))
        )
        values = {number: number for number in range(inputs)}
        values |= {
            left[one].result: right[other].result
            for one, other in pairs
            if one is not None and other is not None
        }
        matched = set(values.values())
        for one, other in pairs:
            if one is None or other is None:
                sides, place = (left, one) if other is None else (right, other)
                assert place is not None
                _alone(by_key, sides, place, "removed" if other is None else "added", block)
                continue
            before, after = left[one], right[other]
            if isinstance(before.step, Region) and isinstance(after.step, Region):
                self._regions(by_key, before, after, block)
            elif isinstance(before.step, Layer) and isinstance(after.step, Layer):
                read = [values.get(value) for value in before.sources]
                moved = len(read) == len(after.sources) and any(
                    was is not None and was != now and now in matched
                    for was, now in zip(read, after.sources, strict=True)
                )
                _layers(by_key, before, after, block, moved)
        return by_key

    def sides(self, first: int, second: int) -> tuple[list[Side], list[Side], Pairs]:
        """The steps of two bodies, and their pairs. The passes of a repeat without a partner are compared as
        if they were written out, where the other network has them written out.
        """
        left, right = sides_of(self.before, first), sides_of(self.after, second)
        pairs = self.alignment.pairs(left, right)
        both = left, right
        alone = [
            frozenset((side.body, side.place) for side in _without_repeat(both, pairs, one) if side.opens)
            for one in (0, 1)
        ]
        if not any(alone):
            return left, right, pairs
        wide = sides_of(self.before, first, alone[0]), sides_of(self.after, second, alone[1])
        others = self.alignment.pairs(*wide)

        def unlike(both: tuple[list[Side], list[Side]], pairs: Pairs) -> int:
            return sum(side.size for one in (0, 1) for side in _without_repeat(both, pairs, one))

        return (*wide, others) if unlike(wide, others) < unlike(both, pairs) else (left, right, pairs)

    def _regions(self, by_key: _Found, before: Side, after: Side, block: str) -> None:
        """The changes between the passes of two regions; where one has more passes, the surplus is one
        change.
        """
        old, new = before.step, after.step
        assert isinstance(old, Region)
        assert isinstance(new, Region)
        inside = new.block if new.block is not None else join(block, after.name)
        written: dict[str, tuple[str, str]] = {}
        if old.block != new.block and old.block is not None and new.block is not None:
            written["block"] = (f"{old.block}()", f"{new.block}()")
        counts = [sum(one.count for one in region.passes) for region in (old, new)]
        if counts[0] != counts[1]:
            written["passes"] = (passes_of(counts[0]), passes_of(counts[1]))
        runs = _side_by_side(old, new)
        if written:
            alone = before.besides(one for one, _ in runs), after.besides(other for _, other in runs)
            _add(by_key, "changed", block, before, after, written, more=alone)
        first = 0
        for one, other in runs:
            scope = join(after.name, str(first)) if new.kind == "repeat" else after.name
            for key, seen in self.bodies(one.body, other.body, inside).items():
                by_key.setdefault(key, _Seen()).add(seen.used_in(new), scope, one.count)
            first += one.count


def _side_by_side(old: Region, new: Region) -> list[tuple[Pass, Pass]]:
    """The pairs of passes of two regions, in runs of equal length, up to the end of the shorter one."""
    runs: list[tuple[Pass, Pass]] = []
    left = [(one.body, one.count) for one in reversed(old.passes)]
    for one in new.passes:
        count = one.count
        while count and left:
            body, there = left.pop()
            taken = min(count, there)
            runs.append((Pass(body=body, count=taken), Pass(body=one.body, count=taken)))
            count -= taken
            if there > taken:
                left.append((body, there - taken))
    return runs


def _without_repeat(both: tuple[list[Side], list[Side]], pairs: Pairs, one: int) -> list[Side]:
    """The steps of one network that have no partner in the other, and repeats whose partner is not a
    repeat.
    """
    sides: list[Side] = []
    for pair in pairs:
        at, other = pair[one], pair[1 - one]
        if at is not None:
            kinds = [_kind(both[one][at]), None if other is None else _kind(both[1 - one][other])]
            if kinds[1] is None or (kinds[0] == "repeat" != kinds[1]):
                sides.append(both[one][at])
    return sides


def _kind(side: Side) -> str:
    return side.step.kind if isinstance(side.step, Region) else ""


def _alone(by_key: _Found, sides: list[Side], place: int, kind: Kind, block: str) -> None:
    """A step that the other network does not have."""
    side = sides[place]
    note = f"after {sides[place - 1].name or sides[place - 1].word}" if place else "at the beginning"
    text = ("", step_text(side.step)) if kind == "added" else (step_text(side.step), "")
    old, new = (None, side) if kind == "added" else (side, None)
    _add(by_key, kind, block, old, new, {"step": text}, note)


def _layers(by_key: _Found, before: Side, after: Side, block: str, moved: bool) -> None:
    """The arguments in which two layers differ, and whether one of them reads other tensors."""
    old, new = before.step, after.step
    assert isinstance(old, Layer)
    assert isinstance(new, Layer)
    first, second = arguments(old), arguments(new)
    written = {
        name: (first.get(name, ""), second.get(name, ""))
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    }
    if written or moved:
        _add(by_key, "changed", block, before, after, written, "reads other tensors" if moved else "")


def _add(
    by_key: _Found,
    kind: Kind,
    block: str,
    before: Side | None,
    after: Side | None,
    written: dict[str, tuple[str, str]],
    note: str = "",
    more: tuple[Costs, Costs] | None = None,
) -> None:
    """Records a change. `more`: the costs before and after, where these differ from the steps' own."""
    side = after or before
    assert side is not None
    key = _Key(kind, join(block, side.name), side.word, tuple(written), note)
    old, new = more or (before.costs if before else (0, 0), after.costs if after else (0, 0))
    shapes = (before and before.shape, after and after.shape)
    by_key.setdefault(key, _Seen()).add(
        _Seen(
            Counter({tuple(written.values()): 1}),
            [side.name],
            {} if shapes[0] == shapes[1] or more else {shapes: None},
            {OWN: known_sum(new[0], old[0], -1)},
            known_sum(new[1], old[1], -1),
        ),
        "",
    )
