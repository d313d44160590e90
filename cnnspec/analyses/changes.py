"""What changed between two networks: layers added, removed and changed, matched by structure.

Bodies are compared side by side: their steps are aligned in order, a block's use with a block's use, a
repeat's passes with a repeat's. Two bodies are compared once, however often they are used, and equal changes
of a block are one `Change` with the places where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from cnnspec.analyses.report import Report
from cnnspec.analyses.weights import counted
from cnnspec.ir.flat import join
from cnnspec.ir.graph import Graph, Hole, Layer, Pass, Region, Step, handed_on, outputs_of, places
from cnnspec.ops.base import Shape, arguments_of, is_default, spelled
from cnnspec.ops.pool import Pooling

LONGEST = 40
"""Characters of an argument that is shown whole."""
KEPT = 4
"""Of the places of a change, and of its different values, so many are named."""
OPENED = 400
"""Layers of a repeat that is compared with what is written out."""
LARGEST = 250_000
"""Steps of one body times steps of the other that are aligned with care; above it, just by words."""

Kind: TypeAlias = Literal["added", "removed", "changed"]


Value: TypeAlias = tuple[tuple[str, str], ...]
"""What is written before and after, for each argument that changed; "" where there was none."""
Costs: TypeAlias = tuple[int | None, int | None]
Shapes: TypeAlias = tuple[Shape | None, Shape | None]


class Change(NamedTuple):
    """A layer or a whole part that only one network has, or that has other arguments.

    `where` is the block that it is in and its name there (`bottleneck.conv2`), or its whole name; `word` the
    layer's, "" for a part. `values` are the different changes, with how often each occurs; `times` how often
    all of them do, `places` the first names. `shapes` are the different output shapes before and after.
    `params` and `macs` are what the network has more of, in all these places together; None is unknown.
    `note` says where an added or removed one stands.
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
    """How often a change occurs: its values, and the first places."""

    values: Counter[Value] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    shapes: dict[Shapes, None] = field(default_factory=dict)
    params: int | None = 0
    macs: int | None = 0

    def add(self, other: _Seen, scope: str, times: int = 1) -> None:
        for value, count in other.values.items():
            self.values[value] += count * times
        self.places += [join(scope, place) for place in other.places][: KEPT - len(self.places)]
        self.shapes |= other.shapes
        self.params = _sum(self.params, other.params, times)
        self.macs = _sum(self.macs, other.macs, times)


def _sum(one: int | None, other: int | None, times: int) -> int | None:
    return None if one is None or other is None else one + times * other


_Found: TypeAlias = dict[_Key, _Seen]
_Pairs: TypeAlias = list[tuple[int | None, int | None]]


class Side(NamedTuple):
    """A step of one of the networks: the number of its body, its place in it and the first value it gives.

    Lines with a label and groups are no level here: their steps are among those around them, with the level
    in their `name`. `sources` and `result` number the values of all these steps together.
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
        """Steps in it, those of all passes."""
        bodies = self.report.graph.bodies
        passes = self.step.passes if isinstance(self.step, Region) else ()
        return sum(one.count * len(bodies[one.body].steps) for one in passes) or 1

    @property
    def opens(self) -> bool:
        """Whether it is a repeat that may be compared with what is written out."""
        step = self.step
        return isinstance(step, Region) and step.kind == "repeat" and not step.each and self.size <= OPENED

    @property
    def costs(self) -> Costs:
        """Weights and MACs."""
        held = self.report.weights.stretch(self.body, self.place, self.place + 1)
        return None if held is None else held.params, self.report.macs.steps[self.body][self.place]

    def besides(self, passes: Iterable[Pass]) -> Costs:
        """Weights and MACs of a region's other passes than these."""
        params, macs = self.costs
        for one in passes:
            held = counted(self.report.weights.bodies[one.body])
            params = _sum(params, None if held is None else held.params, -one.count)
            macs = _sum(macs, self.report.macs.bodies[one.body], -one.count)
        return params, macs


_Steps: TypeAlias = list[Side]


