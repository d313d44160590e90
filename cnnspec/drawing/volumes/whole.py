"""A whole figure: the network as a strip, drawn in one of the looks, fitted to the width."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from cnnspec.drawing.options import Options
from cnnspec.drawing.scaled import moved, scaled
from cnnspec.drawing.scene import Scene
from cnnspec.drawing.volumes.cuboids.layout import cuboids
from cnnspec.drawing.volumes.figure import MARGIN
from cnnspec.drawing.volumes.levels.layout import levels
from cnnspec.drawing.volumes.sheets.layout import sheets
from cnnspec.drawing.volumes.shorter import shortened
from cnnspec.drawing.volumes.strip import strip_of
from cnnspec.drawing.volumes.volume import Strip, grown
from cnnspec.drawing.volumes.words import sentence
from cnnspec.ir.graph import Graph

WIDTH, WIDEST = 504.0, 720.0
"""For a figure without a given width: the intended width, 7 inches, and the largest."""
SMALLER = (1.0, 0.88, 0.77)
"""The scales of a figure, its texts included, that are tried to save lines: no text is below 5 points."""
SMALL, FEW = 64, 8
"""The largest maps and the most weighted layers of a network that is drawn as sheets."""
LONGEST = {"sheets": 24, "cuboids": 48, "levels": 64}
"""The most volumes of a row, by look."""


def whole(graph: Graph, options: Options) -> Scene:
    full = strip_of(graph, options)
    look = options.look or look_of(full)
    strip = shortened(full, LONGEST[look])
    if look == "levels":
        figure = levels(strip, options, (options.width or WIDEST) - 2 * MARGIN)
    else:
        draw = sheets if look == "sheets" else cuboids
        widths = ((options.width or WIDTH) / smaller - 2 * MARGIN for smaller in SMALLER)
        figure = min((draw(strip, options, width) for width in widths), key=lambda one: one.lines)
    wide, high = figure.right + 2 * MARGIN, figure.below + 2 * MARGIN
    items = moved(figure.items, MARGIN, MARGIN)
    width = options.width or WIDEST
    if wide > width:
        factor = width / wide
        wide, high, items = width, high * factor, scaled(items, factor)
    return Scene(wide, high, items, graph.variant or graph.name, sentence(strip))


def look_of(strip: Strip) -> str:
    """Levels for an encoder and decoder with skips, sheets for a few layers on small maps, else cuboids."""
    order = {volume: place for place, volume in enumerate(strip.spine)}
    pairs = pairwise(strip.spine)
    grows = [order[volume] for before, volume in pairs if volume.kind == "resize" or grown(before, volume)]
    for link in strip.links:
        if any(order.get(link.start, 0) < place <= order.get(link.end, -1) for place in grows):
            return "levels"
    if any(volume.op is not None and volume.op.undoes for volume in strip.spine):
        return "levels"
    weighted = [volume for volume in strip.volumes if volume.op is not None and volume.op.weighted]
    inputs = [volume for volume in strip.volumes if volume.kind == "input"]
    small = all(max(volume.axes, default=1) <= SMALL for volume in inputs)
    maps = any(len(volume.axes) == 2 and prod(volume.axes) > 1 for volume in inputs)
    plain = len(strip.rows) == 1 and not strip.links
    folds = any(volume.kind == "block" or volume.count > 1 for volume in strip.volumes)
    return "sheets" if small and maps and plain and not folds and len(weighted) <= FEW else "cuboids"
