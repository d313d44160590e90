"""A stack as shapes, and the window that a unit of the next stack reads."""

from __future__ import annotations

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.scene import Group, Item, Line, Pen, Point, Run, Shape, Text, rectangle
from cnnspec.drawing.volumes.shades import Fills, mixed
from cnnspec.drawing.volumes.sheets.place import ABOVE, ROD, SIZE, SLANT, Stack
from cnnspec.drawing.volumes.words import tooltip, window

UNIT = 2.2
"""The side of the square that is one unit."""
WINDOW_AT, UNIT_AT = (0.66, 0.68), (0.33, 0.36)
"""The positions of the window and of the unit that reads it, as parts of a sheet's sides."""


def painted(one: Stack, fills: Fills, palette: Palette) -> Group:
    """The sheets from back to front, every second one white, and the texts above."""
    pen = Pen(palette.line, 0.5)
    tint = mixed(fills.of(one.volume), "#ffffff", 0.35)
    items: list[Item] = []
    if one.is_rod:
        lean = SLANT * one.high
        top, foot = one.y, one.y + one.high
        corners = (one.x, top), (one.x + ROD, top), (one.x + lean + ROD, foot), (one.x + lean, foot)
        items.append(Shape(corners, tint, pen))
    else:
        for place in range(one.count - 1, -1, -1):
            x, y = one.x - place * one.offset, one.y - place * one.offset
            fill = tint if place % 2 == 0 else mixed(tint, "#ffffff", 0.65)
            items.append(Shape(rectangle(x, y, x + one.wide, y + one.high), fill, pen))
    y = one.y - one.deep - ABOVE
    items.append(Text(one.text_middle, y, (Run(one.size_text),), SIZE, palette.text))
    if one.name:
        items.append(Text(one.text_middle, y - SIZE - 1.5, (Run(one.name),), SIZE, palette.text, bold=True))
    role = "input" if one.volume.kind == "input" else "layer"
    return Group(tuple(items), role, one.volume.name, tooltip(one.volume))


def connected(one: Stack, other: Stack, palette: Palette) -> Group:
    """The input of a unit of `other` in the stack `one`: a window and two lines, or the whole stack."""
    pen = Pen(palette.line, 0.4)
    items: list[Item] = []
    if one.is_rod and other.is_rod:
        lean, further = SLANT * one.high, SLANT * other.high
        items.append(Line(((one.x + ROD, one.y), (other.x, other.y)), pen))
        feet = (one.x + lean + ROD, one.y + one.high), (other.x + further, other.y + other.high)
        items.append(Line(feet, pen))
    elif one.is_rod:
        middle = one.x + SLANT * one.high / 2 + ROD, one.y + one.high / 2
        for down in (0.0, 1.0):
            items.append(Line((middle, (other.x, other.y + down * other.high)), pen))
    elif other.is_rod:
        items += _onto_rod(one, other, pen)
    elif other.volume.kind == "resize":
        items += _spread(one, other, pen, palette)
    else:
        items += _read(one, other, pen, palette)
    return Group(tuple(items), "edge", other.volume.name)


def _onto_rod(one: Stack, other: Stack, pen: Pen) -> list[Item]:
    """Lines from all maps to a vector: to its middle where one window reads the maps, to both ends where
    weights do."""
    corners = (one.right, one.y), (one.right, one.y + one.high)
    lean = SLANT * other.high
    if other.volume.op is not None and other.volume.kind != "dense":
        middle = other.x + lean / 2, other.y + other.high / 2
        return [Line((corner, middle), pen) for corner in corners]
    ends = (other.x, other.y), (other.x + lean, other.y + other.high)
    return [Line((corner, end), pen) for corner, end in zip(corners, ends, strict=True)]


def _read(one: Stack, other: Stack, pen: Pen, palette: Palette) -> list[Item]:
    size = window(other.volume.op) if other.volume.op is not None else ()
    if not size:
        return []
    wide = min(max(size[-1] * one.wide / one.volume.axes[-1], UNIT + 1), one.wide * 0.9)
    high = one.high
    if len(size) > 1:
        high = min(max(size[-2] * one.high / one.volume.axes[-2], UNIT + 1), one.high * 0.9)
    left = min(one.x + WINDOW_AT[0] * one.wide - wide / 2, one.right - wide - 0.04 * one.wide)
    top = min(one.y + WINDOW_AT[1] * one.high - high / 2, one.y + one.high - high - 0.04 * one.high)
    top = one.y if len(size) == 1 else top
    unit = other.at(*UNIT_AT)
    return [
        Shape(rectangle(left, top, left + wide, top + high), None, Pen(palette.line, 0.7)),
        Line(((left + wide, top), unit), pen),
        Line(((left + wide, top + high), unit), pen),
        _unit(unit, palette),
    ]


def _spread(one: Stack, other: Stack, pen: Pen, palette: Palette) -> list[Item]:
    """A unit whose value is spread over a window of the next maps."""
    unit = one.at(*WINDOW_AT)
    size = max(0.28 * min(other.wide, other.high), UNIT + 1)
    left, top = other.at(*UNIT_AT)
    left, top = left - size / 2, top - size / 2
    return [
        Line((unit, (left, top)), pen),
        Line((unit, (left, top + size)), pen),
        Shape(rectangle(left, top, left + size, top + size), None, Pen(palette.line, 0.7)),
        _unit(unit, palette),
    ]


def _unit(at: Point, palette: Palette) -> Shape:
    half = UNIT / 2
    return Shape(rectangle(at[0] - half, at[1] - half, at[0] + half, at[1] + half), palette.line)
