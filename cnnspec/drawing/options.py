"""The options of a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnspec.drawing.colors import PAPER, Palette

STYLES = ("flow", "volumes")
LOOKS = ("sheets", "cuboids", "levels")
TEXTS, SCENES = ("mermaid", "dot"), ("svg", "tikz", "pdf", "png")
"""The formats: those whose writers print a folded network, and those whose writers print a scene."""


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
    """The number of columns of the network; None: as many as fit a page."""
    width: float | None = None
    power: float | None = None
    """For volumes: a side of length n is drawn as n**power; None: chosen for the network."""
    colors: Palette = PAPER
