"""Matches the steps of two networks: the alignment that has the most in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from cnnspec.analyses.sides import Side
from cnnspec.analyses.step_text import step_text
from cnnspec.ir.graph import Graph, Layer, Region

LARGEST = 250_000
"""The largest product of the numbers of steps of two bodies for an exact alignment; above it only words are
compared."""

Pairs: TypeAlias = list[tuple[int | None, int | None]]


@dataclass(eq=False, repr=False)
class Alignment:
    """Aligns the steps of two networks; the similarity of two bodies is computed once."""

    before: Graph
    after: Graph
    _alike: dict[tuple[int, int], float] = field(default_factory=dict)

    def pairs(self, old: list[Side], new: list[Side]) -> Pairs:
        """The pairs of matching steps, as places in order; None where the other network has no such step."""
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

    def _inner(self, old: list[Side], new: list[Side]) -> Pairs:
        """The alignment with the largest total similarity (Needleman and Wunsch, 1970)."""
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
        pairs: Pairs = []
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
        """The similarity of two steps, from 0 (they cannot match) to 1."""
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
        """The fraction of the layers of two bodies that have the same words; 1 if the bodies are equal."""
        if (old, new) not in self._alike:
            self._alike[old, new] = 0.0
            first, second = self.words(self.before, old), self.words(self.after, new)
            all_words = max(sum(first.values()), sum(second.values()))
            self._alike[old, new] = sum((first & second).values()) / all_words if all_words else 1.0
        return self._alike[old, new]

    def words(self, graph: Graph, number: int) -> Counter[str]:
        """How often each word occurs in a body; in regions inside it, one level down."""
        counts: Counter[str] = Counter()
        for step in graph.bodies[number].steps:
            inner = graph.bodies[step.passes[0].body].steps if isinstance(step, Region) else (step,)
            counts.update(one.op.word if isinstance(one, Layer) else one.name for one in inner)
        return counts


def _by_words(old: list[Side], new: list[Side]) -> Pairs:
    """An alignment of long bodies by the steps' words and names alone."""
    from difflib import SequenceMatcher

    keys = [[step_text(side.step).split(" ")[0] for side in sides] for sides in (old, new)]
    pairs: Pairs = []
    for _, first, end, second, until in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        same = keys[0][first:end] == keys[1][second:until]
        if same:
            pairs += zip(range(first, end), range(second, until), strict=True)
        else:
            pairs += [(place, None) for place in range(first, end)]
            pairs += [(None, place) for place in range(second, until)]
    return pairs
