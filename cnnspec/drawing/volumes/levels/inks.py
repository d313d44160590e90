"""The colours of arrows: one for each thing that an arrow means, and the legend that says which."""

from __future__ import annotations

import colorsys
from collections import Counter

from cnnspec.drawing.colors import PAPER, Palette
from cnnspec.drawing.volumes.legend import Entry
from cnnspec.drawing.volumes.volume import Link, Volume
from cnnspec.drawing.volumes.words import behind, sized

_PAPER = {
    "conv": "#2f6cae", "pool": "#c0392b", "resize": "#2c8a55", "dense": "#7a5bb0", "attention": "#0f8b8d",
    "block": "#3d5a80", "merge": "#5b7f3a", "other": "#6b6b6b", "norm": "#6b6b6b", "input": "#6b6b6b",
}  # fmt: skip
_TURNS = (0.0, -0.1, 0.12, -0.2, 0.3, 0.45)
"""Of several arrows of one kind, how far round the circle of hues each is."""
SKIP = "#8c8c8c"


class Inks:
    """Colours given out in the order of need; each meaning has its own."""

    def __init__(self, palette: Palette, volumes: list[Volume]) -> None:
        self.palette = palette
        self.known: dict[str, str] = {}
        self.used: Counter[str] = Counter()
        counts = Counter(meaning(volume) for volume in volumes)
        self.order = [text for text, _ in counts.most_common()]
        for volume in sorted(volumes, key=lambda one: self.order.index(meaning(one))):
            self.of(volume)

    def of(self, volume: Volume) -> str:
        """The colour of the arrow that leads to a volume."""
        text, kind = meaning(volume), volume.kind
        if text not in self.known:
            self.known[text] = _turned(self._base(kind), self.used[kind])
            self.used[kind] += 1
        return self.known[text]

    def skip(self, link: Link) -> tuple[str, str]:
        """The colour of a skip, and what it means."""
        if link.via:
            return SKIP, f"skip through {sized(link.via[0])}"
        added = not link.end.parts and link.end.kind != "block"
        return SKIP, ("copy and crop" if link.cropped else "copy and add" if added else "copy")

    def _base(self, kind: str) -> str:
        color: str = getattr(self.palette, kind)
        return _PAPER[kind] if color == getattr(PAPER, kind) else strong(color)

    def legend(self, shown: list[Volume], links: list[Link]) -> list[Entry]:
        """What each arrow means, in the order of the figure."""
        entries = [Entry(self.of(volume), meaning(volume), True) for volume in shown]
        for link in links:
            color, text = self.skip(link)
            entries.append(Entry(color, text, True))
        return entries


def meaning(volume: Volume) -> str:
    """What an arrow to a volume says."""
    if volume.op is None:
        return volume.title or volume.kind
    return sized(volume.op) + behind(volume.after)


def strong(color: str) -> str:
    """A colour dark enough for a line."""
    hue, light, full = colorsys.rgb_to_hls(*(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)))
    return _color(hue, min(light, 0.42), full if full < 0.1 else max(full, 0.45))


def _turned(color: str, place: int) -> str:
    hue, light, full = colorsys.rgb_to_hls(*(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    if full < 0.1:
        return _color(hue, min(0.75, light + 0.15 * (place % 4)), full)
    return _color((hue + _TURNS[place % len(_TURNS)]) % 1, light, full)


def _color(hue: float, light: float, full: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, light, full))
