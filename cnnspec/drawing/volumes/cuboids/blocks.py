"""The row of volumes as blocks: consecutive maps of one size are one block, and a pooling lies on its
face."""

from __future__ import annotations

from dataclasses import dataclass

from cnnspec.drawing.volumes.volume import Volume

BANDS = 12
"""The most bands of a block."""


@dataclass(slots=True, eq=False)
class Block:
    """Bands on maps of one size, and the smaller volume that lies on the last one's face."""

    bands: list[Volume]
    face: Volume | None = None

    @property
    def volumes(self) -> list[Volume]:
        return [*self.bands, *([self.face] if self.face is not None else [])]


def blocks_of(row: list[Volume]) -> list[Block]:
    """The blocks of a row."""
    blocks: list[Block] = []
    for volume in row:
        last = blocks[-1] if blocks else None
        before = last.bands[-1] if last is not None else None
        if last is None or before is None or volume.is_vector or before.kind == "input" or before.is_vector:
            blocks.append(Block([volume]))
        elif last.face is None and before.axes == volume.axes and len(last.bands) < BANDS:
            last.bands.append(volume)
        elif last.face is None and volume.kind == "pool" and _fits_on(volume, before):
            last.face = volume
        else:
            blocks.append(Block([volume]))
    return blocks


def _fits_on(volume: Volume, before: Volume) -> bool:
    """Whether a volume is smaller than the face of the one before."""
    return len(volume.axes) == len(before.axes) and all(
        size <= size_before for size, size_before in zip(volume.axes, before.axes, strict=True)
    )
