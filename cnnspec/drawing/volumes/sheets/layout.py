"""The look `sheets` as a scene."""

from __future__ import annotations

from itertools import pairwise

from cnnspec.drawing.options import Options
from cnnspec.drawing.scene import Run, Text
from cnnspec.drawing.volumes.figure import BETWEEN, Figure, stacked
from cnnspec.drawing.volumes.lengths import lengths_for
from cnnspec.drawing.volumes.rows import Row, Sizes, lines_within
from cnnspec.drawing.volumes.shades import Fills
from cnnspec.drawing.volumes.sheets.paint import connected, painted
from cnnspec.drawing.volumes.sheets.place import SMALL, Stack, caption_wide, placed_row
from cnnspec.drawing.volumes.skips import Skips, letters_at
from cnnspec.drawing.volumes.spread import spread
from cnnspec.drawing.volumes.volume import Strip, Volume

POWER, LONGEST = 0.85, 60.0
SIZES = Sizes(92.0, 52.0, 70.0)
LINE = 1.2 * SMALL


def sheets(strip: Strip, options: Options, width: float) -> Figure:
    volumes, colors = strip.volumes, options.colors
    power = POWER if options.power is None else options.power
    names = {volume: volume.label or volume.name for volume in volumes if volume.label or not volume.op}

    def place(row: list[Volume], high: float) -> list[Stack]:
        lengths = lengths_for(volumes, high, power=power, depth_per_side=0.1, longest=LONGEST)
        return placed_row(row, lengths, names, letters)

    letters = letters_at(strip)
    fills = Fills(colors, volumes)
    lines = lines_within(strip, place, SIZES, width)
    skips = Skips(strip, [row for line in lines for row in line], colors)
    longest = max(len(stack.caption) for row in skips.rows for stack in _stacks(row))
    figure = stacked(lines, skips, longest * LINE)
    for line in lines:
        foot = max(row.bottom for row in line) + 6 + SMALL
        for row in line:
            stacks = _stacks(row)
            figure.items += [painted(stack, fills, colors) for stack in stacks]
            figure.items += [connected(one, other, colors) for one, other in pairwise(stacks)]
            figure.items += _captions(stacks, foot, figure, colors.muted)
    figure.items += skips.items()
    figure.below -= BETWEEN - 4
    return figure


def _stacks(row: Row) -> list[Stack]:
    return [one for one in row.stands if isinstance(one, Stack)]


def _captions(stacks: list[Stack], y: float, figure: Figure, color: str) -> list[Text]:
    """The layers between the stacks, below them."""
    captioned, middles = [], []
    for before, one in zip([None, *stacks], stacks, strict=False):
        if one.caption:
            captioned.append(one)
            middles.append(one.middle if before is None else (before.middle + one.middle) / 2)
    wides = [caption_wide(one.caption) + 6 for one in captioned]
    texts = []
    places = spread(middles, wides)
    inwards = max(0.0, wides[0] / 2 - places[0]) if places else 0.0
    for at, wide, one in zip(places, wides, captioned, strict=True):
        x = at + inwards
        figure.right = max(figure.right, x + wide / 2)
        for place, words in enumerate(one.caption):
            run = (Run(words, italic=True),)
            texts.append(Text(x, y + place * LINE, run, SMALL, color))
    return texts
