"""The look `levels` as a scene."""

from __future__ import annotations

from collections import Counter

from cnnspec.drawing.options import Options
from cnnspec.drawing.volumes.figure import Figure
from cnnspec.drawing.volumes.legend import legend
from cnnspec.drawing.volumes.lengths import Lengths, lengths_for
from cnnspec.drawing.volumes.levels.arrows import Arrows
from cnnspec.drawing.volumes.levels.bars import bars_of
from cnnspec.drawing.volumes.levels.fewer import any_kind, fewer, of_one_kind
from cnnspec.drawing.volumes.levels.inks import Inks
from cnnspec.drawing.volumes.levels.paint import painted
from cnnspec.drawing.volumes.levels.place import BETWEEN, Spacing, Standing, standing
from cnnspec.drawing.volumes.volume import Strip, Volume

POWER, DEPTH, HIGH = 0.85, 0.16, 92.0
HEAD, APART = 26.0, 18.0
WIDE, NARROW = Spacing(13.0, 13.0, 28.0, above=False), Spacing(9.5, 10.0, 14.0, above=True)
SMALLER = 0.91
"""The smallest scale of a figure, its texts included, before it is drawn with fewer bars: no text is below 5
points."""


def levels(strip: Strip, options: Options, width: float) -> Figure:
    """The figure with all bars; where that is too wide, with less space between them, then with fewer
    bars."""
    alike = fewer(strip, of_one_kind)
    figure = _drawn(strip, options, width, WIDE)
    for tried in (strip, alike, fewer(alike, any_kind)):
        if figure.right > width / SMALLER:
            narrow = _drawn(tried, options, width / SMALLER, NARROW)
            figure = min(figure, narrow, key=lambda one: one.right)
    return figure


def _drawn(strip: Strip, options: Options, width: float, spacing: Spacing) -> Figure:
    power = POWER if options.power is None else options.power
    lengths = lengths_for(strip.volumes, HIGH, power=power, depth_per_side=DEPTH, longest=spacing.longest)
    letters: Counter[Volume] = Counter()
    for _ in range(2):  # first without space for letters, then with it
        rows = _rows(strip, lengths, letters, width, spacing)
        arrows = Arrows(strip, rows, Inks(options.colors, _stepped(rows)), options.colors)
        letters = Counter({one.bar.volume: len(marks) for one, marks in arrows.marks().items()})
    bottom = _feet(rows, arrows)
    figure = Figure(max(one.label_right for row in rows for one in row), bottom + 10)
    figure.items += [*arrows.skips(), *arrows.steps()]
    figure.items += [painted(one, options.colors) for row in rows for one in row]
    entries = arrows.inks.legend(_stepped(rows), [*arrows.straight, *arrows.arcs])
    figure.add_legend(legend(entries, options.colors, figure.below, figure.right, width))
    return figure


def _rows(
    strip: Strip, lengths: Lengths, letters: Counter[Volume], width: float, spacing: Spacing
) -> list[list[Standing]]:
    """The main row on its levels; further rows on separate lines below, several on one line where they
    fit."""
    spine = standing(bars_of(strip.spine, strip.links, 0), lengths, 0.0, letters, spacing)
    rows = [spine]
    widest = max(spine[-1].label_right, width)
    lowest = max(one.bar.level for one in spine)
    x = 0.0
    for row in strip.rows[1:]:
        placed = standing(bars_of(row, strip.links, lowest + 1, flat=True), lengths, HEAD, letters, spacing)
        wide = placed[-1].label_right
        if not x or x + APART + wide > widest:
            lowest, x = lowest + 1, 0.0
        else:
            x += APART
        for one in placed:
            one.bar.level, one.x = lowest, one.x + x
        x += wide
        rows.append(placed)
    return rows


def _stepped(rows: list[list[Standing]]) -> list[Volume]:
    """The volumes to which an arrow leads."""
    return [one.bar.step for row in rows for one in row if one.bar.step.kind != "input"]


def _feet(rows: list[list[Standing]], arrows: Arrows) -> float:
    """Sets the foot of each bar, level by level; returns the last one."""
    by_level: dict[int, list[Standing]] = {}
    for row in rows:
        for one in row:
            by_level.setdefault(one.bar.level, []).append(one)
    y = 0.0
    for level in sorted(by_level):
        y += arrows.room(level) + max(one.foot - one.head for one in by_level[level])
        for one in by_level[level]:
            one.foot = y
        y += BETWEEN
    return y - BETWEEN
