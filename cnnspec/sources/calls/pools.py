"""Pooling, means and maxima."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from math import prod
from typing import Any, Literal

from cnnspec.ops.dense import Rbf
from cnnspec.ops.merge import Add, Concat, Sub
from cnnspec.ops.pool import AvgPool, CMax, CMean, Gap, Gmp, MaxPool
from cnnspec.ops.powers import Pow
from cnnspec.ops.resample import Unpool
from cnnspec.ops.reshape import Pad, Slice
from cnnspec.ops.sliding import same_ends
from cnnspec.sources.calls.items import Affine, Cannot, Computed, Distances, Item, Laid, Norms, Padded, Places
from cnnspec.sources.calls.layout import atoms_of, joined, only, size_of, sizes_of, viewed, whole
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import Arguments, each, reads
from cnnspec.sources.layers import Layer


@reads(
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "max_pool1d_with_indices",
)  # fmt: skip
def max_pool(reader: Reader, a: Arguments) -> Item:
    """max_pool2d(self, kernel_size, stride, padding, dilation, ceil_mode)."""
    item = a["self"]
    laid = item.of if isinstance(item, Padded) else reader.laid(item)
    value = reader.settled(laid)
    before = reader.shape(value)
    axes = len(before) - 1
    options: dict[str, Any] = {
        "F": each(a["kernel_size"], axes),
        "S": each(a["stride"] or a["kernel_size"], axes),
        "P": _padding(a["padding"], axes),
        "D": each(a["dilation"], axes),
        "ceil": bool(a["ceil_mode"]),
    }
    if isinstance(item, Padded):
        same_padding = tuple(map(same_ends, before[1:], options["F"], options["S"], options["D"]))
        if any(options["P"]) or item.ends != same_padding:
            raise Cannot("a border of −∞ that is not what `Psame` gives")
        options["P"] = "same"
    if options["S"] == options["F"]:
        options["S"] = None
    op = MaxPool(**options)
    return (reader.fresh(reader.add(op, value)), Places(value, op))


def _padding(padding: Any, axes: int) -> tuple[int, ...] | Literal["same"]:
    """One number for each axis; or "same", from formats whose pools can have such padding."""
    return "same" if padding == "same" else each(padding, axes)


@reads("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(reader: Reader, a: Arguments) -> Item:
    """avg_pool2d(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)."""
    value = reader.settled(reader.laid(a["self"]))
    axes = len(reader.shape(value)) - 1
    size = each(a["kernel_size"], axes)
    stride = each(a["stride"] or a["kernel_size"], axes)
    padding, ceil = _padding(a["padding"], axes), bool(a["ceil_mode"])
    outside = any(padding) or ceil
    op = AvgPool(
        F=size,
        S=None if stride == size else stride,
        P=padding,
        ceil=ceil,
        exclude_pad=any(padding) and not a["count_include_pad"],
    )
    divisor = a.get("divisor_override")
    if divisor and outside:
        raise Cannot("divisor_override with padding or ceil_mode")
    pooled = reader.fresh(reader.add(op, value))
    return Affine(pooled, (prod(size) / divisor,)) if divisor and divisor != prod(size) else pooled


@reads(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
)  # fmt: skip
def adaptive(reader: Reader, a: Arguments) -> Item:
    """adaptive_avg_pool2d(self, output_size)."""
    call = reader.call
    assert call is not None
    value = reader.settled(reader.laid(a["self"]))
    out = tuple(call.shapes[0][2:])
    largest = "max" in call.op
    if set(out) == {1}:
        pooled = reader.fresh(reader.add(Gmp() if largest else Gap(), value))
    else:
        pooled = reader.fresh(
            reader.add(
                MaxPool(size_out=out, P=(0,) * len(out), D=(1,) * len(out))
                if largest
                else AvgPool(size_out=out, P=(0,) * len(out)),
                value,
            )
        )
    return (pooled, None) if len(call.shapes) > 1 else pooled


@reads("max_unpool2d", "max_unpool3d")
def unpool(reader: Reader, a: Arguments) -> Item:
    places = a["indices"]
    if not isinstance(places, Places):
        raise Cannot("the places are not those of a maxpool")
    assert reader.call is not None
    if reader.call.shapes[0][2:] != reader.shape(places.value)[1:]:
        raise Cannot("its output is not as large as the input of the maxpool")
    return _unpooled(reader, a["self"], places)


def _unpooled(reader: Reader, item: Item, places: Places) -> Laid:
    value = reader.settled(reader.laid(item))
    return reader.fresh(reader.add(Unpool(like=True, maxpool=places.pool), value, places.value))


@reads("new_zeros", "zeros_like")
def zeros(reader: Reader, a: Arguments) -> Item:
    return Computed("zeros")


@reads("new_ones", "ones_like")
def ones(reader: Reader, a: Arguments) -> Item:
    return Computed("ones")


@reads("scatter")
def scattered(reader: Reader, a: Arguments) -> Item:
    """Numbers put back to the positions of a maxpool's maxima."""
    match a["self"], a["dim"], a["index"], reader.laid(a["src"]):
        case Computed("flatten", {"self": Computed("zeros")}), 2, Places() as places, Laid(value, dims):
            assert reader.call is not None
            plain = reader.fresh(value)
            unpooled = _unpooled(reader, plain, places)
            after = viewed(unpooled.dims, reader.call.shapes[0])
            if dims == viewed(plain.dims, sizes_of(dims)) and after is not None:
                return Laid(unpooled.value, after)
    raise Cannot("numbers are put at places that are no maxpool's")


