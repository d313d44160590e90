"""Activations, powers and dropout, which change each number separately; softmax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from cnnspec.ops.activation import (
    Gelu,
    Hsigmoid,
    Hswish,
    LogSoftmax,
    Mish,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Tanh,
)
from cnnspec.ops.base import Op
from cnnspec.ops.dropout import Dropout, DropPath
from cnnspec.ops.merge import Add, Mul, Sub
from cnnspec.ops.powers import Exp, Log, Pow
from cnnspec.ops.rectifier import Abs, Elu, Leaky, Prelu, Relu, Relu6, Selu
from cnnspec.ops.scale import Times
from cnnspec.sources.calls.items import Affine, Cannot, Distances, Item, Kept, Laid, Scores, number
from cnnspec.sources.calls.layout import atoms_of, only, size_of, sizes_of
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import RULES, Arguments, reads

PATHS = {"DropPath", "StochasticDepth", "DropConnect", "DropBlock2d"}


def each_number(reader: Reader, item: Item, op: Op) -> Laid:
    """A layer that changes each number separately keeps the arrangement."""
    laid = reader.laid(item)
    return Laid(reader.add(op, laid.value), laid.dims)


PLAIN: dict[str, Callable[[Arguments], Op]] = {
    "relu": lambda a: Relu(),
    "relu6": lambda a: Relu6(),
    "leaky_relu": lambda a: Leaky(slope=number(a["negative_slope"])),
    "selu": lambda a: Selu(),
    "silu": lambda a: Silu(),
    "mish": lambda a: Mish(),
    "hardswish": lambda a: Hswish(),
    "hardsigmoid": lambda a: Hsigmoid(),
    "sigmoid": lambda a: Sigmoid(),
    "abs": lambda a: Abs(),
    "exp": lambda a: Exp(),
    "log": lambda a: Log(),
    "sqrt": lambda a: Pow(p=number(0.5)),
    "rsqrt": lambda a: Pow(p=number(-0.5)),
    "reciprocal": lambda a: Pow(p=number(-1)),
}


def _plain(make: Callable[[Arguments], Op]) -> Callable[[Reader, Arguments], Item]:
    return lambda reader, a: each_number(reader, a.get("self", a.get("input")), make(a))


for _name, _make in PLAIN.items():
    RULES[_name] = _plain(_make)


@reads("tanh")
def tanh(reader: Reader, a: Arguments) -> Item:
    """A factor before it becomes its `gain`; a factor after it becomes its `amp`."""
    item = a["self"]
    if isinstance(item, Affine) and len(item.factor) == 1 and not any(item.shift) and not item.clamped:
        if item.factor[0] > 0:
            return each_number(reader, item.of, Tanh(gain=number(item.factor[0])))
    return each_number(reader, item, Tanh())


@reads("rrelu")
def random_leaky(reader: Reader, a: Arguments) -> Item:
    reader.notes.append("rrelu has its slope in evaluation: in training, it is drawn at random")
    return each_number(
        reader, a["self"], Leaky(slope=number((a.get("lower", 1 / 8) + a.get("upper", 1 / 3)) / 2))
    )


@reads("elu", "celu")
def elu(reader: Reader, a: Arguments) -> Item:
    """scale·elu(input_scale·x); celu is alpha·elu(x/alpha)."""
    assert reader.call is not None
    alpha, scale, inner = a["alpha"], a.get("scale", 1), a.get("input_scale", 1)
    if reader.call.op == "celu":
        alpha, scale, inner = 1, alpha, 1 / alpha
    return _scaled(reader, a["self"], Elu(alpha=number(alpha)), inner, scale)


def _scaled(reader: Reader, item: Item, op: Op, inner: float, outer: float) -> Laid:
    """A layer of inner·x, times `outer`."""
    laid = reader.laid(item)
    value = laid.value if inner == 1 else reader.add(Times(factor=number(inner)), laid.value)
    value = reader.add(op, value)
    return Laid(value if outer == 1 else reader.add(Times(factor=number(outer)), value), laid.dims)


@reads("gelu")
def gelu(reader: Reader, a: Arguments) -> Item:
    if a.get("approximate", "none") == "none":
        return each_number(reader, a["self"], Gelu())
    laid = reader.laid(a["self"])  # x·sigmoid(2·√(2/π)·(x + 0.044715·x³)), the same as with tanh
    twice = 2 * (2 / 3.141592653589793) ** 0.5
    first = reader.add(Times(factor=number(twice)), laid.value)
    cube = reader.add(Times(factor=number(twice * 0.044715)), reader.add(Pow(p=number(3)), laid.value))
    gate = reader.add(Sigmoid(), reader.add(Add(), first, cube))
    return Laid(reader.add(Mul(), laid.value, gate), laid.dims)


@reads("softplus")
def softplus(reader: Reader, a: Arguments) -> Item:
    beta = a.get("beta", 1)
    return _scaled(reader, a["self"], Softplus(), beta, 1 / beta)


@reads("hardtanh", "clamp", "clamp_min", "clamp_max", "clip")
def clamped(reader: Reader, a: Arguments) -> Item:
    low, high = a.get("min_val", a.get("min")), a.get("max_val", a.get("max"))
    item = a["self"]
    if (low, high) == (0, None):
        return each_number(reader, item, Relu())
    if low == 0 and high == 6:
        if isinstance(item, Affine) and item.shift == (3.0,) and item.factor == (1.0,) and not item.clamped:
            return item._replace(clamped=True)
        return each_number(reader, item, Relu6())
    if isinstance(item, Affine) and not item.clamped and (low, high) == (0, 1):
        moved = item._replace(
            factor=tuple(6 * one for one in item.factor), shift=tuple(6 * one - 3 for one in item.shift)
        )
        return each_number(reader, moved, Hsigmoid())
    if low is not None and high is not None and low > high:
        raise Cannot(f"its lower limit, {low}, is above its upper one, {high}")
    if (low or 0) > 0 or (high or 0) < 0:  # 0 is not between the limits: they are moved so that one is 0
        base = low if (low or 0) > 0 else high
        ends = {name: None if end is None else end - base for name, end in (("min", low), ("max", high))}
        made = clamped(reader, {"self": Affine(reader.laid(item), shift=(-float(base),)), **ends})
        return Affine(reader.laid(made), shift=(float(base),))
    laid = reader.laid(item)
    above = None if high == 0 else _limited(reader, laid, 1, high)
    below = None if low == 0 else _limited(reader, laid, -1, None if low is None else -low)
    if below is None:
        return above
    if above is None:
        return _scaled(reader, below, Relu(), 1, -1)
    return Laid(reader.add(Sub(), above.value, below.value), laid.dims)


def _limited(reader: Reader, laid: Laid, sign: int, high: float | None) -> Laid:
    """A tensor, or its negative, limited to numbers from 0 to `high`."""
    if high is None:
        return _scaled(reader, laid, Relu(), sign, 1)
    return _scaled(reader, laid, Relu6(), sign * 6 / high, high / 6)


@reads("relu6")
def relu6(reader: Reader, a: Arguments) -> Item:
    return clamped(reader, {"self": a["self"], "min": 0, "max": 6})


@reads("prelu", "_prelu_kernel")
def prelu(reader: Reader, a: Arguments) -> Item:
    weight = a["weight"]
    if not isinstance(weight, Kept) or weight.factor != 1:
        raise Cannot("its slopes are computed")
    one = prod(weight.held.shape) == 1
    laid = reader.laid(a["self"])
    if len(weight.held.shape) > 1 and weight.held.shape == sizes_of(laid.dims)[1:]:
        value, keys = reader.settled(laid), {"weight": weight.held.key}
        return reader.fresh(reader.add(Prelu(slopes="positions"), value, weights=keys))
    laid = laid if one else reader.at_channels(laid, 1)
    op = Prelu(slopes="one" if one else "channels")
    return Laid(reader.add(op, laid.value, weights={"weight": weight.held.key}), laid.dims)


@reads("pow", "square")
def power(reader: Reader, a: Arguments) -> Item:
    exponent = a.get("exponent", 2)
    if isinstance(a["self"], Distances) and exponent == 2:
        return a["self"]._replace(squared=True)
    if isinstance(exponent, bool) or not isinstance(exponent, int | float):
        raise Cannot("an exponent that is no number")
    return each_number(reader, a["self"], Pow(p=number(exponent)))


@reads("softmax", "_softmax", "log_softmax")
def softmax(reader: Reader, a: Arguments) -> Item:
    item, dim = a["self"], int(a["dim"])
    logarithm = reader.call is not None and "log" in reader.call.op
    if isinstance(item, Scores):
        if logarithm or dim not in ((-2 if item.turned else -1), _last(item)):
            raise Cannot("softmax of scores along the queries")
        return item._replace(softmax=True)
    laid = reader.laid(item)
    dim %= len(laid.dims)
    shape, parts = reader.shape(laid.value), laid.dims[dim]
    if not logarithm and len(shape) > 1 and size_of(parts) > 1 and only([parts], range(1, len(shape)), shape):
        return each_number(reader, laid, Softmax(positions=True))
    atoms = atoms_of([parts])
    if not logarithm and len(atoms) == 1 and atoms[0].axis == 0 and atoms[0].outer > 1:
        if atoms[0].outer * atoms[0].size == shape[0]:
            return each_number(reader, laid, Softmax(G=atoms[0].outer))
    laid = reader.at_channels(laid, dim)
    return each_number(reader, laid, LogSoftmax() if logarithm else Softmax())


def _last(scores: Scores) -> int:
    """The index of the dimension of the keys."""
    return len(scores.q.dims) - (2 if scores.turned else 1)


@reads("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def dropout(reader: Reader, a: Arguments) -> Item:
    """A layer, even where it is switched off."""
    item, call = a.get("input", a.get("self")), reader.call
    assert call is not None
    if isinstance(item, Scores):
        return item
    p = number(a["p"])
    inside = call.scopes[-1].class_name if call.scopes else ""
    if p == 0 or call.op == "alpha_dropout":
        return reader.laid(item)
    if inside in PATHS:
        return each_number(reader, item, DropPath(p=p))
    laid = reader.laid(item)
    maps = call.op == "feature_dropout" and len(reader.shape(laid.value)) > 1
    return each_number(reader, laid, Dropout(p=p, maps=maps))
