"""The arrows between bars: steps along a level, down and up, and the skips from encoder to decoder."""

from __future__ import annotations

from itertools import pairwise

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.scene import Group, Line, Point
from cnnspec.drawing.volumes.levels.inks import Inks
from cnnspec.drawing.volumes.levels.place import Standing
from cnnspec.drawing.volumes.skips import LETTER, RADIUS, letters_for, mark
from cnnspec.drawing.volumes.volume import Link, Strip

STEP = 6.0


class Arrows:
    """All arrows of a figure. The space that it needs above a level is computed before the bars have their
    feet."""

    def __init__(self, strip: Strip, rows: list[list[Standing]], inks: Inks, palette: Palette) -> None:
        self.inks = inks
        self.palette = palette
        self.rows = rows
        self.strip = strip
        self.at = {volume: one for row in rows for one in row for volume in one.bar.volumes}
        self.straight: list[Link] = []
        self.arcs: dict[Link, int] = {}
        self.marked: list[Link] = []
        for link in strip.links:
            self._sort(link)
        heads = [head for head in strip.heads if head is not None]
        starts = [*heads, *(link.start for link in self.marked)]
        self.letters = letters_for(starts)

    def _sort(self, link: Link) -> None:
        """Decides how a skip is drawn: straight where no bar is between its ends on the level, in an arc over
        them, or by letters."""
        start, end = self.at[link.start], self.at[link.end]
        level = start.bar.level
        if start is end:
            return
        if end.bar.level != level or end.x < start.x:
            self.marked.append(link)
            return
        between = [
            one for row in self.rows for one in row if one.bar.level == level and start.x < one.x < end.x
        ]
        if not between:
            self.straight.append(link)
            return
        crossing = [
            height
            for other, height in self.arcs.items()
            if self.at[other.start].bar.level == level
            and self.at[other.start].x <= end.x
            and start.x <= self.at[other.end].x
        ]
        self.arcs[link] = max(crossing, default=-1) + 1

    def room(self, level: int) -> float:
        """The space that is needed above the texts of a level."""
        arcs = [height for link, height in self.arcs.items() if self.at[link.start].bar.level == level]
        marks = [*self.letters, *(link.end for link in self.marked)]
        marked = any(self.at[volume].bar.level == level for volume in marks)
        return (STEP * (2 + max(arcs)) if arcs else 0.0) + (2 * RADIUS + 3 if marked else 0.0)

    def steps(self) -> list[Group]:
        """The arrow to each bar from the one before it in its row."""
        groups = []
        for row, head in zip(self.rows, self.strip.heads, strict=True):
            if head is not None:
                one = row[0]
                y, x = one.foot - one.high / 2, one.x - one.beside - 2
                groups.append(mark(self.palette, (x - 16, y), self.letters[head], full=False))
                groups.append(self._line(((x - 11, y), (x, y)), one))
            for before, one in pairwise(row):
                groups.append(self._line(_way(before, one, self._head(one)), one))
        return groups

    def _line(self, points: tuple[Point, ...], to: Standing) -> Group:
        pen = self.inks.of(to.bar.step)
        return Group((Line(points, pen, 4.0, arrow=True),), "edge", to.bar.step.name)

    def skips(self) -> list[Group]:
        groups = []
        for link in self.straight:
            start, end = self.at[link.start], self.at[link.end]
            y = end.foot - min(start.high, end.high) * 0.62
            groups.append(self._skip(link, ((start.right + 1.5, y), (end.x - 1.5, y))))
        for link, height in self.arcs.items():
            groups.append(self._skip(link, self._over(self.at[link.start], self.at[link.end], height)))
        for one, marks in self.marks().items():
            x = one.centre - LETTER * (len(marks) - 1) / 2
            for place, (letter, full) in enumerate(marks):
                at = x + place * LETTER, one.head - RADIUS - 0.5
                groups.append(mark(self.palette, at, letter, full=full))
        return groups

    def marks(self) -> dict[Standing, list[tuple[str, bool]]]:
        """The letters above each bar: of the skips that begin there (full) and of the skips that end
        there."""
        marks: dict[Standing, list[tuple[str, bool]]] = {}
        for volume, letter in self.letters.items():
            marks.setdefault(self.at[volume], []).append((letter, True))
        for link in self.marked:
            marks.setdefault(self.at[link.end], []).append((self.letters[link.start], False))
        return marks

    def _over(self, start: Standing, end: Standing, height: int) -> tuple[Point, ...]:
        """From the right side of a bar, over the bars between, into the top of the other."""
        level = start.bar.level
        bars = [one for row in self.rows for one in row if one.bar.level == level]
        y = min(self._head(bar) for bar in bars if start.x <= bar.x <= end.x) - STEP * (height + 1)
        left, right = start.label_right + 1.5, end.centre - (3.5 if end.climb < 0 else 0)
        beside = start.top + 3
        return (start.right + 1, beside), (left, beside), (left, y), (right, y), (right, self._head(end))

    def _head(self, one: Standing) -> float:
        """The top of a bar with its texts and letters."""
        marks = [*self.letters, *(link.end for link in self.marked)]
        marked = any(volume in one.bar.volumes for volume in marks)
        return one.head - (2 * RADIUS + 3 if marked else 0.0)

    def _skip(self, link: Link, points: tuple[Point, ...]) -> Group:
        pen = self.inks.skip(link)[0]
        return Group((Line(points, pen, 3.0, arrow=True),), "skip", link.end.name, f"from {link.start.name}")


def _way(before: Standing, one: Standing, head: float) -> tuple[Point, ...]:
    """The line from bar to bar: straight to the right, straight down, or to the right and then up or down."""
    if one.bar.level == before.bar.level:
        y = one.foot - min(before.high, one.high) * 0.62
        return (before.right + 1.5, y), (one.x - 1.5, y)
    beside = before.foot - before.high * 0.38
    if one.bar.level < before.bar.level:
        x = max(one.centre, before.right + 5)
        return (before.right + 1.5, beside), (x, beside), (x, one.foot + 1.5)
    if before.climb > 0:
        return (before.right + 1.5, beside), (one.centre, beside), (one.centre, head)
    x = max(before.x + 1, min(one.centre, before.right - 1))
    if one.x <= x <= one.right:
        return (x, before.foot + 1.5), (x, head)
    start, end, y = before.centre, one.centre, before.foot + 6
    return (start, before.foot + 1.5), (start, y), (end, y), (end, head)
