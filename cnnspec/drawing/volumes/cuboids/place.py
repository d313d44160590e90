"""The positions of a row's blocks: a box for each volume, the texts above and below, and the width of all
this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from cnnspec.drawing import fonts
from cnnspec.drawing.volumes.cuboids.blocks import Block, blocks_of
from cnnspec.drawing.volumes.lengths import Lengths
from cnnspec.drawing.volumes.skips import LETTER
from cnnspec.drawing.volumes.spread import spread
from cnnspec.drawing.volumes.volume import Volume
from cnnspec.drawing.volumes.words import times

ACROSS, UP = 0.36, 0.26
"""The direction of an edge that leads away from the reader: right and up, as parts of its length."""
ROD = 5.0
"""The thickness of a vector."""
SIZE, SMALL = 8.0, 6.5
GAP, LABEL_GAP = 9.0, 3.0
LEG = 9.0
"""The least width of bands at which arcs end: the heads of their arrows stay visible."""
FEW = 2
"""The most texts below a block that may be wider than its bands."""


@dataclass(frozen=True, slots=True)
class Box:
    """A cuboid: its front face from (x, y), and the edge that leads away."""

    volume: Volume
    x: float
    y: float
    wide: float
    high: float
    across: float
    up: float

    @property
    def right(self) -> float:
        return self.x + self.wide + self.across


@dataclass(frozen=True, slots=True)
class Label:
    """A text, centred at x, its baseline at y."""

    x: float
    y: float
    text: str
    size: float


class Column(NamedTuple):
    """The texts below a number of bands, and the width that they need."""

    text: str
    note: str
    bands: int
    wide: float


@dataclass(slots=True, eq=False)
class Placed:
    """A block in its position."""

    block: Block
    boxes: list[Box]
    labels: list[Label] = field(default_factory=list)
    above: float = 0.0
    """The space that letters need above it."""

    @property
    def volumes(self) -> list[Volume]:
        return self.block.volumes

    @property
    def start(self) -> float:
        return self._ends[0]

    @property
    def end(self) -> float:
        return self._ends[1]

    @property
    def _ends(self) -> tuple[float, float]:
        left = min([box.x for box in self.boxes] + [label.x - _half(label) for label in self.labels])
        right = max([box.right for box in self.boxes] + [label.x + _half(label) for label in self.labels])
        more = max(0.0, self.above - (right - left)) / 2
        return left - more, right + more

    @property
    def head(self) -> float:
        tops = [box.y - box.up for box in self.boxes]
        return min(tops + [label.y - fonts.CAP_HEIGHT * label.size for label in self.labels])

    @property
    def foot(self) -> float:
        bottoms = [box.y + box.high for box in self.boxes]
        return max(bottoms + [label.y + fonts.DESCENT * label.size for label in self.labels])

    @property
    def level(self) -> float:
        return self.boxes[0].y + (self.boxes[0].high - self.boxes[0].up) / 2

    def leg(self, volume: Volume) -> float:
        box = next(box for box in self.boxes if box.volume is volume)
        return box.x + (box.wide + box.across) / 2

    def shift(self, by: float, down: float) -> None:
        self.boxes = [replace(box, x=box.x + by, y=box.y + down) for box in self.boxes]
        self.labels = [replace(label, x=label.x + by, y=label.y + down) for label in self.labels]


def _half(label: Label) -> float:
    return fonts.width(label.text, label.size) / 2


def placed_row(
    row: list[Volume],
    lengths: Lengths,
    notes: dict[Volume, str],
    letters: Counter[Volume],
    legs: Collection[Volume],
) -> list[Placed]:
    """The blocks from left to right, from x = 0, the middle of each at y = 0. An arc ends at each of the
    bands `legs`."""
    placed: list[Placed] = []
    blocks = blocks_of(row)
    x = 0.0
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        one = placed_block(block, lengths, notes, after, legs)
        one.above = LETTER * sum(letters[volume] for volume in block.volumes)
        one.shift(x - one.start, 0.0)
        placed.append(one)
        x = one.end + GAP
    return placed


def placed_block(
    block: Block,
    lengths: Lengths,
    notes: dict[Volume, str],
    after: Block | None,
    legs: Collection[Volume],
) -> Placed:
    extents = [sizes(volume, lengths) for volume in block.bands]
    if any(volume in legs for volume in block.bands):
        extents = [(max(wide, LEG), high, away) for wide, high, away in extents]
    columns = _columns(block, notes, [extent[0] for extent in extents])
    if len(columns) > FEW:  # labels far from their bands would not be understood
        wides = [column.wide / column.bands for column in columns for _ in range(column.bands)]
        extents = [
            (max(wide, least), high, away) for (wide, high, away), least in zip(extents, wides, strict=True)
        ]
    boxes = _boxes(block, extents, lengths)
    return Placed(block, boxes, [*_above(block, boxes, after), *_below(columns, boxes)])


def _columns(block: Block, notes: dict[Volume, str], wides: list[float]) -> list[Column]:
    """The texts below the bands. A text that is wider than a band is written once for all consecutive equal
    ones."""
    texts = [(f"{volume.shape[0]}", notes.get(volume, "")) for volume in block.bands]
    room = [max(fonts.width(one, SIZE), fonts.width(note, SMALL)) + 3 for one, note in texts]
    each = all(least <= wide for least, wide in zip(room, wides, strict=True))
    places = groupby(range(len(texts)), key=None if each else texts.__getitem__)
    runs = [[*run] for _, run in places]
    return [Column(*texts[run[0]], len(run), room[run[0]]) for run in runs]


def _boxes(block: Block, extents: list[tuple[float, float, float]], lengths: Lengths) -> list[Box]:
    boxes: list[Box] = []
    x = 0.0
    for volume, (wide, high, away) in zip(block.bands, extents, strict=True):
        across, up = away * ACROSS, away * UP
        boxes.append(Box(volume, x, (up - high) / 2, wide, high, across, up))
        x += wide
    if block.face is not None:
        wide, high, away = sizes(block.face, lengths)
        last = boxes[-1]
        across, up = min(away * ACROSS, last.across), min(away * UP, last.up)
        high = min(high, last.high)
        boxes.append(Box(block.face, x + (last.across - across) / 2, (up - high) / 2, wide, high, across, up))
    return boxes


def sizes(volume: Volume, lengths: Lengths) -> tuple[float, float, float]:
    """The width, height and depth of a volume. A signal is a plate; a volume in time is a cube, with T only
    in its label."""
    if volume.is_vector:
        return ROD, lengths.vector(volume.shape[0]), ROD
    depth = lengths.depth(volume.shape[0])
    if len(volume.axes) == 1:
        return depth, lengths.side(volume.axes[0]), ROD
    return depth, lengths.side(volume.axes[-2]), lengths.side(volume.axes[-1])


def _above(block: Block, boxes: list[Box], after: Block | None) -> list[Label]:
    """The size of the maps, above the block; a pooling's too, where no block of that size follows."""
    labels = []
    band, box = block.bands[-1], boxes[0]
    last = boxes[len(block.bands) - 1]
    if not band.is_vector:
        middle = (box.x + box.across + last.right) / 2
        labels.append(Label(middle, box.y - box.up - LABEL_GAP, times(band.axes), SIZE))
    face = block.face
    if face is not None and (after is None or after.bands[0].is_vector):
        here, text = boxes[-1], times(face.axes)
        half = fonts.width(text, SMALL) / 2
        left, y = last.right + 2, here.y - here.up - LABEL_GAP
        if labels and y - SMALL < labels[0].y + 2:
            left = max(left, labels[0].x + fonts.width(labels[0].text, SIZE) / 2 + 3)
        labels.append(Label(max(here.x + here.wide / 2 + here.across, left + half), y, text, SMALL))
    return labels


def _below(columns: list[Column], boxes: list[Box]) -> list[Label]:
    """The channels below each band, and further notes."""
    bands = boxes[: sum(column.bands for column in columns)]
    y = max(box.y + box.high for box in bands) + LABEL_GAP + fonts.CAP_HEIGHT * SIZE
    middles: list[float] = []
    for column in columns:
        first, last = bands[0], bands[column.bands - 1]
        middles.append((first.x + last.x + last.wide) / 2)
        bands = bands[column.bands :]
    centres = spread(middles, [column.wide for column in columns])
    labels = [Label(x, y, column.text, SIZE) for x, column in zip(centres, columns, strict=True)]
    below = y + SMALL + 2.5
    return labels + [
        Label(x, below, column.note, SMALL) for x, column in zip(centres, columns, strict=True) if column.note
    ]
