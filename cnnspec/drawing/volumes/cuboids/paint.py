"""A placed block as shapes: the front of each box, its top in the light, its side in the shade."""

from __future__ import annotations

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.scene import Group, Pen, Run, Shape, Text
from cnnspec.drawing.volumes.cuboids.place import SIZE, Box, Placed
from cnnspec.drawing.volumes.shades import Fills, darker, lighter
from cnnspec.drawing.volumes.words import tooltip


def painted(placed: Placed, fills: Fills, palette: Palette) -> Group:
    """The block: its boxes from back to front, then its texts."""
    bands = len(placed.block.bands)
    groups: list[Group] = []
    for place, box in enumerate(placed.boxes):
        shapes = _shapes(box, fills.of(box.volume), palette, side=place >= bands - 1)
        role = "input" if box.volume.kind == "input" else "layer"
        groups.append(Group(shapes, role, box.volume.name, tooltip(box.volume)))
    texts = tuple(
        Text(
            label.x,
            label.y,
            (Run(label.text),),
            label.size,
            palette.text if label.size == SIZE else palette.muted,
        )
        for label in placed.labels
    )
    return Group((*groups, *texts), "block")


def _shapes(box: Box, fill: str, palette: Palette, *, side: bool) -> tuple[Shape, ...]:
    pen = Pen(palette.line, 0.6)
    x, y, right, bottom = box.x, box.y, box.x + box.wide, box.y + box.high
    across, up = box.across, box.up
    front = Shape(((x, y), (right, y), (right, bottom), (x, bottom)), fill, pen)
    top = Shape(((x, y), (x + across, y - up), (right + across, y - up), (right, y)), lighter(fill), pen)
    away = ((right, y), (right + across, y - up), (right + across, bottom - up), (right, bottom))
    return (front, top, Shape(away, darker(fill), pen)) if side else (front, top)
