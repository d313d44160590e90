"""Lines with rounded bends and the heads of arrows, as every writer draws them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from cnnspec.drawing.scene import Line, Point, Shape

HEAD_LENGTH, HEAD_WIDTH, NOTCH = 5.0, 4.0, 1.2
"""The dimensions of an arrow's head for a pen of width 1; the back of the head is notched. Heads grow with
half of the pen's width."""


class Bend(NamedTuple):
    """A corner: straight to `start`, then a curve around `corner` to `end`. All three are equal where it is
    not rounded."""

    start: Point
    corner: Point
    end: Point


def bends_of(thing: Line | Shape) -> list[Bend]:
    """The corners of a line or shape in order. A line's two ends are corners that are not rounded; it ends
    inside the head of its arrow."""
    points = _without_repeats(thing.points)
    if isinstance(thing, Shape):
        around = zip([points[-1], *points], points, [*points[1:], points[0]], strict=False)
        return [_bend(before, corner, after, thing.radius) for before, corner, after in around]
    if thing.arrow and len(points) > 1:
        points[-1] = _towards(points[-1], points[-2], head_size(thing)[0] - NOTCH)
    inner = [
        _bend(before, corner, after, thing.radius)
        for before, corner, after in zip(points, points[1:], points[2:], strict=False)
    ]
    ends = [Bend(point, point, point) for point in (points[0], points[-1])]
    return [ends[0], *inner, *ends[1:]]


def head_size(line: Line) -> tuple[float, float]:
    """The length and the width of a line's arrow head."""
    factor = (1 + line.pen.width) / 2
    return HEAD_LENGTH * factor, HEAD_WIDTH * factor


def head_of(line: Line) -> tuple[Point, ...]:
    """The polygon of a line's arrow head, its tip first; none where the line is a point."""
    points = _without_repeats(line.points)
    if not line.arrow or len(points) < 2:
        return ()
    (x, y), before = points[-1], points[-2]
    length, wide = head_size(line)
    back, notch = _towards((x, y), before, length), _towards((x, y), before, length - NOTCH)
    across = ((y - back[1]) / length * wide / 2, (back[0] - x) / length * wide / 2)
    return (
        (x, y),
        (back[0] + across[0], back[1] + across[1]),
        notch,
        (back[0] - across[0], back[1] - across[1]),
    )


def _without_repeats(points: Sequence[Point]) -> list[Point]:
    return [points[0], *(after for before, after in pairwise(points) if after != before)]


def _bend(before: Point, corner: Point, after: Point, radius: float) -> Bend:
    room = min(hypot(corner[0] - other[0], corner[1] - other[1]) / 2 for other in (before, after))
    radius = min(radius, room)
    if radius <= 0:
        return Bend(corner, corner, corner)
    return Bend(_towards(corner, before, radius), corner, _towards(corner, after, radius))


def _towards(point: Point, other: Point, distance: float) -> Point:
    """The point at this distance from `here` on the way to `other`."""
    length = hypot(other[0] - point[0], other[1] - point[1])
    if length == 0:
        return point
    part = distance / length
    return point[0] + part * (other[0] - point[0]), point[1] + part * (other[1] - point[1])
