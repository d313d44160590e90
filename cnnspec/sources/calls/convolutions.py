"""Convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from cnnspec.ops.base import Op
from cnnspec.ops.conv import Conv, DwConv
from cnnspec.ops.deconv import Deconv
from cnnspec.ops.dense import Fc
from cnnspec.ops.local import Local
from cnnspec.ops.pool import Blur
from cnnspec.ops.reshape import Pad
from cnnspec.ops.sliding import same_ends
from cnnspec.sources.calls.items import Cannot, Computed, Item, Kept, Laid, Normal, Unknown, kept, number
from cnnspec.sources.calls.layout import full, size_of, with_size
from cnnspec.sources.calls.moved import NotMoved
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import Arguments, each, reads
from cnnspec.sources.calls.trace import Tensor
from cnnspec.sources.calls.weights import PRODUCT, SIGMA, weight_of
from cnnspec.sources.layers import Layer, Rearranged

BINOMIAL = {3: (1, 2, 1), 5: (1, 4, 6, 4, 1), 2: (1, 1), 4: (1, 3, 3, 1)}


@reads("conv1d", "conv2d", "conv3d")
def convolution(reader: Reader, a: Arguments) -> Item:
    """conv2d(input, weight, bias, stride, padding, dilation, groups)."""
    weight = weight_of(a["weight"])
    table = _table(reader) if isinstance(weight, Computed) else None
    weight, shape = (weight, _shape(weight)) if table is None else (table.weight, table.shape)
    axes = len(shape) - 2
    value = reader.settled(reader.laid(a["input"]))
    options: dict[str, Any] = {} if table is None else {"connect": table.maps}
    options |= {
        "F": shape[2:],
        "S": each(a["stride"], axes),
        "D": each(a["dilation"], axes),
    }
    padding = a["padding"]
    if padding == "same":
        ends = tuple(map(same_ends, reader.shape(value)[1:], options["F"], options["S"], options["D"]))
        even = all(before == behind for before, behind in ends)
        options["P"] = tuple(before for before, _ in ends) if even else "same"
    else:
        options["P"] = (0,) * axes if padding == "valid" else each(padding, axes)
    value, options["P"] = _same(reader, value, options)
    C, K, G = reader.shape(value)[0], shape[0], int(a["groups"])
    if G == C > 1:
        op: type[Op] = DwConv
        options |= {"K": K} if K != C else {}
    else:
        op = Conv
        options |= {"K": K, "G": G}
    if blur := _blur(weight, options, G == C, a["bias"]):
        return reader.fresh(reader.add(blur, value))
    more, weights = _weights(reader, weight, a["bias"])
    return reader.fresh(reader.add(op(**options, **more), value, weights=weights))


class _Table(NamedTuple):
    """Planes of a weight that are put where a filter reads a map, zeros elsewhere. maps: that each filter
    reads."""

    weight: Kept
    shape: tuple[int, ...]
    maps: tuple[tuple[int, ...], ...]


def _table(reader: Reader) -> _Table | None:
    """What the weight of the present call is, if it is that."""
    assert reader.call is not None
    argument = reader.call.arguments["weight"]
    try:
        terms = reader.moves.terms(argument.number) if isinstance(argument, Tensor) else []
    except NotMoved:
        return None
    held = reader.moves.held(terms[0].source) if len(terms) == 1 else None
    if held is None or held.kind != "weight" or terms[0].factor != 1:
        return None
    shape, at = terms[0].shape, terms[0].at
    plane, count = prod(shape[2:]), 0
    maps: list[tuple[int, ...]] = []
    for first in range(0, len(at), shape[1] * plane):
        row = []
        for channel in range(shape[1]):
            plane_places = [*at[first + channel * plane : first + (channel + 1) * plane]]
            if plane_places == [*range(count * plane, (count + 1) * plane)]:
                row.append(channel)
                count += 1
            elif max(plane_places) >= 0:
                return None
        maps.append(tuple(row))
    return _Table(kept(held), shape, tuple(maps)) if count * plane == prod(held.shape) else None


@reads("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed(reader: Reader, a: Arguments) -> Item:
    """conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)."""
    weight = weight_of(a["weight"], filters=1)
    shape = _shape(weight)
    axes, G = len(shape) - 2, int(a["groups"])
    more, weights = _weights(reader, weight, a["bias"])
    op = Deconv(
        F=shape[2:],
        S=each(a["stride"], axes),
        P=each(a["padding"], axes),
        D=each(a["dilation"], axes),
        extra=each(a["output_padding"], axes),
        G=G,
        K=shape[1] * G,
        **more,
    )
    return reader.fresh(reader.add(op, reader.settled(reader.laid(a["input"])), weights=weights))


@reads("local")
def local(reader: Reader, a: Arguments) -> Item:
    """A convolution with separate filters for each position, from Darknet and Keras."""
    shape = _shape(a["weight"])
    axes = (len(shape) - 2) // 2
    more, weights = _weights(reader, a["weight"], a["bias"])
    windows: dict[str, Any] = {
        "F": shape[2 : 2 + axes],
        "S": each(a["stride"], axes),
        "P": each(a["padding"], axes),
    }
    op = Local(**windows, D=(1,) * axes, K=shape[0], **more)
    return reader.fresh(reader.add(op, reader.settled(reader.laid(a["input"])), weights=weights))


@reads("linear")
def linear(reader: Reader, a: Arguments) -> Item:
    """A linear layer over the last dimension, at each position."""
    weight = weight_of(a["weight"])
    K = _shape(weight)[0]
    return _applied(reader, a["input"], K, *_weights(reader, weight, a["bias"]))


def times_matrix(reader: Reader, item: Item, matrix: Kept, bias: Any = None) -> Item:
    """A tensor times a matrix of weights: a linear layer whose weight is the matrix transposed."""
    held = matrix.held
    if len(held.shape) != 2 or matrix.factor != 1 or held.kind != "weight":
        raise Cannot("a product with a matrix that is no linear layer's")
    if not matrix.plain and matrix.dims != kept(held).dims[::-1]:
        raise Cannot("a product with a matrix that is no linear layer's")
    more, weights = _weights(reader, kept(held), bias)
    if matrix.plain and 1 not in held.shape:
        weights["weight"] = reader.key(Rearranged(held.key, held.shape, (1, 0)))
    return _applied(reader, item, size_of(matrix.dims[1]), more, weights)


def _applied(reader: Reader, item: Item, K: int, more: Mapping[str, Any], weights: Mapping[str, str]) -> Item:
    laid = reader.at_channels(reader.laid(item), -1)
    shape = reader.shape(laid.value)
    axes = len(shape) - 1
    if prod(shape[1:]) == 1:
        value = reader.add(Fc(K=K, **more), laid.value, weights=weights)
    else:
        one, none = (1,) * axes, (0,) * axes
        value = reader.add(Conv(F=one, S=one, P=none, D=one, K=K, **more), laid.value, weights=weights)
    return Laid(value, (*with_size(laid.dims[:-1], 0, K), full(0, K)))


@reads("addmm")
def addmm(reader: Reader, a: Arguments) -> Item:
    """A linear layer in older code."""
    if a.get("alpha", 1) != 1 or a.get("beta", 1) != 1 or not isinstance(a["mat2"], Kept):
        raise Cannot("a product with a matrix that is no linear layer's")
    return times_matrix(reader, a["mat1"], a["mat2"], a["self"])


def _shape(weight: Any) -> tuple[int, ...]:
    if isinstance(weight, Kept):
        if not weight.plain:
            raise Cannot("the weight is rearranged before it is used")
        return weight.held.shape
    if isinstance(weight, Normal) and weight.normalised not in (PRODUCT, SIGMA):
        return weight.shape
    raise Cannot("the weight is computed")


def _weights(reader: Reader, weight: Any, bias: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The arguments of a layer that depend on its weights, and the key of each weight."""
    options: dict[str, Any] = {"bias": bias is not None}
    keys: dict[str, str] = {}
    if isinstance(weight, Normal):
        options["normalised"] = weight.normalised
        if weight.eps is not None:
            options["weight_eps"] = number(weight.eps)
        if weight.gamma != 1:
            options["gamma"] = number(weight.gamma)
        keys |= weight.keys
    elif weight.held.key in reader.trace.keys:
        keys["weight"] = weight.held.key
        options |= {"frozen": True} if weight.held.kind == "buffer" else {}
    else:
        options |= _literal(weight)
    if bias is not None:
        if not isinstance(bias, Kept) or not bias.plain:
            raise Cannot("the bias is computed")
        if bias.held.key not in reader.trace.keys:
            raise Cannot("the bias is a constant of the code")
        keys["bias"] = bias.held.key
    return options, keys


