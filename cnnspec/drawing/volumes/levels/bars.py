"""The rows of volumes as bars, each on the level for its size."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod

from cnnspec.drawing.volumes.volume import Link, Volume
from cnnspec.drawing.volumes.words import stride


@dataclass(slots=True, eq=False)
class Bar:
    """A bar on a level. `volumes` are the volumes that it shows: two where an upsampled map is stacked with a
    copied one. `copied` is the number of channels that are copied; `step` is the volume whose layer leads
    here."""

    volume: Volume
    volumes: list[Volume]
    step: Volume
    level: int
    copied: int = 0

    @property
    def channels(self) -> int:
        return self.volume.shape[0]


def bars_of(row: list[Volume], links: list[Link], level: int, *, flat: bool = False) -> list[Bar]:
    """The bars of a row, which begins on a level; `flat`: all stay on it."""
    bars: list[Bar] = []
    levels: dict[Volume, int] = {}
    for before, volume in zip([None, *row], row, strict=False):
        sources = [link.start for link in links if link.end is volume and link.start in levels]
        if before is not None and not flat:
            level += _down(before, volume)
            if sources and volume.parts:
                level = levels[sources[0]]
        levels[volume] = level
        last = bars[-1] if bars else None
        if last is not None and volume.parts and sources and last.volume.kind == "resize":
            channels = last.volume.shape[0]
            copied = volume.shape[0] - channels
            if copied > 0 and last.volume.axes == volume.axes:
                last.volume, last.volumes, last.level = volume, [*last.volumes, volume], level
                levels[last.volumes[0]] = level
                last.copied = copied
                continue
        bars.append(Bar(volume, [volume], volume, level))
    least = min(bar.level for bar in bars)
    for bar in bars:
        bar.level -= min(least, 0)
    return bars


def _down(before: Volume, volume: Volume) -> int:
    """How many levels lower a volume is than the one before: how often its maps' size is halved."""
    if volume.is_vector or before.is_vector or len(before.axes) != len(volume.axes):
        return 0
    ratio = (prod(before.axes) / prod(volume.axes)) ** (1 / len(volume.axes))
    if volume.op is not None and volume.kind != "resize" and max(stride(volume.op), default=1) == 1:
        return 0
    steps = round(log2(ratio))
    if steps == 0 and not 0.8 < ratio < 1.25:
        return 1 if ratio > 1 else -1
    return steps
