"""The data for all looks of this style: rows of volumes, and the links between them.

A volume is the output of one layer, with the layers after it that keep its shape (normalisation, activation,
dropout); or a fold: a block with branches, a repeat. Every layer of the network is in exactly one volume or
on a link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from cnnspec.ops import Op
from cnnspec.ops.base import Shape


@dataclass(slots=True, eq=False)
class Volume:
    """A volume. It changes only while the rows are made; the looks only read it.

    `name` is its name in the layer table, `label` the author's, `title` the name of a fold. `op` is the layer
    that makes it (None: an input, a fold), `kind` the name of its colour in the palette, `after` are the
    further layers that it includes. `count` is ×n, `layers` the number of the network's layers in it. `parts`
    are the channels of a concatenation's inputs, `repeat` the region that it belongs to, which it may share
    with its neighbours.
    """

    name: str
    shape: Shape
    kind: str
    op: Op | None = None
    label: str = ""
    title: str = ""
    count: int = 1
    layers: int = 1
    after: list[Op] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    parts: tuple[int, ...] = ()
    repeat: int = -1
    note: str = ""
    """An additional text in the figure, which does not follow from the other fields."""

    @property
    def axes(self) -> Shape:
        return self.shape[1:]

    @property
    def is_vector(self) -> bool:
        """Whether it is a vector, or a map of one position."""
        return prod(self.axes) == 1


def grown(before: Volume, after: Volume) -> bool:
    """Whether the maps of one volume are clearly larger than those of another."""
    same = len(before.shape) == len(after.shape)
    return same and prod(after.axes) >= 1.6 ** len(after.axes) * prod(before.axes)


@dataclass(slots=True, eq=False)
class Source:
    """An input of a volume: another volume, perhaps cropped, perhaps through `via`, the layers on the
    link.
    """

    volume: Volume
    cropped: bool = False
    via: list[Op] = field(default_factory=list)
    layers: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A skip: from a volume to a later one, or from the end of a further row to its reader."""

    start: Volume
    end: Volume
    cropped: bool = False
    via: tuple[Op, ...] = ()


@dataclass(slots=True, eq=False)
class Strip:
    """The whole network: rows of volumes, the spine first, and the links that are not between neighbours. Row
    `n` begins at `heads[n]` (None: at an input of its own).
    """

    rows: list[list[Volume]]
    heads: list[Volume | None]
    links: list[Link]
    outputs: list[Volume]

    @property
    def volumes(self) -> list[Volume]:
        return [volume for row in self.rows for volume in row]

    @property
    def spine(self) -> list[Volume]:
        return self.rows[0]
