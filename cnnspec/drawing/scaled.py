"""A figure that is moved, or scaled as a whole with its texts where its parts do not fit the width
otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cnnspec.drawing.scene import Circle, Group, Item, Line, Pen, Point, Shape, Text


def moved(items: Iterable[Item | Group], right: float, down: float) -> tuple[Item | Group, ...]:
    """All items moved."""
    return tuple(_moved(item, right, down) for item in items)


def _moved(item: Item | Group, right: float, down: float) -> Item | Group:
    match item:
        case Group():
            return replace(item, items=moved(item.items, right, down))
        case Shape() | Line():
            return replace(item, points=tuple((x + right, y + down) for x, y in item.points))
        case Circle() | Text():
            return replace(item, x=item.x + right, y=item.y + down)


def scaled(items: Iterable[Item | Group], factor: float) -> tuple[Item | Group, ...]:
    """All lengths times `factor`."""
    return tuple(_scaled(item, factor) for item in items)


def _scaled(item: Item | Group, factor: float) -> Item | Group:
    match item:
        case Group():
            return replace(item, items=scaled(item.items, factor))
        case Shape():
            points = _points(item.points, factor)
            return replace(item, points=points, pen=_pen(item.pen, factor), radius=item.radius * factor)
        case Line():
            pen = replace(item.pen, width=item.pen.width * factor)
            return replace(item, points=_points(item.points, factor), pen=pen, radius=item.radius * factor)
        case Circle():
            at = item.x * factor, item.y * factor
            return replace(item, x=at[0], y=at[1], r=item.r * factor, pen=_pen(item.pen, factor))
        case Text():
            return replace(item, x=item.x * factor, y=item.y * factor, size=item.size * factor)


def _points(points: tuple[Point, ...], factor: float) -> tuple[Point, ...]:
    return tuple((x * factor, y * factor) for x, y in points)


def _pen(pen: Pen | None, factor: float) -> Pen | None:
    return None if pen is None else replace(pen, width=pen.width * factor)