def of_positions(reader: Reader, mean: Laid, parts: Computed) -> Item:
    """A mean over windows with zeros, divided by the fraction of each window that is not padding."""
    a: Arguments = parts.arguments
    first = len(reader.inputs)
    pool = reader.layers[mean.value - first] if mean.value >= first else None
    pad = reader.layers[pool.inputs[0] - first] if pool and pool.inputs[0] >= first else None
    match pool, pad, a["self"]:
        case (
            Layer(AvgPool(F=tuple() as F) as op),
            Layer(Pad(mode="zeros", channels=(0, 0)) as border, (value,)),
            Computed("pad" | "constant_pad_nd", {"self": Computed("ones"), "pad": tuple() as ends}),
        ):
            shape, S = reader.shape(value), op.S or F
            same = tuple(map(same_ends, shape[1:], F, S, (1,) * len(F)))
            around = tuple((ends[at], ends[at + 1]) for at in range(len(ends) - 2, -1, -2))
            if border.ends(shape) == around == same and (a["kernel_size"], a["stride"]) == (F, S):
                op_ = op.model_copy(update={"P": "same", "exclude_pad": True})
                return reader.fresh(reader.add(op_, value))
    raise Cannot("a mean is divided by what is computed")


@reads("mean", "sum", "amax", "max", "nansum")
def reduced(reader: Reader, a: Arguments) -> Item:
    """mean(self, dim, keepdim): over the map, over the channels, or over parts of the channels."""
    call = reader.call
    assert call is not None
    if "other" in a:
        from cnnspec.sources.calls.arithmetic import largest

        return largest(reader, a)
    if isinstance(a["self"], Norms) and call.op == "mean" and a.get("keepdim"):
        return a["self"]._replace(step="mean")
    dims = a.get("dim")
    if isinstance(a["self"], Distances) and a["self"].squared and dims in ((2,), (-1,)) and call.op == "sum":
        of, weight, _ = a["self"]
        op = Rbf(K=weight.held.shape[0])
        return reader.fresh(reader.add(op, of.value, weights={"weight": weight.held.key}))
    laid = reader.laid(a["self"])
    places = _places(laid, dims)
    result = _over(reader, laid, places, call.op)
    if not a.get("keepdim"):
        result = _without(result, places)
    return (result, None) if len(call.shapes) > 1 else result


@reads("var", "std")
def variance(reader: Reader, a: Arguments) -> Item:
    """var(self, dim, correction, keepdim): the mean of the squares, minus the square of the mean."""
    assert reader.call is not None
    laid = reader.laid(a["self"])
    correction = a.get("correction", int(a.get("unbiased", True)))
    correction = 1 if correction is None else correction
    places = _places(laid, a.get("dim"))
    count = prod(size_of(laid.dims[place]) for place in places)
    squares, mean = (
        reader.laid(_over(reader, one, places, "mean"))
        for one in (Laid(reader.add(Pow(p=Fraction(2)), laid.value), laid.dims), laid)
    )
    square = Laid(reader.add(Pow(p=Fraction(2)), mean.value), mean.dims)
    result = Laid(reader.add(Sub(), squares.value, square.value), squares.dims)
    item: Item = result if correction == 0 else Affine(result, (count / (count - correction),))
    if reader.call.op == "std":
        result = reader.laid(item)
        item = Laid(reader.add(Pow(p=Fraction(1, 2)), result.value), result.dims)
    return item if a.get("keepdim") else _without(item, places)


def _places(laid: Laid, dims: Any) -> list[int]:
    """The indices of these dimensions; the dimension of images must not be among them."""
    count = len(laid.dims)
    places = sorted(
        {one % count for one in (dims if isinstance(dims, tuple) else (dims,)) if one is not None}
    )
    if not places or 0 in places:
        raise Cannot("it is over the images too")
    return places


def summed(reader: Reader, item: Item, dim: int) -> Item:
    """The sum over a dimension, which stays with size 1."""
    return _over(reader, reader.laid(item), [dim], "sum")


def _without(item: Item, places: list[int]) -> Item:
    laid = item.of if isinstance(item, Affine) else item
    assert isinstance(laid, Laid)
    less = Laid(laid.value, tuple(dim for place, dim in enumerate(laid.dims) if place not in places))
    return item._replace(of=less) if isinstance(item, Affine) else less


