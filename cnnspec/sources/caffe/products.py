"""Blobs multiplied: by one number for each channel, or by one number."""

from __future__ import annotations

from cnnspec.sources.caffe.convert import Context
from cnnspec.sources.calls.trace import Tensor


def gated(context: Context, one: Tensor, gate: Tensor) -> Tensor:
    """A map times one number per channel."""
    shape, sizes = context.shape(one), context.shape(gate)
    if len(sizes) == 2 and len(shape) == 4:
        wide = (*sizes, 1, 1)
        gate = context.call("view", wide, self=gate, size=wide)
    if len(shape) == 2 and len(context.shape(gate)) == 4:
        one, gate = gate, context.call("view", (*shape, 1, 1), self=one, size=(*shape, 1, 1))
    return context.call("mul", context.shape(one), self=one, other=gate)


def times(context: Context, x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else context.call("mul", context.shape(x), self=x, other=factor)
