"""The positions of the bars: to the right of the bar before on the same level, below it after pooling, above
and to the right of it after upsampling."""

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
"""The space between two levels."""
LOW = 14.0
"""The least height of a bar, with space for an arrow and a text beside it."""


class Spacing(NamedTuple):
    """The space for an arrow on a level, and for an arrow that climbs; the longest side of a bar; whether
    sizes are above the bars instead of rotated beside them."""

    arrow: float
    climb: float
    longest: float
    above: bool


@dataclass(slots=True, eq=False)
class Standing:
    """A bar in its position: its left edge, its foot, and its size."""

    bar: Bar
    x: float
    wide: float
    high: float
    foot: float = 0.0
    letters: int = 0
    """The number of letters above it."""
    above: bool = False
    """Whether its size is above it."""
    climb: int = 0
    """How many levels the arrow to it climbs; negative where it comes from above."""
    beside_high: float = math.inf
    """The height of the bar before it, where an arrow comes from there."""

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
        """The top of its texts."""
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
        """The size: in full where it fits rotated beside the bar, below the arrow; else `28²`."""
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
        """The space for the size, to the left of the bar."""
        if not self.note or (self.above and not self.turned):
            return 0.0
        return SMALL if self.turned else fonts.width_of(self.note, SMALL) + 2


def standing(
    bars: list[Bar], lengths: Lengths, left: float, letters: Counter[Volume], spacing: Spacing
) -> list[Standing]:
    """The bars from left to right. Their feet are set when the heights of the levels are known."""
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
    """The least x of a bar with an arrow from `before`: below that bar, or to its right."""
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
    """The width and height of a bar."""
    volume = bar.volume
    if volume.is_vector:
        return 4.0, max(lengths.vector(volume.shape[0]), LOW)
    return max(lengths.depth(volume.shape[0]), 3.5), max(lengths.side(max(volume.axes[-2:])), LOW)
