"""The look `cuboids` as a scene."""

from __future__ import annotations

from cnnspec.drawing.options import Options
from cnnspec.drawing.volumes.cuboids.paint import painted
from cnnspec.drawing.volumes.cuboids.place import Placed, placed_row
from cnnspec.drawing.volumes.figure import Figure, stacked
from cnnspec.drawing.volumes.legend import legend
from cnnspec.drawing.volumes.lengths import lengths_for
from cnnspec.drawing.volumes.meanings import meanings
from cnnspec.drawing.volumes.notes import notes_of
from cnnspec.drawing.volumes.rows import Sizes, lines_within
from cnnspec.drawing.volumes.shades import Fills
from cnnspec.drawing.volumes.skips import Skips, has_arcs, letters_at
from cnnspec.drawing.volumes.volume import Strip, Volume

POWER, DEPTH, LONGEST = 0.75, 0.1, 70.0
SIZES = Sizes(130.0, 58.0, 80.0)


def cuboids(strip: Strip, options: Options, width: float) -> Figure:
    volumes, colors = strip.volumes, options.colors
    power = POWER if options.power is None else options.power
    notes, letters = notes_of(strip), letters_at(strip)
    legs = {end for link in strip.links for end in (link.start, link.end)} if has_arcs(strip) else set()

    def place(row: list[Volume], high: float) -> list[Placed]:
        lengths = lengths_for(volumes, high, power=power, depth_per_side=DEPTH, longest=LONGEST)
        return placed_row(row, lengths, notes, letters, legs)

    fills = Fills(colors, volumes)
    lines = lines_within(strip, place, SIZES, width)
    skips = Skips(strip, [row for line in lines for row in line], colors)
    figure = stacked(lines, skips)
    for row in skips.rows:
        figure.items += [painted(one, fills, colors) for one in row.stands if isinstance(one, Placed)]
    figure.items += skips.items()
    figure.add_legend(legend(meanings(volumes, fills), colors, figure.below, figure.right, width))
    return figure
