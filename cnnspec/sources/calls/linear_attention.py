"""Attention without a softmax: relu(q)·(Σ relu(k)·vᵀ), divided by relu(q)·Σ relu(k) + eps."""

from __future__ import annotations

from cnnspec.ops.rectifier import Relu
from cnnspec.sources.calls.items import Affine, Cannot, Item, Laid, Linear, Scores
from cnnspec.sources.calls.layout import size_of, swapped
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import Arguments
from cnnspec.sources.layers import Layer

NO_MEAN = "a product of queries, keys and values that is not divided by the products of queries and keys"


def products_of(q: Laid, scores: Scores) -> Linear | None:
    """q·(kᵀ·v), where kᵀ·v was read as scores; None where they are scores."""
    k, v = scores.q._replace(dims=swapped(scores.q.dims)), scores.k._replace(dims=swapped(scores.k.dims))
    if scores.softmax or scores.turned or scores.factor != 1 or scores.offsets is not None:
        return None
    if len(q.dims) != len(k.dims) or q.dims[-1] != k.dims[-1]:
        return None
    return Linear(q, k, v, scores.ones)


def part_of(item: Linear, a: Arguments) -> Item:
    """All channels but the last one, or that one."""
    channels = size_of(item.v.dims[-1]) + 1
    places = range(channels)[a.get("start") : a.get("end") : a.get("step") or 1]
    if item.ones and not item.part and int(a.get("dim", 0)) in (-1, len(item.q.dims) - 1):
        if places == range(channels - 1):
            return item._replace(part="above")
        if places == range(channels - 1, channels):
            return item._replace(part="below")
    raise Cannot(NO_MEAN)


def mean_of(reader: Reader, item: Linear, divisor: Item) -> Laid:
    """The layer for a product of queries, keys and values, and its divisor."""
    from cnnspec.sources.calls.attention import linear

    if item.ones:
        if item.part == "above" and divisor == item._replace(part="below", eps=getattr(divisor, "eps", 0.0)):
            return linear(reader, item, divisor.eps)
        raise Cannot(NO_MEAN)
    before = len(reader.layers)
    total = _divisor(reader, item)
    expected = total if isinstance(total, Affine) else Affine(reader.laid(total))
    reader.taken_back(before)
    if not isinstance(divisor, Affine) or divisor != expected._replace(shift=divisor.shift):
        raise Cannot(NO_MEAN)
    (eps, *others) = divisor.shift
    if others or eps <= 0:
        raise Cannot("attention without a softmax, whose divisor can be 0: add an eps")
    return linear(reader, item, eps)


def _divisor(reader: Reader, item: Linear) -> Item:
    """q·Σk. It exists already: equal expressions are computed once."""
    from cnnspec.sources.calls.arithmetic import multiplied
    from cnnspec.sources.calls.pools import summed

    total = summed(reader, item.k, len(item.k.dims) - 2)
    return summed(reader, multiplied(reader, {"self": item.q, "other": total}), len(item.q.dims) - 1)


def without_relu(reader: Reader, laid: Laid) -> Laid:
    place = laid.value - len(reader.inputs)
    layer = reader.layers[place] if place >= 0 else None
    if not isinstance(layer, Layer) or not isinstance(layer.op, Relu):
        raise Cannot("attention without a softmax, of queries or keys without a relu")
    return laid._replace(value=layer.inputs[0])
