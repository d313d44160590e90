"""A figure that is being composed: its items and its extent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.drawing.scene import Group, Item
from cnnspec.drawing.volumes.rows import Row
from cnnspec.drawing.volumes.skips import Skips

MARGIN, BETWEEN = 3.0, 16.0


class Key(NamedTuple):
    """A legend, and its lower end."""

    groups: list[Group]
    right: float
    bottom: float


@dataclass(slots=True, eq=False)
class Figure:
    """Items with their right and lower ends; a margin is added around them."""

    right: float
    below: float
    items: list[Item | Group] = field(default_factory=list)
    lines: int = 1
    """The number of lines of its rows."""

    def add_legend(self, key: Key) -> None:
        self.items += key.groups
        self.right, self.below = max(self.right, key.right), key.bottom


def stacked(lines: list[list[Row]], skips: Skips, captions: float = 0.0) -> Figure:
    """Places the lines below one another, with space above each for its skips, and space for `captions` below
    it. Returns an empty figure of that size."""
    left = min(skips.reach(row)[0] for row in skips.rows)
    y = 0.0
    for line in lines:
        y += max(map(skips.room, line))
        top = min(row.top for row in line)
        for row in line:
            row.shift(-left, y - top)
        y = max(row.bottom for row in line) + BETWEEN + captions
    return Figure(max(skips.reach(row)[1] for row in skips.rows), y, lines=len(lines))