def changes(before: Report, after: Report) -> tuple[Change, ...]:
    """What changed, in the order of the text of `after`."""
    comparison = _Comparison(before, after)
    found = comparison.bodies(len(before.graph.bodies) - 1, len(after.graph.bodies) - 1, "")
    return tuple(
        Change(
            key.kind,
            key.where,
            key.word,
            tuple(seen.values.items()),
            sum(seen.values.values()),
            tuple(seen.places),
            tuple(seen.shapes),
            seen.params,
            seen.macs,
            key.note,
        )
        for key, seen in found.items()
    )


@dataclass(eq=False, repr=False)
class _Comparison:
    before: Report
    after: Report
    _known: dict[tuple[int, int, str], _Found] = field(default_factory=dict)
    _alike: dict[tuple[int, int], float] = field(default_factory=dict)

    def bodies(self, old: int, new: int, block: str) -> _Found:
        """The changes between two bodies; their places are names below them. `block` is the innermost block
        that they are in, with the names in it so far."""
        if (old, new, block) not in self._known:
            self._known[old, new, block] = self._bodies(old, new, block)
        return self._known[old, new, block]

    def _bodies(self, first: int, second: int, block: str) -> _Found:
        found: _Found = {}
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
                _alone(found, sides, place, "removed" if other is None else "added", block)
                continue
            before, after = left[one], right[other]
            if isinstance(before.step, Region) and isinstance(after.step, Region):
                self._regions(found, before, after, block)
            elif isinstance(before.step, Layer) and isinstance(after.step, Layer):
                read = [values.get(value) for value in before.sources]
                moved = len(read) == len(after.sources) and any(
                    was is not None and was != now and now in matched
                    for was, now in zip(read, after.sources, strict=True)
                )
                _layers(found, before, after, block, moved)
        return found

    def sides(self, first: int, second: int) -> tuple[_Steps, _Steps, _Pairs]:
        """The steps of two bodies, and which is which. A repeat that has no partner is taken as if its passes
        were written out, where the other network has them so."""
        left, right = _sides(self.before, first), _sides(self.after, second)
        pairs = self.aligned(left, right)
        both = left, right
        alone = [
            frozenset((side.body, side.place) for side in _without_repeat(both, pairs, one) if side.opens)
            for one in (0, 1)
        ]
        if not any(alone):
            return left, right, pairs
        wide = _sides(self.before, first, alone[0]), _sides(self.after, second, alone[1])
        others = self.aligned(*wide)

        def unlike(both: tuple[_Steps, _Steps], pairs: _Pairs) -> int:
            return sum(side.size for one in (0, 1) for side in _without_repeat(both, pairs, one))

        return (*wide, others) if unlike(wide, others) < unlike(both, pairs) else (left, right, pairs)

    def _regions(self, found: _Found, before: Side, after: Side, block: str) -> None:
        """The passes of two regions, side by side; where one has more, they are counted."""
        old, new = before.step, after.step
        assert isinstance(old, Region)
        assert isinstance(new, Region)
        inside = new.block if new.block is not None else join(block, after.name)
        written: dict[str, tuple[str, str]] = {}
        if old.block != new.block and old.block is not None and new.block is not None:
            written["block"] = (f"{old.block}()", f"{new.block}()")
        counts = [sum(one.count for one in region.passes) for region in (old, new)]
        if counts[0] != counts[1]:
            written["passes"] = (f"{counts[0]} passes", f"{counts[1]} passes")
        runs = _side_by_side(old, new)
        if written:
            alone = before.besides(one for one, _ in runs), after.besides(other for _, other in runs)
            _add(found, "changed", block, before, after, written, more=alone)
        first = 0
        for one, other in runs:
            scope = join(after.name, str(first)) if new.kind == "repeat" else after.name
            for key, seen in self.bodies(one.body, other.body, inside).items():
                found.setdefault(key, _Seen()).add(seen, scope, one.count)
            first += one.count

    def aligned(self, old: _Steps, new: _Steps) -> _Pairs:
        """Which step is which: pairs of places, in order; None where the other network has none."""
        start = 0
        while start < min(len(old), len(new)) and self.like(old[start], new[start]) == 1:
            start += 1
        end = 0
        while end < min(len(old), len(new)) - start and self.like(old[-1 - end], new[-1 - end]) == 1:
            end += 1
        inner = self._inner(old[start : len(old) - end], new[start : len(new) - end])
        return [
            *((place, place) for place in range(start)),
            *(
                (None if one is None else one + start, None if other is None else other + start)
                for one, other in inner
            ),
            *((len(old) - end + place, len(new) - end + place) for place in range(end)),
        ]

    def _inner(self, old: _Steps, new: _Steps) -> _Pairs:
        """The alignment with the most in common (Needleman and Wunsch, 1970)."""
        if len(old) * len(new) > LARGEST:
            return _by_words(old, new)
        best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
        for one in reversed(range(len(old))):
            for other in reversed(range(len(new))):
                like = self.like(old[one], new[other])
                best[one][other] = max(
                    best[one + 1][other],
                    best[one][other + 1],
                    best[one + 1][other + 1] + like if like else 0.0,
                )
        pairs: _Pairs = []
        one = other = 0
        while one < len(old) and other < len(new):
            like = self.like(old[one], new[other])
            if like and best[one][other] == best[one + 1][other + 1] + like:
                pairs.append((one, other))
                one, other = one + 1, other + 1
            elif best[one][other] == best[one + 1][other]:
                pairs.append((one, None))
                one += 1
            else:
                pairs.append((None, other))
                other += 1
        pairs += [(place, None) for place in range(one, len(old))]
        return pairs + [(None, place) for place in range(other, len(new))]

    def like(self, one: Side, other: Side) -> float:
        """How much alike two steps are, from 0 (they cannot be the same) to 1."""
        old, new = one.step, other.step
        named = 0.1 if one.name == other.name else 0.0
        if isinstance(old, Layer) and isinstance(new, Layer):
            if old.op.word != new.op.word:
                return 0
            return (0.9 if old.op == new.op else 0.5) + named
        if isinstance(old, Region) and isinstance(new, Region):
            inside = self.inside(old.passes[0].body, new.passes[0].body)
            same = old.block == new.block and old.kind == new.kind
            return (0.4 if same else 0.1) + inside / 2 + named if same or inside > 0.4 else 0
        return 0

    def inside(self, old: int, new: int) -> float:
        """What part of the layers of two bodies have the same words; 1 if they are equal."""
        if (old, new) not in self._alike:
            self._alike[old, new] = 0.0
            first, second = self.words(self.before.graph, old), self.words(self.after.graph, new)
            all_words = max(sum(first.values()), sum(second.values()))
            self._alike[old, new] = sum((first & second).values()) / all_words if all_words else 1.0
        return self._alike[old, new]

    def words(self, graph: Graph, number: int) -> Counter[str]:
        """The words of a body's steps; those inside regions, one level down."""
        found: Counter[str] = Counter()
        for step in graph.bodies[number].steps:
            inner = graph.bodies[step.passes[0].body].steps if isinstance(step, Region) else (step,)
            found.update(one.op.word if isinstance(one, Layer) else one.name for one in inner)
        return found


