"""Uses of one text laid over each other: which steps there are in any of them, and where each tensor comes
from.

The bodies that a block (or a group, or a pass) became for its uses differ in numbers, and in which sides of
the author's `if`s they took. Here they become one list of steps, each with the conditions that it stands
under; a tensor that comes from different steps in different uses is a `Phi` of the condition that decides.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from cnnspec.ir.graph import Body, Condition, Hole, Layer, Region
from cnnspec.ir.walk import places
from cnnspec.targets.unify import Diverges

Step: TypeAlias = Layer | Region
Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Phi:
    """The tensor of `then` where the condition holds, else of `otherwise`."""

    condition: int
    then: Source
    otherwise: Source


Source: TypeAlias = int | Phi
"""A value of the union (its inputs first, then the outputs of its steps), or a choice of two."""

Guard: TypeAlias = tuple[int, bool]

MOST_IFS = 10
"""With each `if` that comes out differently, laying uses over each other may take twice as long; beyond this
number the uses are written one by one."""


def leaves(source: Source) -> set[int]:
    if isinstance(source, int):
        return {source}
    return leaves(source.then) | leaves(source.otherwise)


@dataclass(slots=True)
class UnionStep:
    """A step with its form in each use (None where it is not there) and the index that it has there."""

    steps: list[Step | None]
    index: list[int]
    outputs: list[int]
    guards: tuple[Guard, ...] = ()

    @property
    def present(self) -> list[int]:
        return [use for use, step in enumerate(self.steps) if step is not None]

    @property
    def first(self) -> Step:
        return next(step for step in self.steps if step is not None)


@dataclass(slots=True)
class UnionCondition:
    """An `if` whose outcome differs between the uses; `holds` is None where it was not reached."""

    holds: list[bool | None]
    where: list[Condition | None]


@dataclass(slots=True)
class Union:
    bodies: Sequence[Body]
    steps: list[UnionStep] = field(default_factory=list)
    conditions: dict[int, UnionCondition] = field(default_factory=dict)
    values: list[dict[int, int]] = field(default_factory=list)
    """For each use: its values by the union's numbers."""
    numbers: list[list[int]] = field(default_factory=list)
    """For each use: the union's number of each of its values."""
    made_under: dict[int, tuple[Guard, ...]] = field(default_factory=dict)
    """By value: the conditions that its step stands under."""

    def source(self, by_use: dict[int, int], guards: tuple[Guard, ...] = ()) -> Source:
        """Where a tensor comes from that is the value `by_use[use]` of each use. `guards`: what its reader
        stands under. A reader that takes what arrives at its `if` takes that, whichever uses are at hand.
        """
        named = {use: self.numbers[use][value] for use, value in by_use.items()}
        if guards:
            arriving = self._arriving(guards[-1][0])
            if all(arriving[use] == value for use, value in named.items()):
                try:
                    return self._resolve(arriving, frozenset())
                except Diverges:
                    pass
        return self._resolve(named, frozenset())

    def _arriving(self, number: int) -> dict[int, int]:
        """What arrives at an `if`, by use; only of the uses that reach it."""
        where = self.conditions[number].where
        return {use: self.numbers[use][at.at] for use, at in enumerate(where) if at is not None}

    def _resolve(self, named: dict[int, int], tried: frozenset[int]) -> Source:
        found = set(named.values())
        if len(found) == 1:
            return found.pop()
        candidates: list[tuple[bool, int, int]] = []
        for number, condition in self.conditions.items():
            if number in tried or any(condition.holds[use] is None for use in named):
                continue
            sides = [{named[use] for use in named if condition.holds[use] is side} for side in (True, False)]
            if sides[0] and sides[1]:
                # the author's own `if` first: one that the steps in question stand under
                under = any(
                    (number, side) in self.made_under.get(value, ())
                    for side in (True, False)
                    for value in found
                )
                # of several `if`s one behind the other, the last one has the last word
                candidates.append((not under, len(sides[0]) + len(sides[1]), -number))
        for *_, last in sorted(candidates):
            number = -last
            holds = self.conditions[number].holds
            try:
                then, otherwise = (
                    self._resolve({use: named[use] for use in named if holds[use] is side}, tried | {number})
                    for side in (True, False)
                )
            except Diverges:
                continue
            return Phi(
                number, self._passed(number, True, named, then), self._passed(number, False, named, otherwise)
            )
        raise Diverges("a tensor that comes from different steps")

    def _passed(self, number: int, side: bool, named: dict[int, int], found: Source) -> Source:
        """The source of one side of an `if`: where that side passes on what arrives at the `if`, it is what
        arrives there in all uses, not only in those at hand that took this side.
        """
        condition = self.conditions[number]
        arriving = self._arriving(number)
        if any(arriving[use] != value for use, value in named.items() if condition.holds[use] is side):
            return found
        try:
            return self._resolve(arriving, frozenset({number}))
        except Diverges:
            return found

    def closed(self, sources: Sequence[tuple[Source, tuple[Guard, ...]]]) -> list[Source]:
        """The sources (each with the conditions that its reader stands under) without tensors read past
        their `if`.

        Where the uses at hand all took one side of an `if`, a reader behind it seems to read that side's
        tensor; it reads what the `if` gives, whichever side.
        """
        known: dict[tuple[int, bool, int], Phi] = {}

        def learn(source: Source) -> None:
            if isinstance(source, Phi):
                for side, inner in ((True, source.then), (False, source.otherwise)):
                    for leaf in leaves(inner):
                        known.setdefault((source.condition, side, leaf), source)
                    learn(inner)

        def close(source: Source, path: dict[int, bool]) -> Source:
            if isinstance(source, Phi):
                number = source.condition
                then = close(source.then, path | {number: True})
                return Phi(number, then, close(source.otherwise, path | {number: False}))
            for number, side in self.made_under.get(source, ()):
                if path.get(number) is not side:
                    if (number, side, source) not in known:
                        raise Diverges("a tensor read past its condition")
                    return close(known[number, side, source], path)
            return source

        for source, _ in sources:
            learn(source)
        return [close(source, dict(guards)) for source, guards in sources]

    def deciding(self, present: dict[int, bool]) -> Guard | None:
        """The condition and side under which something is there; None where it always is."""
        if all(present.values()):
            return None
        for number, condition in self.conditions.items():
            for side in (True, False):
                if all((condition.holds[use] is side) == there for use, there in present.items()):
                    return number, side
        raise Diverges("a branch that is there for no one reason")

    def shape(self, use: int, source: Source) -> tuple[int, ...]:
        """The shape of a tensor in one use."""
        while isinstance(source, Phi):
            source = source.then if self.conditions[source.condition].holds[use] else source.otherwise
        shape = self.bodies[use].values[self.values[use][source]]
        assert shape is not None
        return shape


