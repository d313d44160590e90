"""Blocks with a depthwise layer, under any name: expansion, kernel, gate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnnspec.drawing.table.parts import Part, form, is_activation, is_depthwise


class Inverted(NamedTuple):
    """A block that expands its channels `t` times, filters them, and projects them.

    `fused`: the filter is an ordinary convolution, which also expands them. `gate`: squeeze and excitation.
    `hidden` is the number of channels that are filtered, `act` the first activation."""

    t: Fraction
    hidden: int
    kernel: tuple[int, ...]
    fused: bool
    gate: bool
    act: str


def inverted(part: Part) -> Inverted | None:
    """The block as an inverted residual or a separable convolution; None where it is neither."""
    if part.kind != "cell":
        return None
    layers = [layer for layer in _layers(part) if layer.weighted]
    depthwise = [layer for layer in layers if is_depthwise(layer)]
    incoming = part.input_shape[0]
    gate = any(layer.kind == "gate" for layer in _layers(part))
    if len(depthwise) == 1 and len(layers) <= 3:
        one = depthwise[0]
        hidden = one.out[0]
        return Inverted(Fraction(hidden, incoming), hidden, _kernel(one), False, gate, _act(layers))
    wide = bool(layers) and max(_kernel(layers[0]), default=1) > 1
    if not depthwise and wide and len(layers) <= 2 and (len(layers) == 1 or _kernel(layers[1]) == (1, 1)):
        hidden = layers[0].out[0] if len(layers) == 2 else incoming
        return Inverted(Fraction(hidden, incoming), hidden, _kernel(layers[0]), True, gate, _act(layers))
    return None


def _layers(part: Part) -> Iterator[Part]:
    """The layers on the main path through a block, and its gates."""
    for inner in part.inner if part.kind == "cell" else [p for branch in part.branches for p in branch]:
        if inner.kind in ("layer", "gate"):
            yield from [inner] * (inner.times if inner.kind == "layer" else 1)
        else:
            yield from _layers(inner)


def _kernel(part: Part) -> tuple[int, ...]:
    return tuple(getattr(part.op, "F", None) or ())


def _act(layers: list[Part]) -> str:
    words = [word for layer in layers for word in layer.quiet]
    return next(filter(is_activation, words), "")


def alike(part: Part) -> Any:
    """A key that is equal for uses of one such block; the first use may have a stride and another number of
    input channels."""
    block = inverted(part)
    if block is None:
        return form(part)
    return (
        part.word,
        part.out[0],
        block._replace(hidden=0, t=block.t if block.t.denominator == 1 else Fraction(0)),
    )
