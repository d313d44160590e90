"""The registry of emitters: for the word of each layer, the torch code that makes it.

A number may carry the expression that it comes from, in a class with parameters: `W("K")` is the author's
expression for the field K, `C` the number of input channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from cnnspec.lower.call import Built, LayerUse, n
from cnnspec.lower.symbolic import Node, Var
from cnnspec.ops.base import axes_of

Emitter: TypeAlias = Callable[[LayerUse], Built]
"""From a layer in one use to the call that makes it."""

MODULES: dict[str, Emitter] = {}
"""The emitters by the layer's word. Merges and layers with a second tensor are expressions in `forward`: see
`expressions`."""

C = Var("@C")
"""The number of input channels."""


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def keep(emitter: Emitter) -> Emitter:
        for word in words:
            MODULES[word] = emitter
        return emitter

    return keep


def axes(use: LayerUse) -> int:
    """The number of axes of the input's maps; 0 for a vector."""
    return len(use.inputs[0]) - 1


def names_of(use: LayerUse) -> list[Node]:
    """Nodes for the sizes of the input: its channels, then its axes."""
    return [Var(f"@{letter}") for letter in ("C", *axes_of(use.inputs[0]))]


def each_size(use: LayerUse, first: int = 0) -> Built:
    """The input's sizes, beginning with the one numbered `first`, as a tuple, even where they are equal."""
    sizes = zip(use.inputs[0], names_of(use), strict=True)
    return Built("(", tuple(n(size, name) for size, name in sizes)[first:])