def union(bodies: Sequence[Body]) -> Union:
    made = Union(bodies)
    keyed = [[_key(step) for step in body.steps] for body in bodies]
    order = keyed[0] if all(keys == keyed[0] for keys in keyed) else _merged(keyed, bodies)
    by_key: list[dict[Key, int]] = [{key: place for place, key in enumerate(keys)} for keys in keyed]
    if any(len(set(keys)) != len(keys) for keys in keyed):
        raise Diverges("two steps of one name at one place")
    firsts = [{place.index: place.output for place in places(body)} for body in bodies]
    inputs = bodies[0].inputs
    if any(body.inputs != inputs for body in bodies):
        raise Diverges("different inputs")
    made.numbers = [[-1] * len(body.values) for body in bodies]
    made.values = [{} for _ in bodies]
    for use in range(len(bodies)):
        for value in range(inputs):
            made.numbers[use][value] = value
            made.values[use][value] = value
    count = inputs
    conditions = _conditions(bodies)
    for key in order:
        steps: list[Step | None] = []
        index: list[int] = []
        for use, body in enumerate(bodies):
            place = by_key[use].get(key)
            step = None if place is None else body.steps[place]
            assert not isinstance(step, Hole)
            steps.append(step)
            index.append(-1 if place is None else place)
        entry = UnionStep(steps, index, [])
        outputs = {_outputs(step) for step in steps if step is not None}
        if len(outputs) != 1:
            raise Diverges("different numbers of outputs")
        for offset in range(outputs.pop()):
            for use in entry.present:
                value = firsts[use][index[use]] + offset
                made.numbers[use][value] = count
                made.values[use][count] = value
            entry.outputs.append(count)
            count += 1
        made.steps.append(entry)
    _settle_conditions(made, conditions)
    return made


