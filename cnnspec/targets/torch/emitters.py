"""The registry of emitters: for each layer's word, how torch says it.

A number carries the node that it may come from in a class with arguments: `W("K")` is the author's
expression for the field K, `C` the channels that arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from cnnspec.lower.call import Built, LayerUse, n
from cnnspec.lower.symbolic import Node, Var
from cnnspec.ops.base import axes_of

Emitter: TypeAlias = Callable[[LayerUse], Built]
"""From a layer in one use to the call that makes it."""

MODULES: dict[str, Emitter] = {}
"""By the layer's word. Merges and layers that need a second tensor are expressions in `forward`: see
`expressions`."""

C = Var("@C")
"""The channels that arrive."""


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def keep(emitter: Emitter) -> Emitter:
        for word in words:
            MODULES[word] = emitter
        return emitter

    return keep


def axes(use: LayerUse) -> int:
    """How many axes the input's maps have; none of a vector."""
    return len(use.arriving[0]) - 1


def names_of(use: LayerUse) -> list[Node]:
    """What stands for the sizes of the input: its channels, then its axes."""
    return [Var(f"@{letter}") for letter in ("C", *axes_of(use.arriving[0]))]


def each_size(use: LayerUse, first: int = 0) -> Built:
    """The sizes of the input from that one on, as a tuple, equal ones too."""
    sizes = zip(use.arriving[0], names_of(use), strict=True)
    return Built("(", tuple(n(size, name) for size, name in sizes)[first:])
