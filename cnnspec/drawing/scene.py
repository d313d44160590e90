"""The elements of a figure, between the layouts that place them and the writers that print them.

Lengths are in points (1/72 inch); x grows to the right, y downwards, and the view box is from (0, 0) to
(width, height). A layout (`flow`, `volumes`) is independent of formats, and a writer (SVG, TikZ, PDF) is
independent of networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pen:
    """How an outline or a line is drawn: a colour as `#rrggbb`, a width in points, dashed or not."""

    color: str
    width: float = 1.0
    dashed: bool = False


def rectangle(left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    """The corners of a rectangle."""
    return (left, top), (right, top), (right, bottom), (left, bottom)


@dataclass(frozen=True, slots=True)
class Shape:
    """A closed polygon, its corners rounded by `radius`; filled with `fill`, outlined with `pen`."""

    points: tuple[Point, ...]
    fill: str | None = None
    pen: Pen | None = None
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Circle:
    """A filled circle around (x, y): the sign of a merge."""

    x: float
    y: float
    r: float
    fill: str | None = None
    pen: Pen | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line through `points`, its bends rounded by `radius`, with an arrow's head at its end if `arrow` is
    set.
    """

    points: tuple[Point, ...]
    pen: Pen
    radius: float = 0.0
    arrow: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a text in one style: upright or italic (a symbol), and lowered or raised."""

    text: str
    italic: bool = False
    shift: Literal["", "sub", "super"] = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text with its baseline at (x, y), rotated by `turn` degrees anticlockwise around that
    point.
    """

    x: float
    y: float
    runs: tuple[Run, ...]
    size: float
    color: str = "#222222"
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False
    turn: float = 0.0


Item = Shape | Circle | Line | Text


@dataclass(frozen=True, slots=True)
class Group:
    """Items that belong together, for one layer, block or edge.

    `role` is the kind of thing ("layer", "block", "merge", "edge", "panel", "legend", …), and `name` is its
    name in the layer table; `tooltip` is shown when the reader points at it. Tests use roles and names: no
    two layers' boxes overlap, no edge crosses a box.
    """

    items: tuple[Item | Group, ...]
    role: str
    name: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole figure: its size, its items from back to front, a title, and its description in words."""

    width: float
    height: float
    items: tuple[Item | Group, ...]
    title: str
    description: str = ""