def _outputs(step: Step) -> int:
    return step.outputs if isinstance(step, Region) else 1


def _key(step: Step | Hole) -> Key:
    word = step.op.word if isinstance(step, Layer) else step.kind
    return step.name, *step.span, word


def _merged(keyed: list[list[Key]], bodies: Sequence[Body]) -> list[Key]:
    """All steps in an order that each of the uses keeps; where that leaves a choice, the order of the
    text."""
    after: dict[Key, set[Key]] = {}
    waiting: dict[Key, int] = {}
    for keys in keyed:
        for key in keys:
            after.setdefault(key, set())
            waiting.setdefault(key, 0)
    for keys in keyed:
        for one, other in pairwise(keys):
            if other not in after[one]:
                after[one].add(other)
                waiting[other] += 1
    numbers = {key: number for number, key in enumerate(after)}
    ready = [(key[1], numbers[key], key) for key, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[Key] = []
    while ready:
        _, _, key = heapq.heappop(ready)
        order.append(key)
        for other in after[key]:
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, (other[1], numbers[other], other))
    if len(order) != len(after):
        raise Diverges("steps in different orders")
    return order


def _conditions(bodies: Sequence[Body]) -> dict[tuple[int, int], UnionCondition]:
    """By span, in the order of the text."""
    found: dict[tuple[int, int], UnionCondition] = {}
    for use, body in enumerate(bodies):
        for condition in body.conditions:
            entry = found.setdefault(
                (condition.span.start, condition.span.end),
                UnionCondition([None] * len(bodies), [None] * len(bodies)),
            )
            entry.holds[use] = condition.holds
            entry.where[use] = condition
    return dict(sorted(found.items()))


def _settle_conditions(made: Union, conditions: dict[tuple[int, int], UnionCondition]) -> None:
    """Keeps the conditions that come out differently; the others are folded away."""
    numbers: dict[tuple[int, int], int | None] = {}
    for number, (span, condition) in enumerate(conditions.items()):
        differs = {True, False} <= set(condition.holds)
        numbers[span] = number if differs else None
        if differs:
            made.conditions[number] = condition
    if len(made.conditions) > MOST_IFS:
        raise Diverges(f"more than {MOST_IFS} `if`s that come out differently")
    for step in made.steps:
        guards: set[tuple[Guard, ...]] = set()
        for use in step.present:
            body = made.bodies[use]
            here = []
            for guard in made_guards(step.steps[use]):
                span = body.conditions[guard[0]].span
                number_or_none = numbers[(span.start, span.end)]
                if number_or_none is not None:
                    here.append((number_or_none, guard[1]))
            guards.add(tuple(here))
        if len(guards) != 1:
            raise Diverges("a step under different conditions")
        step.guards = guards.pop()
        made.made_under.update(dict.fromkeys(step.outputs, step.guards))
        for use in range(len(made.bodies)):
            there = all(made.conditions[number].holds[use] is side for number, side in step.guards)
            if there != (step.steps[use] is not None):
                raise Diverges("a step that is not always there")


def made_guards(step: Step | None) -> tuple[Guard, ...]:
    assert step is not None
    return tuple((guard.condition, guard.side) for guard in step.guards)