def _over(reader: Reader, laid: Laid, places: list[int], kind: str) -> Item:
    shape = reader.shape(laid.value)
    axes = range(1, len(shape))
    over = [laid.dims[place] for place in places]
    total = prod(sizes_of(tuple(over)))
    largest = kind in ("amax", "max")
    dims = tuple(() if place in places else dim for place, dim in enumerate(laid.dims))
    if total == 1:
        return laid
    if len(shape) > 1 and only(over, axes, shape):
        value = reader.add(Gmp() if largest else Gap(), laid.value)
        return _times_total(Laid(value, dims), kind, total)
    if only(over, (0,), shape) and len(shape) > 1:
        value = reader.add(CMax() if largest else CMean(), laid.value)
        return _times_total(Laid(value, dims), kind, total)
    parts = atoms_of(over)
    if len(parts) == 1 and parts[0].axis > 0 and parts[0].size == shape[parts[0].axis]:
        axis = parts[0].axis
        size = tuple(shape[one] if one == axis else 1 for one in axes)
        op = (
            MaxPool(F=size, P=(0,) * len(size), D=(1,) * len(size))
            if largest
            else AvgPool(F=size, P=(0,) * len(size))
        )
        return _times_total(Laid(reader.add(op, laid.value), dims), kind, total)
    several = len(parts) == 1 and parts[0].axis == 0 and parts[0].outer == 1
    if several and parts[0].size < shape[0] and not largest:
        return _of_parts(reader, laid, dims, parts[0].size, kind)
    moved = reader.at_channels(laid, places[0]) if len(places) == 1 else None
    if moved is None or len(reader.shape(moved.value)) == 1:
        return _over_any(reader, laid, places, kind)
    value = reader.add(CMax() if largest else CMean(), moved.value)
    sizes = [1 if place in places else size for place, size in enumerate(sizes_of(moved.dims))]
    after = tuple(() if place in places else dim for place, dim in enumerate(moved.dims))
    return _times_total(Laid(value, after), kind, total) if sizes else laid


def _over_any(reader: Reader, laid: Laid, places: list[int], kind: str) -> Item:
    """A mean or maximum over any dimensions: they become the positions, and all others the channels. If the
    whole map is among them, it is reduced first."""
    op = Gmp() if kind in ("amax", "max") else Gap()
    total = prod(size_of(laid.dims[place]) for place in places)
    shape = reader.shape(laid.value)
    over = list(chain.from_iterable(laid.dims[place] for place in places))
    if len(shape) > 1 and only([tuple(atom for atom in over if atom.axis)], range(1, len(shape)), shape):
        channel = tuple(tuple(atom for atom in dim if atom.axis <= 0) for dim in laid.dims)
        laid = Laid(reader.add(op, laid.value), channel)
        over = [atom for atom in over if not atom.axis]
        if only([tuple(over)], (0,), shape):
            value = reader.add(CMax() if op.word == "gmp" else CMean(), laid.value)
            left = tuple(() if place in places else dim for place, dim in enumerate(laid.dims))
            return _times_total(Laid(value, left), kind, total)
    kept = [place for place in range(1, len(laid.dims)) if place not in places]
    channels = joined(chain.from_iterable(laid.dims[place] for place in kept))
    value = reader.add(op, reader.settled(laid, (laid.dims[0], channels, joined(over))))
    sizes = [1 if place in places else size for place, size in enumerate(sizes_of(laid.dims))]
    dims = viewed(whole(reader.shape(value), reader.trace.batch), sizes)
    assert dims is not None
    return _times_total(Laid(value, dims), kind, total)


def _of_parts(reader: Reader, laid: Laid, dims: Any, count: int, kind: str) -> Item:
    """The sum of parts of the channels (split attention's branches)."""
    if count > 8:
        raise Cannot(f"a sum over {count} parts of the channels")
    each_part = reader.shape(laid.value)[0] // count
    pile = reader.layers[laid.value - len(reader.inputs)] if laid.value >= len(reader.inputs) else None
    parts: Sequence[int]
    if (
        isinstance(pile, Layer)
        and isinstance(pile.op, Concat)
        and [reader.shape(input_)[0] for input_ in pile.inputs] == [each_part] * count
    ):
        parts = pile.inputs  # the parts of a stack
    else:
        parts = [
            reader.add(Slice(channels=(place * each_part, (place + 1) * each_part)), laid.value)
            for place in range(count)
        ]
    value = reader.add(Add(), *parts)
    lying = tuple(
        tuple(one._replace(outer=one.outer // count) if one.axis == 0 else one for one in dim) for dim in dims
    )
    sum_of_parts = Laid(value, lying)
    return Affine(sum_of_parts, (1 / count,)) if kind == "mean" else sum_of_parts


def _times_total(laid: Laid, kind: str, total: int) -> Item:
    return Affine(laid, (float(total),)) if kind in ("sum", "nansum") else laid
