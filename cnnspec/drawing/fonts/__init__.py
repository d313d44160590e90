"""The fonts of figures, and the width of a text in them.

The four faces are in this folder; `docs/fonts.py` makes them and `widths.json`. Arial, Helvetica and
Liberation Sans have the same widths, so a figure in SVG is right with any of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache

from cnnspec.drawing.scene import Run, Text

FAMILY = "cnnspec Sans"
CAP_HEIGHT, DESCENT = 0.69, 0.21
"""As parts of the text's size: the height of a capital, and the depth below the baseline."""
RAISED, SMALL = {"": 0.0, "sub": -0.15, "super": 0.35}, 0.7
"""The height of a shifted run above the baseline, and its size; both as parts of the text's size."""
UNKNOWN, WIDE = 722, 1000
"""The width of a character that the fonts do not have: a letter, an ideograph. In thousandths of the text's
size."""


def path_of(*, bold: bool = False, italic: bool = False) -> str:
    """The path of a face's file."""
    return os.path.join(os.path.dirname(__file__), f"cnnspecSans-{_face(bold, italic)}.ttf")


def width(text: str, size: float, *, bold: bool = False, italic: bool = False) -> float:
    """The width of a text, in points."""
    known = _widths()[_face(bold, italic).lower()]
    return sum(known.get(char) or (UNKNOWN if ord(char) < 0x1100 else WIDE) for char in text) * size / 1000


def width_of(runs: Iterable[Run], size: float, *, bold: bool = False) -> float:
    """The width of runs beside one another, in points."""
    return sum(
        width(run.text, size * (SMALL if run.shift else 1), bold=bold, italic=run.italic) for run in runs
    )


def box_of(text: Text) -> tuple[float, float, float, float]:
    """The area of a text that is not rotated: left, top, right, bottom."""
    wide = width_of(text.runs, text.size, bold=text.bold)
    left = text.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * wide
    return left, text.y - CAP_HEIGHT * text.size, left + wide, text.y + DESCENT * text.size


def _face(bold: bool, italic: bool) -> str:
    return ("Bold" if bold else "") + ("Italic" if italic else "") or "Regular"


@cache
def _widths() -> dict[str, dict[str, int]]:
    import json

    with open(os.path.join(os.path.dirname(__file__), "widths.json"), encoding="utf-8") as file:
        widths: dict[str, dict[str, int]] = json.load(file)
    return widths
