"""Line breaks in a long chain of a file or block: at a new size of the maps, and where the line would be too
long."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 90


def rows(steps: Sequence[str], breaks: Sequence[bool]) -> list[list[str]]:
    """The steps of each line. `breaks`: whether a step begins a new part of the network."""
    lines: list[list[str]] = []
    width = 0
    for number, (text, new) in enumerate(zip(steps, breaks, strict=True)):
        unit = text  # a step, with the steps that belong to it
        for more, other in zip(steps[number + 1 :], breaks[number + 1 :], strict=True):
            if other or begins(more):
                break
            unit += f" -> {more}"
        if not lines or new or (begins(text) and width + len(unit) > WIDTH):
            lines.append([])
            width = 0
        lines[-1].append(text)
        width += len(text) + 4
    return lines


def begins(text: str) -> bool:
    """Whether a step begins a group of steps: a norm or an activation belongs to the step before it."""
    return "[" in text or "(" in text or text.split(" ")[0] in WEIGHTED


WEIGHTED = frozenset("conv dwconv deconv fc local".split())  # noqa: SIM905
