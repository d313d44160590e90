"""Where the bars stand: to the right of one another on a level, below one that was pooled, above and to the
right of one that is upsampled."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from cnnspec.drawing import fonts
from cnnspec.drawing.scene import Run
from cnnspec.drawing.volumes.lengths import Lengths
from cnnspec.drawing.volumes.levels.bars import Bar
from cnnspec.drawing.volumes.skips import LETTER
from cnnspec.drawing.volumes.volume import Volume
from cnnspec.drawing.volumes.words import times

SIZE, SMALL = 7.0, 5.5
BETWEEN = 15.0
"""Room between two levels."""
LOW = 14.0
"""The least height of a bar: an arrow and a text fit beside it."""


class Spacing(NamedTuple):
    """Room for an arrow on a level, and for one that climbs; the longest side of a bar; whether sizes stand
    above the bars, where they are not upright beside them."""

    arrow: float
    climb: float
    longest: float
    above: bool


@dataclass(slots=True, eq=False)
class Standing:
    """A bar in its place: its left edge, its foot, and its size."""

    bar: Bar
    x: float
    wide: float
    high: float
    foot: float = 0.0
    letters: int = 0
    """How many letters stand above it."""
    above: bool = False
    """Whether its size stands above it."""
    climb: int = 0
    """How many levels the arrow to it climbs; fewer than none where it comes from above."""
    beside_high: float = math.inf
    """How high the bar before it is, where an arrow comes from there."""

    @property
    def right(self) -> float:
        return self.x + self.wide

    @property
    def centre(self) -> float:
        return self.x + self.wide / 2

    @property
    def top(self) -> float:
        return self.foot - self.high

    @property
    def head(self) -> float:
        """Where its texts begin."""
        return self.top - SIZE - 2 - (SMALL + 1 if self.above and self.note and not self.turned else 0)

    @property
    def label_left(self) -> float:
        return min(self.x - self.beside, self.centre - self._half)

    @property
    def label_right(self) -> float:
        return max(self.right, self.centre + self._half)

    @property
    def _half(self) -> float:
        above = fonts.width_of(self.note, SMALL) if self.above and not self.turned else 0.0
        return max(fonts.width(self.channels, SIZE), above, LETTER * self.letters) / 2

    @property
    def channels(self) -> str:
        return str(self.bar.channels)

    @property
    def note(self) -> tuple[Run, ...]:
        """The size: in full where it can stand upright beside the bar, below the arrow; else `28²`."""
        axes = self.bar.volume.axes
        if self.bar.volume.is_vector:
            return ()
        if self.turned or len(set(axes)) > 1 or len(axes) == 1:
            return (Run(times(axes)),)
        return Run(str(axes[0])), Run(str(len(axes)), shift="super")

    @property
    def turned(self) -> bool:
        return fonts.width(times(self.bar.volume.axes), SMALL) <= 0.53 * min(self.high, self.beside_high)

    @property
    def beside(self) -> float:
        """How much room the size takes on the left of the bar."""
        if not self.note or (self.above and not self.turned):
            return 0.0
        return SMALL if self.turned else fonts.width_of(self.note, SMALL) + 2


def standing(
    bars: list[Bar], lengths: Lengths, left: float, letters: Counter[Volume], spacing: Spacing
) -> list[Standing]:
    """The bars from left to right; the foot of each is set when it is known how high the levels are."""
    placed: list[Standing] = []
    ends: dict[int, float] = {}
    """Where the bars of each level end, and the arrows that pass it."""
    for bar in bars:
        wide, high = extent(bar, lengths)
        one = Standing(bar, left, wide, high, letters=sum(letters[volume] for volume in bar.volumes))
        one.above = spacing.above
        before = placed[-1] if placed else None
        if before is not None and before.bar.level == bar.level:
            one.beside_high = before.high
        margin = one.x - one.label_left
        if before is None:
            one.x = left + margin
        else:
            one.climb = before.bar.level - bar.level
            one.x = max(_right_of(before, one, spacing), ends.get(bar.level, 0.0) + margin + 4)
            between = range(min(before.bar.level, bar.level) + 1, max(before.bar.level, bar.level))
            one.x = max(one.x, max((ends.get(level, 0.0) for level in between), default=0.0) + 4 - wide / 2)
            climbed = [before.bar.level] if one.climb > 0 else []
            ends |= {level: max(ends.get(level, 0.0), one.centre) for level in (*between, *climbed)}
        placed.append(one)
        ends[bar.level] = one.label_right
    return placed


def _right_of(before: Standing, one: Standing, spacing: Spacing) -> float:
    """The least x of a bar that an arrow leads to from `before`: below it, or to its right."""
    margin = one.x - one.label_left
    if one.bar.level > before.bar.level:
        return (
            before.right + spacing.climb - one.wide / 2 if before.climb > 0 else before.centre - one.wide / 2
        )
    if one.bar.level == before.bar.level:
        return max(before.right + spacing.arrow, before.label_right + margin + 3.5)
    x = max(before.right + spacing.climb - one.wide / 2, before.label_right + margin + 3.5)
    return max(x, before.right + 6 - one.wide / 2 if one.wide > 2 * spacing.climb else x)


def extent(bar: Bar, lengths: Lengths) -> tuple[float, float]:
    """How wide and high a bar is."""
    volume = bar.volume
    if volume.is_vector:
        return 4.0, max(lengths.vector(volume.shape[0]), LOW)
    return max(lengths.depth(volume.shape[0]), 3.5), max(lengths.side(max(volume.axes[-2:])), LOW)
