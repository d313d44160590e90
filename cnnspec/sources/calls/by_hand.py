"""Norms that the code computes step by step, recognised where it divides by the root."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnnspec.ops.base import Op
from cnnspec.ops.conv import Conv, DwConv
from cnnspec.ops.merge import Sub
from cnnspec.ops.norm import GroupNorm, L2Norm, LayerNorm, RmsNorm
from cnnspec.ops.pool import CMean, Gap
from cnnspec.ops.powers import Pow
from cnnspec.ops.resample import Upsample
from cnnspec.ops.scale import Scale, Times
from cnnspec.sources.calls.items import Affine, Item, Laid
from cnnspec.sources.calls.layout import full
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.layers import Layer

TINY = 1e-9
"""What is added to a length is no more than this where it only avoids a division by 0."""
MOST_STEPS = 6
ONES = (((Fraction(1),),),)
"""The weights of filters F1 that only repeat a map."""
CHANNELS, ALL = frozenset({CMean}), frozenset({CMean, Gap})
"""The means of a norm: over the channels of each position, and over the whole map."""


class Root(NamedTuple):
    """√(factor · of + eps)."""

    of: int
    eps: Fraction | None = None
    factor: Fraction = Fraction(1)


def over_root(reader: Reader, x: Item, root: Item, power: float) -> Laid | None:
    """x over √(Σ x²) is `l2norm`, over √(mean x² + eps) `rms`; x − mean over √(variance + eps) is `ln`, or
    `gn G1` where the mean is that of the whole map. x may have been scaled. power: of what `root` is the root
    of; −½ where x is multiplied by it."""
    tiny = 0.0
    if isinstance(root, Affine) and root.factor == (1.0,) and len(root.shift) == 1 and power > 0:
        tiny, root = root.shift[0], root.of
    if not isinstance(x, Laid) or not isinstance(root, Laid) or not 0 <= tiny <= TINY:
        return None
    scaled = reader.made(x.value)
    if scaled is None or not isinstance(scaled.op, Scale) or scaled.op.bias or scaled.op.one:
        scaled = None
    value = scaled.inputs[0] if scaled is not None else x.value
    found = _normalised(reader, value, _root(reader, root.value, power))
    if found is None or not _over_channels(reader, x, root):
        return None
    op, of = found
    if tiny:
        if not isinstance(op, L2Norm):
            return None
        reader.notes.append(f"{tiny:g}, which is added to a length, is left out: l2norm is 0 for 0")
    made = reader.add(op, of)
    return Laid(reader.add(scaled.op, made, weights=scaled.weights) if scaled is not None else made, x.dims)


def with_bias(reader: Reader, scale: Layer, key: str) -> int | None:
    """The norm whose weight and bias a `scale` and a sum after it are."""
    norm = reader.made(scale.inputs[0])
    if norm is None or not isinstance(norm.op, LayerNorm | GroupNorm) or norm.op.affine:
        return None
    op = norm.op.model_copy(update={"affine": True})
    return reader.add(op, *norm.inputs, weights={"weight": scale.weights["weight"], "bias": key})


def _over_channels(reader: Reader, x: Laid, root: Laid) -> bool:
    """Whether the root lies as x does, but for the dimensions that it is over."""
    channels = full(0, reader.shape(x.value)[0])
    pairs = [*zip(x.dims, root.dims, strict=False)]
    return (
        len(x.dims) == len(root.dims) and channels in x.dims and all(its in ((), dim) for dim, its in pairs)
    )


def _normalised(reader: Reader, value: int, root: Root | None) -> tuple[Op, int] | None:
    """The norm, and the value that it reads."""
    if root is None:
        return None
    means = _square_means(reader, value, root.of)
    if means == CHANNELS and root.eps is None and root.factor == reader.shape(value)[0]:
        return L2Norm(), value
    if root.eps is None or root.factor != 1:
        return None
    sub = reader.made(value)
    if sub is not None and isinstance(sub.op, Sub) and len(sub.inputs) == 2:
        of, mean = sub.inputs
        over = _means(reader, of, mean)
        if over and over in (means, _variance_means(reader, of, root.of)):
            return (LayerNorm if over == CHANNELS else _one_group)(eps=root.eps, affine=False), of
    return (RmsNorm(eps=root.eps, affine=False), value) if means == CHANNELS else None


def _one_group(eps: Fraction, affine: bool) -> GroupNorm:
    return GroupNorm(G=1, eps=eps, affine=affine)


def _root(reader: Reader, value: int, power: float) -> Root | None:
    match reader.made(value):
        case Layer(op=Pow(p=p), inputs=(of,)) if p == power:
            pass
        case _:
            return None
    match reader.made(of):
        case Layer(op=Times(factor=factor), inputs=(inner,)):
            return Root(inner, factor=factor)
        case Layer(op=DwConv(weight_values=(((1,),),), bias_values=(((eps,),),)), inputs=(inner,)):
            return Root(inner, eps)
    return Root(of)


def _square_means(reader: Reader, value: int, mean: int) -> frozenset[type[Op]]:
    """What a mean of the squares of a value is over."""
    ops = _between(reader, value, mean)
    return _kinds(ops[1:]) if ops and isinstance(ops[0], Pow) and ops[0].p == 2 else frozenset()


def _means(reader: Reader, value: int, mean: int) -> frozenset[type[Op]]:
    """What a mean of a value is over, which has been repeated since."""
    ops = _between(reader, value, mean)
    while ops and isinstance(ops[-1], Conv | Upsample):
        *ops, last = ops
        if isinstance(last, Conv) and last.weight_values != ONES:
            return frozenset()
    return _kinds(ops)


def _variance_means(reader: Reader, value: int, variance: int) -> frozenset[type[Op]]:
    """What a variance is over: the mean of the squares, minus the square of the mean."""
    match reader.made(variance):
        case Layer(op=Sub(), inputs=(squares, square)):
            inner = reader.made(square)
            if inner is not None and isinstance(inner.op, Pow) and inner.op.p == 2:
                over = _square_means(reader, value, squares)
                return over if over == _means(reader, value, inner.inputs[0]) else frozenset()
    return frozenset()


def _kinds(ops: list[Op]) -> frozenset[type[Op]]:
    kinds = frozenset(map(type, ops))
    return kinds if len(kinds) == len(ops) and kinds in (CHANNELS, ALL) else frozenset()


def _between(reader: Reader, begin: int, end: int) -> list[Op]:
    """The layers of a row from one value to another; none where there is no row."""
    ops: list[Op] = []
    while end != begin:
        made = reader.made(end)
        if made is None or len(made.inputs) != 1 or len(ops) == MOST_STEPS:
            return []
        ops.append(made.op)
        (end,) = made.inputs
    return ops[::-1]
