"""The legend: the meanings of the colours, in lines below the figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnspec.drawing import fonts
from cnnspec.drawing.colors import Palette
from cnnspec.drawing.scene import Group, Item, Line, Pen, Run, Shape, Text
from cnnspec.drawing.volumes.figure import Key

SIZE, SWATCH, LINE_HEIGHT = 8.0, 8.0, 14.0
LEAST = 300.0
"""The least width of a legend's lines in a narrow figure, where there is space."""


class Entry(NamedTuple):
    """A colour and its meaning; `arrow`: it is the colour of an arrow, whose line may be `dashed`."""

    color: str
    text: str
    arrow: bool = False
    dashed: bool = False


def legend(entries: Sequence[Entry], palette: Palette, top: float, width: float, most: float) -> Key:
    """The legend from x = 0 and `top`, in lines about `width` wide, or `most` where that is smaller than the
    width that a legend needs."""
    groups: list[Group] = []
    x, y, right = 0.0, top, 0.0
    width = max(width, min(LEAST, most))
    for entry in dict.fromkeys(entries):
        mark = 2.2 * SWATCH if entry.arrow else SWATCH
        wide = mark + 4 + fonts.width(entry.text, SIZE)
        if x and x + wide > width:
            x, y = 0.0, y + LINE_HEIGHT
        groups.append(Group(_items(entry, palette, x, y, mark), "legend", "", ""))
        right = max(right, x + wide)
        x += wide + 14
    return Key(groups, right, y + SWATCH if groups else top)


def _items(entry: Entry, palette: Palette, x: float, y: float, mark: float) -> tuple[Item, ...]:
    middle = y + SWATCH / 2
    text = Text(x + mark + 4, middle + 0.36 * SIZE, (Run(entry.text),), SIZE, palette.text, "start")
    if entry.arrow:
        return Line(((x, middle), (x + mark, middle)), Pen(entry.color, 1.5, entry.dashed), arrow=True), text
    corners = ((x, y), (x + mark, y), (x + mark, y + SWATCH), (x, y + SWATCH))
    return Shape(corners, entry.color, Pen(palette.line, 0.6)), text