def _by_words(old: _Steps, new: _Steps) -> _Pairs:
    """An alignment of long bodies by the steps' words and names alone."""
    from difflib import SequenceMatcher

    keys = [[step_text(side.step).split(" ")[0] for side in sides] for sides in (old, new)]
    pairs: _Pairs = []
    for _, first, end, second, until in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        same = keys[0][first:end] == keys[1][second:until]
        if same:
            pairs += zip(range(first, end), range(second, until), strict=True)
        else:
            pairs += [(place, None) for place in range(first, end)]
            pairs += [(None, place) for place in range(second, until)]
    return pairs


def _side_by_side(old: Region, new: Region) -> list[tuple[Pass, Pass]]:
    """The passes of two regions beside each other, as far as both go: pairs of equally many."""
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


def _without_repeat(both: tuple[_Steps, _Steps], pairs: _Pairs, one: int) -> list[Side]:
    """The steps of one network that have no partner in the other, and the repeats whose partner is none."""
    found: list[Side] = []
    for pair in pairs:
        at, other = pair[one], pair[1 - one]
        if at is not None:
            kinds = [_kind(both[one][at]), None if other is None else _kind(both[1 - one][other])]
            if kinds[1] is None or (kinds[0] == "repeat" != kinds[1]):
                found.append(both[one][at])
    return found