def _literal(weight: Kept) -> dict[str, Any]:
    """A filter that is a constant of the code, as a literal."""
    values = weight.held.values
    if values is None:
        raise Unknown("the weight is a constant whose numbers are not known")
    shape = weight.held.shape
    columns = shape[-1]
    rows = shape[-2] if len(shape) > 3 else 1
    each_plane = rows * columns
    planes = [values[at : at + each_plane] for at in range(0, len(values), each_plane)]
    if len(set(planes)) == 1:
        planes = planes[:1]
    if sum(map(len, planes)) > 256 or len(shape) > 4:
        raise Cannot("the weight is a large constant of the code")
    literal = tuple(
        tuple(tuple(map(number, plane[row : row + columns])) for row in range(0, each_plane, columns))
        for plane in planes
    )
    return {"weight_values": literal, "frozen": True}


def _blur(weight: Any, options: dict[str, Any], depthwise: bool, bias: Any) -> Op | None:
    """The binomial filter of BlurPool, which has a layer of its own; None for other filters."""
    if not depthwise or bias is not None or not isinstance(weight, Kept) or weight.held.kind == "weight":
        return None
    values, size = weight.held.values, options["F"][-1]
    if values is None:
        raise Unknown("the weight is a constant whose numbers are not known")
    row = BINOMIAL.get(size)
    if row is None or set(options["F"]) != {size} or set(options["D"]) != {1} or len(options["F"]) != 2:
        return None
    total = sum(row) ** 2
    plane = [one * other / total for one in row for other in row]
    times = len(values) // len(plane)
    if any(abs(a - b) > 1e-7 for a, b in zip(values, plane * times, strict=True)):
        return None
    return Blur(F=options["F"], S=options["S"], P=options["P"])


def _same(reader: Reader, value: int, options: dict[str, Any]) -> tuple[int, Any]:
    """Zeros before a convolution become part of it where they equal those of `Psame`."""
    first = len(reader.inputs)
    layer = reader.layers[value - first] if value >= first else None
    if not isinstance(layer, Layer) or not isinstance(layer.op, Pad) or any(options["P"]):
        return value, options["P"]
    if layer.op.mode != "zeros" or layer.op.channels != (0, 0):
        return value, options["P"]
    before = reader.shape(layer.inputs[0])
    ends = layer.op.ends(before)
    zeros = tuple(map(same_ends, before[1:], options["F"], options["S"], options["D"]))
    if ends == zeros:
        return layer.inputs[0], "same"
    if all(start == end for start, end in ends):
        return layer.inputs[0], tuple(start for start, _ in ends)
    return value, options["P"]
