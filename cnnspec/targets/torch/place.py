"""Where a body is built, and what cannot be built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnnspec.ir.graph import Layer, Region
from cnnspec.targets.names import Namer
from cnnspec.targets.symbolic import Node


class Unsupported(Exception):
    """What this target cannot say, with the step that is at fault."""

    def __init__(self, message: str, step: Layer | Region) -> None:
        super().__init__(message)
        self.message = message
        self.step = step


@dataclass(slots=True)
class Place:
    """Where a body is built: the names known there, the namer of the class around it, and the name of what
    it is."""

    scope: Mapping[str, Node]
    namer: Namer
    prefix: str
    top: bool = False
    """Whether it is a class's own body, where a `let` may become a statement."""
    loops: dict[int, tuple[str, str]] = field(default_factory=dict)
    depth: int = 0
    """How many repeats of this class are around; loops beside each other share their variables."""

    def loop_names(self) -> tuple[str, str]:
        """The number of the pass, and the channels that arrive at it."""
        if self.depth not in self.loops:
            self.loops[self.depth] = self.namer.take("i"), self.namer.take("channels")
        return self.loops[self.depth]
