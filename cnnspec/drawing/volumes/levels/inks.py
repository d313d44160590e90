"""The colours of arrows, one for each meaning, and the legend that explains them."""

from __future__ import annotations

import colorsys
from collections import Counter

from cnnspec.drawing.colors import PAPER, Palette
from cnnspec.drawing.scene import Pen
from cnnspec.drawing.volumes.legend import Entry
from cnnspec.drawing.volumes.volume import Link, Volume
from cnnspec.drawing.volumes.words import behind, fold_name, sized

_PAPER = {
    "conv": "#2f6cae", "pool": "#c0392b", "resize": "#2c8a55", "dense": "#7a5bb0", "attention": "#0f8b8d",
    "block": "#3d5a80", "merge": "#5b7f3a", "other": "#6b6b6b", "norm": "#6b6b6b", "input": "#6b6b6b",
}  # fmt: skip
_TURNS = (0.0, -0.1, 0.12, -0.2, 0.3, 0.45)
"""For several arrows of one kind: the rotation of each one's hue, as a part of the circle."""
_GREYS = (
    ("#1a1a1a", False), ("#808080", False), ("#1a1a1a", True), ("#808080", True), ("#4d4d4d", False),
    ("#a6a6a6", False), ("#4d4d4d", True), ("#a6a6a6", True),
)  # fmt: skip
"""Without hues: greys, with solid or dashed lines."""
SKIP = "#8c8c8c"
WIDTH = 1.4


class Inks:
    """Colours, assigned in the order of use; each meaning has its own."""

    def __init__(self, palette: Palette, volumes: list[Volume]) -> None:
        self.palette = palette
        self.known: dict[str, Pen] = {}
        self.used: Counter[str] = Counter()
        self.skips: dict[str, int] = {}
        self.grey = all(_hueless(getattr(palette, kind)) for kind in ("conv", "pool", "resize"))
        counts = Counter(meaning(volume) for volume in volumes)
        self.order = [text for text, _ in counts.most_common()]
        for volume in sorted(volumes, key=lambda one: self.order.index(meaning(one))):
            self.of(volume)

    def of(self, volume: Volume) -> Pen:
        """The pen of the arrow that leads to a volume."""
        text, kind = meaning(volume), volume.kind
        if text not in self.known:
            if self.grey:
                color, dashed = _GREYS[len(self.known) % len(_GREYS)]
                self.known[text] = Pen(color, WIDTH, dashed)
            else:
                self.known[text] = Pen(_turned(self._base(kind), self.used[kind]), WIDTH)
            self.used[kind] += 1
        return self.known[text]

    def skip(self, link: Link) -> tuple[Pen, str]:
        """The pen of a skip, and its meaning."""
        added = not link.end.parts and link.end.kind != "block"
        text = "copy and crop" if link.cropped else "copy and add" if added else "copy"
        if link.via:
            text = f"skip through {sized(link.via[0])}"
        place = self.skips.setdefault(text, len(self.skips))
        light, dark = ("#c0c0c0", "#9a9a9a") if self.grey else (SKIP, "#5f5f5f")
        return Pen(dark if place % 4 > 1 else light, WIDTH, dashed=bool(place % 2)), text

    def _base(self, kind: str) -> str:
        color: str = getattr(self.palette, kind)
        return _PAPER[kind] if color == getattr(PAPER, kind) else strong(color)

    def legend(self, shown: list[Volume], links: list[Link]) -> list[Entry]:
        """The meaning of each arrow, in the order of the figure."""
        arrows = [(self.of(volume), meaning(volume)) for volume in shown] + [
            self.skip(link) for link in links
        ]
        return [Entry(pen.color, text, True, pen.dashed) for pen, text in arrows]


def meaning(volume: Volume) -> str:
    """The meaning of the arrow to a volume."""
    text = fold_name(volume) if volume.op is None else sized(volume.op) + behind(volume.after)
    return counted(text, volume.count)


def counted(text: str, count: int) -> str:
    """`2 × (3×3 convolution + ReLU)`."""
    if count == 1:
        return text
    return f"{count:,} × ({text})" if " " in text else f"{count:,} × {text}"


def strong(color: str) -> str:
    """A colour dark enough for a line."""
    hue, light, full = colorsys.rgb_to_hls(*(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)))
    return _color(hue, min(light, 0.42), full if full < 0.1 else max(full, 0.45))


def _hueless(color: str) -> bool:
    return color[1:3] == color[3:5] == color[5:]


def _turned(color: str, place: int) -> str:
    hue, light, full = colorsys.rgb_to_hls(*(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    if full < 0.1:
        return _color(hue, min(0.75, light + 0.15 * (place % 4)), full)
    return _color((hue + _TURNS[place % len(_TURNS)]) % 1, light, full)


def _color(hue: float, light: float, full: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, light, full))
