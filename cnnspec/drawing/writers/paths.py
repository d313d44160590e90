"""Outlines and lines as straight pieces and cubic curves, for PDF and TikZ."""

from __future__ import annotations

from cnnspec.drawing.geometry import bends_of
from cnnspec.drawing.scene import Line, Point, Shape

Piece = tuple[Point, ...]
"""A straight piece to a point; or a curve to the last of three points, with two control points."""


def pieces_of(thing: Line | Shape) -> list[Piece]:
    """The beginning of the path, then its pieces; a shape ends with a straight piece to the beginning."""
    pieces: list[Piece] = []
    for bend in bends_of(thing):
        pieces.append((bend.start,))
        if bend.start != bend.end:
            pieces.append((_near(bend.start, bend.corner), _near(bend.end, bend.corner), bend.end))
    return pieces


def _near(end: Point, corner: Point) -> Point:
    """The control point of the cubic curve that equals a quadratic one."""
    return end[0] + (corner[0] - end[0]) * 2 / 3, end[1] + (corner[1] - end[1]) * 2 / 3


def number(value: float) -> str:
    """The number with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
