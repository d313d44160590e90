"""A bar as shapes and texts: in two parts for stacked maps, the channels above, the size at the foot."""

from __future__ import annotations

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.scene import Group, Item, Pen, Run, Shape, Text, rectangle
from cnnspec.drawing.volumes.levels.place import SIZE, SMALL, Standing
from cnnspec.drawing.volumes.shades import mixed
from cnnspec.drawing.volumes.words import tooltip

COPIED = "#ffffff"


def fill_of(palette: Palette) -> str:
    return mixed(palette.block, palette.frame, 0.22)


def painted(one: Standing, palette: Palette) -> Group:
    bar, pen = one.bar, Pen(palette.line, 0.6)
    items: list[Item] = []
    x = one.x
    if bar.copied:
        part = one.wide * bar.copied / bar.channels
        items.append(Shape(rectangle(x, one.top, x + part, one.foot), COPIED, pen))
        x += part
    fill = palette.input if bar.volume.kind == "input" else fill_of(palette)
    items.append(Shape(rectangle(x, one.top, one.right, one.foot), fill, pen))
    above = SMALL + 1 if one.above and one.note and not one.turned else 0.0
    items.append(Text(one.centre, one.top - 2.5 - above, (Run(one.channels),), SIZE, palette.text))
    if one.note:
        run = one.note
        if above:
            items.append(Text(one.centre, one.top - 2.5, run, SMALL, palette.muted))
        elif one.turned:
            items.append(Text(one.x - 1.5, one.foot, run, SMALL, palette.muted, "start", turn=90))
        else:
            items.append(Text(one.x - 2, one.foot, run, SMALL, palette.muted, "end"))
    role = "input" if bar.volume.kind == "input" else "layer"
    return Group(tuple(items), role, bar.volume.name, "\n".join(map(tooltip, bar.volumes)))
