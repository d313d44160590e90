"""The positions of the stacks, and of the texts above and between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cnnspec.drawing import fonts
from cnnspec.drawing.scene import Point
from cnnspec.drawing.volumes.lengths import Lengths
from cnnspec.drawing.volumes.sheets.captions import caption
from cnnspec.drawing.volumes.skips import LETTER
from cnnspec.drawing.volumes.volume import Volume
from cnnspec.drawing.volumes.words import shape_text

SIZE, SMALL, ABOVE = 8.0, 7.5, 5.0
"""The sizes of texts, and the space between a stack and its text."""
MOST, OFFSET, DEEPEST = 24, 3.6, 40.0
"""The most sheets of a stack, the distance from one sheet to the next, and the largest depth of a stack."""
ROD, SLANT = 5.0, 0.33
"""The thickness of a vector, and its slant as a part of its length."""
GAP, LEAST = 17.0, 7.0
"""The space between two stacks, and the smallest side of a sheet."""


@dataclass(slots=True, eq=False)
class Stack:
    """The sheets of a volume: the front one from (x, y), the others behind it, up and to the left. A vector
    is one rod from (x, y) that leans to the right. `caption` are the lines about the layer before it."""

    volume: Volume
    count: int
    offset: float
    wide: float
    high: float
    name: str
    caption: list[str] = field(default_factory=list)
    above: float = 0.0
    """The space that letters need above it."""
    x: float = 0.0
    y: float = 0.0

    @property
    def is_rod(self) -> bool:
        return self.volume.is_vector

    @property
    def deep(self) -> float:
        return self.offset * (self.count - 1)

    @property
    def left(self) -> float:
        return self.x - self.deep

    @property
    def right(self) -> float:
        return self.x + self.wide

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    @property
    def size_text(self) -> str:
        return shape_text(self.volume.shape)

    @property
    def text_wide(self) -> float:
        return max(fonts.width(self.name, SIZE, bold=True), fonts.width(self.size_text, SIZE), self.above)

    @property
    def text_middle(self) -> float:
        """The x of the text: above the top of a rod, or above the middle of a stack."""
        return self.left + ROD / 2 if self.is_rod else self.middle

    def at(self, right: float, down: float) -> Point:
        """A point of the front sheet, given as parts of its sides."""
        return self.x + right * self.wide, self.y + down * self.high

    # the properties that rows and skips need

    @property
    def volumes(self) -> list[Volume]:
        return [self.volume]

    @property
    def start(self) -> float:
        return min(self.left, self.text_middle - self.text_wide / 2)

    @property
    def end(self) -> float:
        return max(self.right, self.text_middle + self.text_wide / 2)

    @property
    def head(self) -> float:
        lines = SIZE + 1.5 if self.name else 0.0
        return self.y - self.deep - ABOVE - fonts.CAP_HEIGHT * SIZE - lines

    @property
    def foot(self) -> float:
        return self.y + self.high

    @property
    def level(self) -> float:
        return self.y + (self.high - self.deep) / 2

    def leg(self, volume: Volume) -> float:
        return self.text_middle

    def shift(self, by: float, down: float) -> None:
        self.x, self.y = self.x + by, self.y + down


def stack_of(volume: Volume, lengths: Lengths, name: str) -> Stack:
    channels = volume.shape[0]
    lines = [] if volume.kind == "input" else caption(volume)
    if volume.is_vector:
        high = lengths.vector(channels)
        return Stack(volume, 1, 0.0, ROD + SLANT * high, high, name, lines)
    count = min(channels, MOST)
    offset = min(OFFSET, DEEPEST / max(count - 1, 1))
    wide = max(lengths.side(volume.axes[-1]), LEAST)
    high = LEAST if len(volume.axes) == 1 else max(lengths.side(volume.axes[-2]), LEAST)
    return Stack(volume, count, offset, wide, high, name, lines)


def placed_row(
    row: list[Volume], lengths: Lengths, names: dict[Volume, str], letters: Counter[Volume]
) -> list[Stack]:
    """The stacks from left to right, the middle of each at y = 0, far enough apart for the captions."""
    stacks = [stack_of(volume, lengths, names.get(volume, "")) for volume in row]
    right, text_right, caption_right = -GAP, -6.0, -6.0
    before: Stack | None = None
    for stack in stacks:
        stack.above = LETTER * letters[stack.volume]
        stack.y = (stack.deep - stack.high) / 2
        stack.x = right + GAP + stack.deep
        stack.x += max(0.0, text_right + 6 - (stack.text_middle - stack.text_wide / 2))
        if before is not None:
            half = caption_wide(stack.caption) / 2
            middle = (before.middle + stack.middle) / 2
            stack.x += max(0.0, 2 * (caption_right + 6 + half - middle))
            caption_right = (before.middle + stack.middle) / 2 + half
        before, right, text_right = stack, stack.right, stack.text_middle + stack.text_wide / 2
    return stacks


def caption_wide(lines: list[str]) -> float:
    return max((fonts.width(line, SMALL, italic=True) for line in lines), default=0.0)
