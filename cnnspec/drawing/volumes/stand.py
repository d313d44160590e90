"""Something that stands on a line of a figure: a block of cuboids, a stack of sheets."""

from __future__ import annotations

from typing import Protocol

from cnnspec.drawing.volumes.volume import Volume


class Stand(Protocol):
    """What rows and skips need to know of it: which volumes it shows, and what it covers with its texts."""

    @property
    def volumes(self) -> list[Volume]: ...

    @property
    def start(self) -> float:
        """The left end."""

    @property
    def end(self) -> float:
        """The right end."""

    @property
    def head(self) -> float:
        """The upper end."""

    @property
    def foot(self) -> float:
        """The lower end."""

    @property
    def level(self) -> float:
        """Where an arrow points to it, or leaves it."""

    def leg(self, volume: Volume) -> float:
        """Where an arc stands on one of its volumes."""

    def shift(self, by: float, down: float) -> None:
        """Moves it."""
