"""Rows on lines: as large as the width allows, and one row on several lines where it would be too small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnnspec.drawing.volumes.stand import Stand
from cnnspec.drawing.volumes.volume import Strip, Volume

HEAD, APART, GAP = 30.0, 14.0, 9.0
"""The space before a row that begins at another one, between two rows on one line, and between wrapped
lines."""


class Sizes(NamedTuple):
    """The height of the largest map, in points: the most, the least on one line, and the height on several
    lines."""

    highest: float
    lowest: float
    wrapped: float


@dataclass(slots=True, eq=False)
class Row:
    """A part of a row on one line. It begins at a volume of another row (`parent`) or with an input, or
    continues the line before (`continued`), and may continue on the next one (`goes_on`)."""

    stands: Sequence[Stand]
    parent: Volume | None = None
    continued: bool = False
    goes_on: bool = False

    @property
    def left(self) -> float:
        before = HEAD if self.parent is not None else HEAD / 2 if self.continued else 0.0
        return min(one.start for one in self.stands) - before

    @property
    def right(self) -> float:
        return max(one.end for one in self.stands) + (HEAD / 2 if self.goes_on else 0.0)

    @property
    def wide(self) -> float:
        return self.right - self.left

    @property
    def top(self) -> float:
        return min(one.head for one in self.stands)

    @property
    def bottom(self) -> float:
        return max(one.foot for one in self.stands)

    def shift(self, by: float, down: float) -> None:
        for one in self.stands:
            one.shift(by, down)


Place = Callable[[list[Volume], float], Sequence[Stand]]
"""Makes the elements of a row, with the middle of each at y = 0 and the largest map of the given height."""


def lines_within(strip: Strip, place: Place, sizes: Sizes, width: float) -> list[list[Row]]:
    """The rows in the largest size that fits the width, short ones beside each other."""
    high = sizes.highest
    while high >= sizes.lowest:
        rows = _rows(strip, place, high)
        if max(row.wide for row in rows) <= width:
            break
        high *= 0.95
    else:
        rows = [part for row in _rows(strip, place, sizes.wrapped) for part in _wrapped(row, width)]
    lines: list[list[Row]] = []
    x = 0.0
    for row in rows:
        beside = len(lines) > 1 and not row.continued and not lines[-1][-1].continued
        if beside and not lines[-1][-1].goes_on and x + APART + row.wide <= width:
            x += APART
            lines[-1].append(row)
        else:
            x = 0.0
            lines.append([row])
        row.shift(x - row.left, 0.0)
        x += row.wide
    return lines


def _rows(strip: Strip, place: Place, high: float) -> list[Row]:
    pairs = zip(strip.rows, strip.heads, strict=True)
    return [Row(place(row, high), head) for row, head in pairs]


def _wrapped(row: Row, width: float) -> list[Row]:
    """The row on lines of about equal length."""
    if row.wide <= width:
        return [row]
    room = max(width - HEAD, HEAD)
    target = min(room, row.wide / -(-row.wide // room) + HEAD)
    lines: list[list[Stand]] = [[]]
    x = 0.0
    for one in row.stands:
        wide = one.end - one.start
        if lines[-1] and x + wide > target:
            lines.append([])
            x = 0.0
        lines[-1].append(one)
        one.shift(x - one.start, 0.0)
        x += wide + GAP
    return [
        Row(line, row.parent if not place else None, place > 0, place < len(lines) - 1)
        for place, line in enumerate(lines)
    ]