def _kind(side: Side) -> str:
    return side.step.kind if isinstance(side.step, Region) else ""


def _sides(report: Report, number: int, opened: frozenset[tuple[int, int]] = frozenset()) -> _Steps:
    """The steps of a body, with those of labelled lines and groups among them, and of the passes of the
    repeats that are `opened`: the number of their body, and their place in it."""
    found: _Steps = []
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
                    given = through(inner, list(sources), join(name, str(turn)))
                    sources = handed_on(step, sources, given)
                values += given[: step.outputs]
                continue
            results = list(range(count, count + outputs_of(step)))
            count += len(results)
            found.append(Side(report, number, place.index, place.output, name, tuple(sources), results[0]))
            values += results
        return [values[value] for value in body.outputs]

    through(number, list(range(count)), "")
    return found


def _alone(found: _Found, sides: _Steps, place: int, kind: Kind, block: str) -> None:
    """A step that the other network has not."""
    side = sides[place]
    note = f"after {sides[place - 1].name or sides[place - 1].word}" if place else "at the beginning"
    text = ("", step_text(side.step)) if kind == "added" else (step_text(side.step), "")
    old, new = (None, side) if kind == "added" else (side, None)
    _add(found, kind, block, old, new, {"step": text}, note)


def _layers(found: _Found, before: Side, after: Side, block: str, moved: bool) -> None:
    """The arguments in which two layers differ, and whether one reads other tensors."""
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
        _add(found, "changed", block, before, after, written, "reads other tensors" if moved else "")


def arguments(layer: Layer) -> dict[str, str]:
    """A layer's arguments as they are written, by letter, keyword or field; S, P, G and D even where they are
    left out."""
    op, fields = layer.op, type(layer.op).model_fields
    written = {argument.letter or argument.keyword or name: name for name, argument in arguments_of(type(op))}
    found = {}
    for name, argument in arguments_of(type(op)):
        value = getattr(op, name)
        if not is_default(fields[name].default, value):
            text = spelled(argument, value)
            short = text if len(text) <= LONGEST else f"{argument.keyword or name}=[…]"
            found[argument.letter or argument.keyword or name] = short
    for letter, usual in (("S", "S1"), ("P", "P0"), ("G", "G1"), ("D", "D1")):
        if letter in written and not (letter == "S" and isinstance(op, Pooling)):
            found.setdefault(letter, usual)
    return found


def _add(
    found: _Found,
    kind: Kind,
    block: str,
    before: Side | None,
    after: Side | None,
    written: dict[str, tuple[str, str]],
    note: str = "",
    more: tuple[Costs, Costs] | None = None,
) -> None:
    """`more`: the costs before and after, where they are not those of the steps."""
    side = after or before
    assert side is not None
    key = _Key(kind, join(block, side.name), side.word, tuple(written), note)
    old, new = more or (before.costs if before else (0, 0), after.costs if after else (0, 0))
    shapes = (before and before.shape, after and after.shape)
    found.setdefault(key, _Seen()).add(
        _Seen(
            Counter({tuple(written.values()): 1}),
            [side.name],
            {} if shapes[0] == shapes[1] or more else {shapes: None},
            _sum(new[0], old[0], -1),
            _sum(new[1], old[1], -1),
        ),
        "",
    )


def step_text(step: Step) -> str:
    """A step as it is written: `conv F3 K64`, `bottleneck()`, `group, 3 passes`."""
    if isinstance(step, Layer):
        written = [text for text in arguments(step).values() if text not in ("S1", "P0", "G1", "D1")]
        return " ".join((step.op.word, *written))
    if isinstance(step, Hole):
        return step.text
    if step.block is not None:
        return f"{step.block}()"
    count = sum(one.count for one in step.passes)
    return f"{step.name}, {count} passes" if step.kind == "repeat" else step.name
