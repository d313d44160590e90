"""Skips: arcs above the row where there are few, else the same letter at both ends."""

from __future__ import annotations

from collections import Counter
from string import ascii_uppercase

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.scene import Circle, Group, Item, Line, Pen, Point, Run, Text
from cnnspec.drawing.volumes.rows import Row
from cnnspec.drawing.volumes.stand import Stand
from cnnspec.drawing.volumes.volume import Link, Strip, Volume

ARCS = 9
STEP, FIRST = 7.0, 7.0
RADIUS = 5.0
LETTER = 2 * RADIUS + 2
"""The width of a letter."""


class Skips:
    """The links of a figure with these rows, which are moved when their `room` is known."""

    def __init__(self, strip: Strip, rows: list[Row], palette: Palette) -> None:
        self.rows = rows
        self.palette = palette
        self.row_of = {volume: row for row in rows for one in row.stands for volume in one.volumes}
        self.at = {volume: one for row in rows for one in row.stands for volume in one.volumes}
        same = [link for link in strip.links if self.row_of[link.start] is self.row_of[link.end]]
        self.arcs = same if has_arcs(strip) else []
        marked = [link for link in strip.links if link not in self.arcs]
        self.levels = _levels(self.arcs, {volume: place for place, volume in enumerate(self.at)})
        heads = [row.parent for row in rows if row.parent is not None]
        self.letters = letters_for([*(link.start for link in marked), *heads])
        self.end_letters: dict[Volume, list[str]] = {}
        for link in marked:
            self.end_letters.setdefault(link.end, []).append(self.letters[link.start])

    def room(self, row: Row) -> float:
        """The space that is needed above a row."""
        arcs = [self.levels[link] for link in self.arcs if self.row_of[link.end] is row]
        marks = any(map(self._is_marked, row.stands))
        return (FIRST + STEP * (1 + max(arcs)) if arcs else 0.0) + (2 * RADIUS + 4 if marks else 0.0)

    def reach(self, row: Row) -> tuple[float, float]:
        """How far its letters extend to the left and to the right of a row."""
        ends = [
            (x - RADIUS - 1, x + RADIUS + 1) for one in row.stands for x, _, _ in self._letters_above(one)
        ]
        return min([row.left, *(left for left, _ in ends)]), max([row.right, *(right for _, right in ends)])

    def items(self) -> list[Group]:
        """The arcs, the letters, and the arrows where a row continues."""
        groups = [self._arc(link) for link in self.arcs]
        for row in self.rows:
            for one in row.stands:
                y = one.head - RADIUS - 3
                groups += [
                    mark(self.palette, (x, y), letter, full=full)
                    for x, letter, full in self._letters_above(one)
                ]
            groups += self._ends(row)
        return groups

    def _is_marked(self, one: Stand) -> bool:
        return any(volume in self.letters or volume in self.end_letters for volume in one.volumes)

    def _top(self, one: Stand) -> float:
        return one.head - (2 * RADIUS + 4 if self._is_marked(one) else 0.0) - 2

    def _arc(self, link: Link) -> Group:
        first, last = self.at[link.start], self.at[link.end]
        stands = self.row_of[link.start].stands
        y = min(self._top(one) for one in stands if first.start <= one.start <= last.start)
        y -= FIRST - 2 + STEP * self.levels[link]
        left, right = first.leg(link.start) + 1.5, last.leg(link.end) - 1.5
        points = (left, self._top(first)), (left, y), (right, y), (right, self._top(last))
        line = Line(points, Pen(self.palette.frame, 1.0), 3.0, arrow=True)
        return Group((line,), "skip", link.end.name, f"from {link.start.name}")

    def _letters_above(self, one: Stand) -> list[tuple[float, str, bool]]:
        """The letters above an element and their positions: of the skips that begin here (full), then of
        those that end here."""
        marks = [(self.letters[volume], True) for volume in one.volumes if volume in self.letters]
        marks += [(letter, False) for volume in one.volumes for letter in self.end_letters.get(volume, ())]
        x = (one.start + one.end) / 2 - LETTER * (len(marks) - 1) / 2
        return [(x + LETTER * place, letter, full) for place, (letter, full) in enumerate(marks)]

    def _ends(self, row: Row) -> list[Group]:
        """Before and after a row, the letter of the place where it begins or ends, or an arrow where it
        continues."""
        pen, first, last = Pen(self.palette.frame, 1.0), row.stands[0], row.stands[-1]
        groups = []
        if row.parent is not None:
            at = first.start - 18, first.level
            groups.append(mark(self.palette, at, self.letters[row.parent], full=False))
        if row.parent is not None or row.continued:
            points = (first.start - 12, first.level), (first.start - 2, first.level)
            groups.append(Group((Line(points, pen, arrow=True),), "edge"))
        if row.goes_on:
            points = (last.end + 2, last.level), (last.end + 12, last.level)
            groups.append(Group((Line(points, pen, arrow=True),), "edge"))
        return groups


def has_arcs(strip: Strip) -> bool:
    """Whether skips are arcs, where both ends are in one row."""
    return len(strip.links) <= ARCS


def letters_at(strip: Strip) -> Counter[Volume]:
    """The most letters that a volume may get, before it is known which links are arcs."""
    starts = [head for head in strip.heads if head is not None]
    ends: list[Volume] = []
    if not has_arcs(strip):
        starts += [link.start for link in strip.links]
        ends = [link.end for link in strip.links]
    return Counter([*dict.fromkeys(starts), *ends])


def mark(palette: Palette, at: Point, letter: str, *, full: bool) -> Group:
    """A letter in a circle, which is full where a skip begins."""
    fill, ink = (palette.frame, "#ffffff") if full else ("#ffffff", palette.text)
    circle = Circle(*at, RADIUS, fill, Pen(palette.frame, 0.8))
    size = 6.5 if len(letter) < 2 else 5.0
    items: tuple[Item, ...] = (circle, Text(at[0], at[1] + 0.36 * size, (Run(letter),), size, ink, bold=True))
    return Group(items, "mark", letter)


def letters_for(volumes: list[Volume]) -> dict[Volume, str]:
    """A, B, …, Z, A2, … for each different volume."""
    turns = [
        (divmod(place, len(ascii_uppercase)), volume) for place, volume in enumerate(dict.fromkeys(volumes))
    ]
    return {
        volume: ascii_uppercase[place] + (str(turn + 1) if turn else "") for (turn, place), volume in turns
    }


def _levels(links: list[Link], order: dict[Volume, int]) -> dict[Link, int]:
    """The height of each arc: above the arcs within it."""
    levels: dict[Link, int] = {}
    for link in sorted(links, key=lambda one: order[one.end] - order[one.start]):
        start, end = order[link.start], order[link.end]
        overlapping = [
            levels[level] for level in levels if order[level.start] < end and start < order[level.end]
        ]
        levels[link] = max(overlapping, default=-1) + 1
    return levels
