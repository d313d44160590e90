"""Dominators: for each box of a diagram, the nearest box that all paths to it pass through."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

TOP = -1
"""The root of the tree, above all inputs."""


class Dominators:
    """The tree of dominators. `above` has the parent of each box; boxes are numbered in an order in which
    sources come first."""

    def __init__(self, sources: Iterable[Sequence[int]]) -> None:
        self.above: list[int] = []
        self._depth: list[int] = []
        self._below: dict[int, list[int]] = {TOP: []}
        for number, read in enumerate(sources):
            above = self.common(read)
            self.above.append(above)
            self._depth.append(1 + (self._depth[above] if above != TOP else 0))
            self._below[above].append(number)
            self._below[number] = []
        self._number()

    def _number(self) -> None:
        """Numbers the boxes so that all descendants of a box directly follow it."""
        self._first, self._last = {TOP: -1}, {TOP: len(self.above)}
        count, waiting = 0, self._below[TOP][::-1]
        while waiting:
            number = waiting.pop()
            if number < 0:  # all its descendants are numbered
                self._last[~number] = count
                continue
            self._first[number] = count
            count += 1
            waiting += [~number, *self._below[number][::-1]]

    def common(self, numbers: Sequence[int]) -> int:
        """The nearest box that all paths to all of these pass through."""
        number = numbers[0] if numbers else TOP
        for other in numbers[1:]:
            while number != other:
                if other == TOP or (number != TOP and self._depth[number] > self._depth[other]):
                    number, other = other, number
                if other == TOP:
                    return TOP
                other = self.above[other]
        return number

    def common_of_all(self, numbers: Sequence[int]) -> int:
        """The same for many boxes: the first and the last of them determine it."""
        ends = min(numbers, key=self._first.__getitem__), max(numbers, key=self._first.__getitem__)
        return self.common(ends)

    def is_below(self, number: int, top: int) -> bool:
        """Whether a box is `top`, or all paths to it pass through `top`."""
        return self._first[top] <= self._first[number] < self._last[top]

    def child(self, number: int, ancestor: int) -> int:
        """The child of `ancestor` that this box is below; `ancestor` itself for `ancestor`."""
        if number == ancestor:
            return number
        below = self._below[ancestor]
        return below[bisect_right(below, self._first[number], key=self._first.__getitem__) - 1]
