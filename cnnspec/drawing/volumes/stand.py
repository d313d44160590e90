"""An element on a line of a figure: a block of cuboids, a stack of sheets."""

from __future__ import annotations

from typing import Protocol

from cnnspec.drawing.volumes.volume import Volume


class Stand(Protocol):
    """The properties that rows and skips need: the volumes that it shows, and its extent with its texts."""

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
        """The height at which arrows reach and leave it."""

    def leg(self, volume: Volume) -> float:
        """The x at which an arc ends on one of its volumes."""

    def shift(self, by: float, down: float) -> None:
        """Moves it."""
