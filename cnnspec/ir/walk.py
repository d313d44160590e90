"""Going through a body's steps, and which values they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.ir.graph import Body, Region, Step


class Place(NamedTuple):
    """A step of a body: its index, and the number of the first value that it gives."""

    index: int  # type: ignore[assignment]  # (a tuple has a method of that name)
    step: Step
    output: int


def places(body: Body) -> Iterator[Place]:
    """The steps of a body in order. A layer or hole gives one value, a region `outputs` of them."""
    output = body.inputs
    for index, step in enumerate(body.steps):
        yield Place(index, step, output)
        output += outputs_of(step)


def outputs_of(step: Step) -> int:
    return step.outputs if isinstance(step, Region) else 1
