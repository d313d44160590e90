"""Colours of volumes: by kind of layer or by block name, for faces in light and in shade."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.volumes.volume import Volume

_TURNS = (0.0, 0.42, 0.78, 0.6, 0.2, 0.9)
"""For blocks with different names: the rotation of each one's hue, as a part of the circle."""


def mixed(color: str, other: str, part: float) -> str:
    """`color` with a part of another colour."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def lighter(color: str) -> str:
    return mixed(color, "#ffffff", 0.35)


def darker(color: str) -> str:
    return mixed(color, "#000000", 0.18)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[place : place + 2], 16) for place in (1, 3, 5))


class Fills:
    """The fill of each volume: its kind's colour; for blocks, one colour per name."""

    def __init__(self, palette: Palette, volumes: Iterable[Volume]) -> None:
        self.palette = palette
        titles = dict.fromkeys(volume.title for volume in volumes if volume.kind == "block")
        self.blocks = {title: _turned(palette.block, place) for place, title in enumerate(titles)}

    def of(self, volume: Volume) -> str:
        if volume.kind == "block":
            return self.blocks[volume.title]
        color: str = getattr(self.palette, volume.kind)
        return color


def _turned(color: str, place: int) -> str:
    """The colour of the block with this number: another hue, or for a grey another lightness."""
    hue, light, full = colorsys.rgb_to_hls(*(channel / 255 for channel in _channels(color)))
    if full < 0.05:
        light = max(0.35, light - 0.13 * (place % 5))
    else:
        hue, light, full = (hue + _TURNS[place % len(_TURNS)]) % 1, light - 0.06, min(1.0, full * 1.15)
    rgb = colorsys.hls_to_rgb(hue, light, full)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in rgb)
