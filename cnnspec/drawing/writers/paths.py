"""Outlines and lines as straight pieces and cubic curves, as PostScript's heirs draw them."""

from __future__ import annotations

from cnnspec.drawing.geometry import bends_of
from cnnspec.drawing.scene import Line, Point, Shape

Piece = tuple[Point, ...]
"""To a point, straight; or to the last of three points, as a curve with two control points."""


def pieces_of(thing: Line | Shape) -> list[Piece]:
    """Where the path begins, then its pieces; a shape is closed straight."""
    pieces: list[Piece] = []
    for bend in bends_of(thing):
        pieces.append((bend.start,))
        if bend.start != bend.end:
            pieces.append((_near(bend.start, bend.corner), _near(bend.end, bend.corner), bend.end))
    return pieces


def _near(end: Point, corner: Point) -> Point:
    """The control point that makes a cubic curve of a quadratic one."""
    return end[0] + (corner[0] - end[0]) * 2 / 3, end[1] + (corner[1] - end[1]) * 2 / 3


def number(value: float) -> str:
    """At most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
