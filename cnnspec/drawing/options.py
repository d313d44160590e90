"""What the author of a figure may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnspec.drawing.colors import PAPER, Palette

STYLES = ("flow", "volumes")
LOOKS = ("sheets", "cuboids", "levels")
TEXTS, SCENES = ("mermaid", "dot"), ("svg", "tikz", "pdf", "png")
"""The formats, by what their writers get: a folded network, or a scene."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `cnnspec draw`, which its help explains; `width` is in points."""

    style: Literal["flow", "volumes"] = "flow"
    look: Literal["sheets", "cuboids", "levels"] | None = None
    expand: tuple[str, ...] = ()
    levels: int = 0
    collapse: tuple[str, ...] = ()
    panels: bool = True
    wrap: int | None = None
    """The columns of the network; None: as a page needs."""
    width: float | None = None
    power: float | None = None
    """Of volumes: a side of length n is drawn as n**power; None: as it looks well."""
    colors: Palette = PAPER
