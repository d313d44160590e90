"""What a network is made of on the way from a list to a text: lines of steps, as the language has them.

Values keep the numbers that they have in the layer list until their text is written.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from cnnspec.ops.base import Op


class Leaf(NamedTuple):
    """A layer of the list, by its number there; `tensors` are the values that its tensor arguments name."""

    layer: int
    op: Op
    tensors: tuple[int, ...] = ()


class Merge(NamedTuple):
    """`add [ a | b ]`: a layer that merges branches."""

    layer: int
    op: Op
    branches: tuple[Chain, ...]


class Chain(NamedTuple):
    """Steps, one after the other. They begin at the value `start`, or (None) at the value that is there."""

    start: int | None
    steps: tuple[Step, ...]


Step: TypeAlias = Leaf | Merge


class Line(NamedTuple):
    """A chain that stands on a line, and the values that it ends with."""

    chain: Chain
    ends: tuple[int, ...]


class Body(NamedTuple):
    """What stands in a file or in a block: `named` are the values that something refers to, which need a
    label, in the order of the text."""

    inputs: tuple[int, ...]
    lines: tuple[Line, ...]
    outputs: tuple[int, ...]
    named: tuple[int, ...]
