"""The dimensions of a flow figure in points, and the sizes of its boxes."""

from __future__ import annotations

from typing import NamedTuple

from cnnspec.drawing import fonts
from cnnspec.drawing.flow.diagram import Node, Runs
from cnnspec.drawing.flow.labels import head_of, passes
from cnnspec.drawing.scene import Run

TITLE, HEAD, SMALL = 9.5, 8.5, 7.0
"""Text sizes: of titles, of boxes, and of smaller lines and the texts at edges."""
LINE = 8.5
"""The distance between smaller lines."""
SIDE, ONE_LINE, PILL = 7.0, 16.0, 13.0
"""The space beside a text in its box, and the heights of a box and of a pill."""
GAP, LABELLED = 13.0, 5.0
"""The space between boxes, and the space that is added for a label there."""
FORK, ENTER, LEAVE = 5.0, 13.0, 11.0
"""The distances from a box to the point where branches separate, from there to a branch, and from a branch to
its merge."""
BETWEEN, CHANNEL = 12.0, 4.0
"""The space between columns, and half the width of a column without boxes."""
SIGN = 6.0
"""The radius of a merge."""
PAD = 8.0
"""The padding inside a frame."""
ROUND = 5.0
"""The radius of rounded corners of lines."""
WIDEST = 150.0
"""The largest width of a text in a box."""


class Size(NamedTuple):
    """The extent of an item to the left and to the right of its axis, and its height."""

    left: float
    right: float
    height: float

    @property
    def width(self) -> float:
        return self.left + self.right


def text_width(runs: Runs, size: float = SMALL, *, bold: bool = False) -> float:
    return fonts.width_of(runs, size, bold=bold)


def cut(runs: Runs, size: float, room: float = WIDEST) -> Runs:
    """The runs, shortened with … where they are wider than `room`."""
    if text_width(runs, size) <= room:
        return runs
    kept: list[Run] = []
    room -= fonts.width("…", size)
    for run in runs:
        piece = ""
        for char in run.text:
            if text_width((*kept, Run(piece + char, run.italic, run.shift)), size) > room:
                return (*kept, Run(piece, run.italic, run.shift), Run("…"))
            piece += char
        kept.append(run)
    return tuple(kept)


def lines_of(node: Node) -> tuple[Runs, list[Runs]]:
    """The text in a box: the head and the smaller lines."""
    below = node.below if node.kind != "sign" else []
    return cut(head_of(node), HEAD), [cut(line, SMALL) for line in below]


def is_pill(node: Node) -> bool:
    """Whether a box is a small one with round ends."""
    return node.kind in ("small", "port", "output")


def beside_width(node: Node) -> float:
    """The width of the text to the right of a box, with the space before it."""
    return text_width(passes(node), HEAD) + 3 if node.times and node.kind != "block" else 0.0


def box_size(node: Node) -> tuple[float, float]:
    """The width and the height of a box."""
    if node.kind == "sign":
        return 2 * SIGN, 2 * SIGN
    if node.kind == "choice":
        return 0.0, 0.0
    head, below = lines_of(node)
    if is_pill(node):
        return text_width(head, SMALL) + 2 * SIDE, PILL
    wide = max(text_width(head, HEAD), *(text_width(line) for line in below), 0)
    return wide + 2 * SIDE, ONE_LINE + LINE * len(below)
