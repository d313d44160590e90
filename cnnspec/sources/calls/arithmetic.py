"""Sums and products of two tensors, with broadcasting, and of a tensor with numbers or weights."""

from __future__ import annotations

from math import prod
from typing import Any

from cnnspec.ops.activation import Hsigmoid, Hswish, Mish, Sigmoid, Silu, Softplus, Tanh
from cnnspec.ops.base import Op
from cnnspec.ops.conv import Conv, DwConv
from cnnspec.ops.deconv import Deconv
from cnnspec.ops.dense import Fc
from cnnspec.ops.merge import Add, Div, Max, Mul, Sub
from cnnspec.ops.norm import L2Norm, RmsNorm
from cnnspec.ops.powers import Pow
from cnnspec.ops.resample import Upsample
from cnnspec.ops.reshape import Reshape
from cnnspec.ops.scale import Scale
from cnnspec.sources.calls.by_hand import ONES, over_root, with_bias
from cnnspec.sources.calls.items import (
    Affine,
    Cannot,
    Computed,
    Distances,
    Item,
    Kept,
    Laid,
    Linear,
    Normal,
    Norms,
    Scores,
    Unknown,
    number,
)
from cnnspec.sources.calls.layout import REPEATED, Dims, atoms_of, full, permuted, size_of, sizes_of, whole
from cnnspec.sources.calls.linear_attention import mean_of
from cnnspec.sources.calls.norms import responded
from cnnspec.sources.calls.pools import of_positions
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.relative import scaled_scores, with_offsets
from cnnspec.sources.calls.rules import Arguments, reads
from cnnspec.sources.calls.weights import spectral

Number = int | float


@reads("add", "sub", "rsub", "__add__", "__sub__")
def added(reader: Reader, a: Arguments) -> Item:
    """add(self, other, alpha)."""
    assert reader.call is not None
    one, other, alpha = a["self"], a["other"], a.get("alpha", 1)
    less = "sub" in reader.call.op
    if reader.call.op == "rsub":
        one, other = other, one
    if alpha != 1:
        other = _times(reader, other, (float(alpha),))
    if isinstance(one, Norms) or isinstance(other, Norms):
        return _of_norms(reader, one, other, "sub" if less else "add")
    if isinstance(one, Linear) and one.part == "below" and isinstance(other, float) and not less:
        return one._replace(eps=one.eps + other)
    for item, name in ((one, "other"), (other, "self")):
        if isinstance(item, Scores):
            if less or alpha != 1:
                raise Cannot("numbers are subtracted from the scores of attention")
            return with_offsets(reader, item, reader.call.arguments[name])
    if _numbers(reader, one, other) is not None or _numbers(reader, other, one) is not None:
        return _shifted(reader, one, other, less)
    if isinstance(one, Kept) or isinstance(other, Kept):
        return _with_weight(reader, one, other, less)
    first, second = reader.laid(one), reader.laid(other)
    return _equal(reader, Sub() if less else Add(), first, second)


@reads("mul", "multiply", "__mul__")
def multiplied(reader: Reader, a: Arguments) -> Item:
    one, other = a["self"], a["other"]
    if isinstance(one, Norms) or isinstance(other, Norms):
        return _of_norms(reader, one, other, "mul")
    for item, factor in ((one, other), (other, one)):
        if isinstance(item, Scores) and isinstance(factor, Number):
            return scaled_scores(item, factor)
        if isinstance(item, Kept) and isinstance(factor, Number):
            return item._replace(factor=item.factor * factor)
        numbers = _numbers(reader, factor, item)
        if numbers is not None:
            return _times(reader, item, numbers)
    for item, weight in ((one, other), (other, one)):
        if isinstance(weight, Kept):
            return _scaled(reader, reader.laid(item), weight)
    if found := _known(reader, one, other) or _known(reader, other, one):
        return found
    if found := over_root(reader, one, other, -0.5) or over_root(reader, other, one, -0.5):
        return found
    first, second = reader.laid(one), reader.laid(other)
    return _gated(reader, Mul(), first, second)


@reads("div", "divide", "true_divide")
def divided(reader: Reader, a: Arguments) -> Item:
    one, other = a["self"], a["other"]
    if a.get("rounding_mode"):
        raise Cannot("a quotient that is rounded")
    if isinstance(one, Linear):
        return mean_of(reader, one, other)
    if isinstance(one, Norms) and isinstance(other, Norms):
        return _of_norms(reader, one, other, "div")
    if isinstance(other, Norms) and other.step == "channels" and one == other.of:
        return Laid(reader.add(L2Norm(), other.of.value), other.of.dims)
    if found := over_root(reader, one, other, 0.5):
        return found
    if isinstance(one, Scores) and isinstance(other, Number):
        return scaled_scores(one, 1 / other)
    if isinstance(one, Kept) and isinstance(other, Number):
        return one._replace(factor=one.factor / other)
    if isinstance(one, Kept) and isinstance(other, Normal):
        return spectral(reader, one, other)
    if isinstance(one, Laid) and isinstance(other, Computed) and other.by.startswith("avg_pool"):
        return of_positions(reader, one, other)
    numbers = _numbers(reader, other, one)
    if numbers is not None:
        return _times(reader, one, tuple(1 / one for one in numbers))
    if isinstance(one, Number):
        laid = reader.laid(other)
        return _times(reader, Laid(reader.add(Pow(p=number(-1)), laid.value), laid.dims), (float(one),))
    first, second = reader.laid(one), reader.laid(other)
    if prod(sizes_of(first.dims)) < prod(sizes_of(second.dims)):
        raise Cannot("a smaller tensor divided by a larger one")
    return _gated(reader, Div(), first, second)


@reads("neg")
def negative(reader: Reader, a: Arguments) -> Item:
    return _times(reader, a["self"], (-1.0,))


@reads("maximum")
def largest(reader: Reader, a: Arguments) -> Item:
    return _equal(reader, Max(), reader.laid(a["self"]), reader.laid(a["other"]))


@reads("minimum")
def smallest(reader: Reader, a: Arguments) -> Item:
    one, other = (reader.laid(_times(reader, a[name], (-1.0,))) for name in ("self", "other"))
    return _times(reader, _equal(reader, Max(), one, other), (-1.0,))


@reads("addcmul")
def multiplied_and_added(reader: Reader, a: Arguments) -> Item:
    """addcmul(self, tensor1, tensor2): self + tensor1·tensor2."""
    product = multiplied(reader, {"self": a["tensor1"], "other": a["tensor2"]})
    return added(reader, {"self": a["self"], "other": product, "alpha": 1})


def _of_norms(reader: Reader, one: Item, other: Item, op: str) -> Item:
    """A step of global response normalisation, or another operation on lengths."""
    item = responded(reader, one, other, op)
    if item is not None:
        return item
    first, second = reader.laid(one), reader.laid(other)
    rule = {"add": added, "sub": added, "mul": multiplied, "div": divided}[op]
    return rule(reader, {"self": first, "other": second})


# Numbers


def _numbers(reader: Reader, item: Any, beside: Any) -> tuple[float, ...] | None:
    """A number, or a constant with one number or one for each channel of `beside`; else None."""
    if isinstance(item, bool):
        return None
    if isinstance(item, Number):
        return (float(item),)
    if not isinstance(item, Kept) or item.held.kind == "weight" or isinstance(beside, Kept):
        return None
    if item.held.values is None:
        raise Unknown("a constant whose numbers are not known")
    values = tuple(value * item.factor for value in item.held.values)
    if len(set(values)) == 1:
        return values[:1]
    laid = beside.of if isinstance(beside, Affine) else beside
    if not isinstance(laid, Laid):
        return None
    dims = ((),) * (len(laid.dims) - len(item.dims)) + _unrepeated(item.dims)
    shape = reader.shape(laid.value)
    for dim, ours in zip(laid.dims, dims, strict=True):
        if size_of(ours) > 1 and (dim != full(0, shape[0]) or size_of(ours) != shape[0]):
            return None
    return values


def _times(reader: Reader, item: Item, numbers: tuple[float, ...]) -> Item:
    if isinstance(item, Number):
        return item * numbers[0]
    if isinstance(item, Kept) and len(numbers) == 1:
        return item._replace(factor=item.factor * numbers[0])
    if isinstance(item, Affine) and item.clamped and len(numbers) == 1 and abs(numbers[0] * 6 - 1) < 1e-9:
        return Laid(reader.add(Hsigmoid(), item.of.value), item.of.dims)
    if isinstance(item, Affine) and not item.clamped:
        return item._replace(factor=_both(item.factor, numbers), shift=_both(item.shift, numbers))
    return Affine(reader.laid(item), numbers)


def _both(one: tuple[float, ...], other: tuple[float, ...], add: bool = False) -> tuple[float, ...]:
    count = max(len(one), len(other))
    pairs = zip(one * (count // len(one)), other * (count // len(other)), strict=True)
    return tuple(a + b if add else a * b for a, b in pairs)


def _shifted(reader: Reader, one: Item, other: Item, less: bool) -> Item:
    numbers = _numbers(reader, other, one)
    sign = -1.0 if less else 1.0
    if numbers is not None and isinstance(one, Number):
        return one + sign * numbers[0]
    if numbers is None:  # a number and a tensor
        numbers = _numbers(reader, one, other)
        assert numbers is not None
        item = _times(reader, other, (sign,))
    else:
        item, numbers = one, tuple(sign * one for one in numbers)
    if not any(numbers):
        return item
    if isinstance(item, Kept):
        raise Cannot("a number is added to weights")
    if isinstance(item, Affine) and not item.clamped:
        return item._replace(shift=_both(item.shift, numbers, add=True))
    return Affine(reader.laid(item), (1.0,), numbers)


# The module's own weights


def _place_of_weight(reader: Reader, laid: Laid, weight: Kept) -> tuple[Laid, bool]:
    """Whether a weight has one number per channel, or one in all; and the tensor, arranged so that the weight
    fits."""
    if prod(weight.held.shape) == 1:
        return laid, True
    dims = ((),) * (len(laid.dims) - len(weight.dims)) + _unrepeated(weight.dims)
    places = [place for place, dim in enumerate(dims) if size_of(dim) > 1]
    if len(places) != 1 or places[0] == 0 or size_of(dims[places[0]]) != size_of(laid.dims[places[0]]):
        shape = "x".join(map(str, weight.held.shape))
        source = (
            f"the weight `{weight.held.key}`" if weight.held.kind == "weight" else "a constant of the code"
        )
        raise Cannot(f"{source}, {shape}, is not one number for each channel (an embedding of positions?)")
    return reader.at_channels(laid, places[0]), False


def _scaled(reader: Reader, laid: Laid, weight: Kept) -> Item:
    laid, one = _place_of_weight(reader, laid, weight)
    result = reader.made(laid.value)
    if result is not None and isinstance(result.op, RmsNorm) and not result.op.affine and not one:
        rms = result.op.model_copy(update={"affine": True})
        value = reader.add(rms, *result.inputs, weights={"weight": weight.held.key})
    else:
        value = reader.add(Scale(one=one), laid.value, weights={"weight": weight.held.key})
    scaled = Laid(value, laid.dims)
    return scaled if weight.factor == 1 else Affine(scaled, (weight.factor,))


def _with_weight(reader: Reader, one: Item, other: Item, less: bool) -> Item:
    """A sum with trained numbers: the bias of a `scale`, or of filters, directly before it."""
    weight, item = (one, other) if isinstance(one, Kept) else (other, one)
    assert isinstance(weight, Kept)
    laid = reader.laid(item)
    if less and item is one and weight.plain and len(weight.dims) == 2:
        if laid.dims[1:] == ((), full(0, weight.held.shape[1])) and len(reader.shape(laid.value)) == 1:
            return Distances(laid, weight)
    laid, single = _place_of_weight(reader, laid, weight)
    layer = reader.made(laid.value)
    if less or weight.factor != 1 or layer is None or not _takes_bias(layer.op, layer.shape[0], single):
        raise Cannot("trained numbers are added without a layer whose bias they could be")
    if isinstance(layer.op, Scale) and (norm := with_bias(reader, layer, weight.held.key)) is not None:
        return Laid(norm, laid.dims)
    keys = {**layer.weights, "bias": weight.held.key}
    op = layer.op.model_copy(update={"bias": True})
    return Laid(reader.add(op, *layer.inputs, weights=keys), laid.dims)


def _takes_bias(op: Op, channels: int, single: bool) -> bool:
    """Whether a layer without a bias can have one: a number for each channel, or a `single` one."""
    if isinstance(op, Scale):
        return not op.bias and op.one == single
    filters = isinstance(op, Conv | DwConv | Deconv | Fc) and not op.has_bias
    return filters and (not single or channels == 1)


# Two tensors


def _equal(reader: Reader, op: Op, one: Laid, other: Laid) -> Item:
    """A layer of two tensors of equal shapes; a smaller one is first repeated over the positions."""
    one, other = _aligned(reader, one, other)
    first, second = reader.shape(one.value), reader.shape(other.value)
    if first != second:
        if prod(first) < prod(second):
            one = _spread(reader, one, second)
        else:
            other = _spread(reader, other, first)
    larger = one if prod(first) >= prod(second) else other
    return Laid(reader.add(op, one.value, other.value), larger.dims)


def _spread(reader: Reader, laid: Laid, to: tuple[int, ...]) -> Laid:
    """A tensor that is repeated over the positions, and over the channels."""
    value = laid.value
    if len(reader.shape(value)) == 1 and len(to) > 1:
        value = reader.add(Reshape(shape=(*reader.shape(value), *(1 for _ in to[1:]))), value)
    shape = reader.shape(value)
    if len(to) == 1 or any(a not in (1, b) for a, b in zip(shape, to, strict=True)):
        raise Cannot(f"{'x'.join(map(str, shape))} is broadcast over {'x'.join(map(str, to))}")
    if shape[0] != to[0]:
        value = _copied(reader, value, to[0])
    if shape[1:] != to[1:]:
        value = reader.add(Upsample(size_out=to[1:]), value)
    return Laid(value, laid.dims)


def _copied(reader: Reader, value: int, channels: int) -> int:
    """A map with one channel, as each of the channels: filters F1 with a weight of 1."""
    axes = len(reader.shape(value)) - 1
    one, none = (1,) * axes, (0,) * axes
    op = Conv(F=one, S=one, P=none, D=one, K=channels, bias=False, weight_values=ONES, frozen=True)
    return reader.add(op, value)


def _gated(reader: Reader, op: Op, one: Laid, other: Laid) -> Item:
    """A product or quotient, which broadcasts the smaller tensor itself."""
    one, other = _once(one, other), _once(other, one)
    one, other = _aligned(reader, one, other)
    shapes = reader.shape(one.value), reader.shape(other.value)
    both = tuple(map(max, zip(*shapes, strict=False)))
    if len(shapes[0]) == len(shapes[1]) and both not in shapes:  # Cx1x1 and 1xHxW
        dims = tuple(mine or its for mine, its in zip(one.dims, other.dims, strict=True))
        spread = (
            _spread(reader, laid, both) if shape[0] == both[0] else laid
            for laid, shape in zip((one, other), shapes, strict=True)
        )
        return Laid(reader.add(op, *(laid.value for laid in spread)), dims)
    larger = one if prod(shapes[0]) >= prod(shapes[1]) else other
    values = (
        _copied(reader, laid.value, both[0]) if len(shape) > 1 and prod(shape) == 1 < both[0] else laid.value
        for laid, shape in zip((one, other), shapes, strict=True)
    )
    return Laid(reader.add(op, *values), larger.dims)


def _once(one: Laid, other: Laid) -> Laid:
    """A tensor without the repetitions that broadcasting over the other one makes."""
    if len(one.dims) != len(other.dims):
        return one
    three = zip(one.dims, _unrepeated(one.dims), _unrepeated(other.dims), strict=True)
    return one._replace(dims=tuple(plain if its else dim for dim, plain, its in three))


def _unrepeated(dims: Dims) -> Dims:
    """Dimensions without those that only repeat the tensor."""
    return tuple(() if all(atom.axis == REPEATED for atom in dim) else dim for dim in dims)


def _aligned(reader: Reader, one: Laid, other: Laid) -> tuple[Laid, Laid]:
    """Two tensors, arranged so that their numbers correspond one to one, or by broadcasting."""
    count = max(len(one.dims), len(other.dims))
    first, second = (((),) * (count - len(laid.dims)) + laid.dims for laid in (one, other))
    shapes = reader.shape(one.value), reader.shape(other.value)
    if first == second and shapes[0] == shapes[1]:
        return one, other
    swapped = prod(sizes_of(first)) < prod(sizes_of(second))
    if swapped:
        first, second, one, other = second, first, other, one
    big, small = Laid(one.value, first), Laid(other.value, second)
    small = _laid_like(reader, big, small) or small
    if not _meet(reader, big, small):
        if as_big := _laid_as(reader, big, small):
            small = as_big
        elif as_small := _laid_as(reader, small, big):
            big = as_small
        else:
            big, small = _apart(reader, big, small)
    return (small, big) if swapped else (big, small)


def _meet(reader: Reader, big: Laid, small: Laid) -> bool:
    """Whether each dimension of the smaller one is arranged as the larger one's, or has size 1."""
    whole_shape, shape = reader.shape(big.value), reader.shape(small.value)
    same = all(b in ((), a) for a, b in zip(big.dims, small.dims, strict=True))
    fits = len(shape) == 1 or len(shape) == len(whole_shape)
    return same and fits and all(b in (1, a) for a, b in zip(whole_shape, shape, strict=False))


def _laid_like(reader: Reader, big: Laid, small: Laid) -> Laid | None:
    """The smaller tensor, with the arrangement of the larger one."""
    if _meet(reader, big, small):
        return small
    shape = reader.shape(big.value)
    axes = [full(axis, size) for axis, size in enumerate(shape)]
    order = [0]
    empty = [place for place, dim in enumerate(big.dims) if dim == () and place]
    for axis in axes:
        if axis in big.dims[1:]:
            order.append(big.dims.index(axis, 1))
        elif axis == () and empty:
            order.append(empty.pop(0))
        else:
            return None
    rest = [place for place in range(len(big.dims)) if place not in order]
    if any(size_of(small.dims[place]) > 1 for place in rest):
        return None
    try:
        value = reader.settled(small, permuted(small.dims, order))
    except Cannot:
        return None
    after = whole(reader.shape(value), reader.trace.batch)
    dims: list[Any] = [()] * len(big.dims)
    for place, dim in zip(order, after, strict=True):
        dims[place] = dim
    return Laid(value, tuple(dims))


def _laid_as(reader: Reader, to: Laid, laid: Laid) -> Laid | None:
    """A tensor of the size of another one, as a map like it: each dimension of that one is its channels, or
    axes of it in order."""
    shape = reader.shape(to.value)
    order = [0, *sorted(range(1, len(to.dims)), key=lambda place: to.dims[place])]
    axes = [full(axis, size) for axis, size in enumerate(shape)]
    if sizes_of(to.dims) != sizes_of(laid.dims) or len(order) > 5 or axes[0] not in (*to.dims, ()):
        return None
    if atoms_of(permuted(to.dims, order[1:])) != atoms_of(axes):
        return None
    try:
        value = reader.settled(laid, permuted(laid.dims, order))
    except Cannot:
        return None
    return Laid(value if reader.shape(value) == shape else reader.add(Reshape(shape=shape), value), to.dims)


def _apart(reader: Reader, big: Laid, small: Laid) -> tuple[Laid, Laid]:
    """Both tensors as values of their own shapes."""
    parts: list[Laid] = []
    for laid in (big, small):
        if len(laid.dims) > 5:
            raise Cannot("tensors of more than four dimensions meet that lie differently")
        parts.append(reader.whole(laid))
    return parts[0], parts[1]


# Activations that the code computes from several calls


def _known(reader: Reader, x: Item, gate: Item) -> Laid | Affine | None:
    """x·sigmoid(x) is silu, x·tanh(softplus(x)) mish, x·relu6(x + 3)/6 hswish."""
    if isinstance(gate, Affine) and gate.clamped and gate.of == x:
        return Affine(Laid(reader.add(Hswish(), gate.of.value), gate.of.dims), (6.0,))
    if not isinstance(x, Laid) or not isinstance(gate, Laid) or x.dims != gate.dims:
        return None
    layer = reader.made(gate.value)
    if layer is None:
        return None
    if layer.inputs == (x.value,):
        if isinstance(layer.op, Sigmoid):
            return Laid(reader.add(Silu(), x.value), x.dims)
        if isinstance(layer.op, Hsigmoid):
            return Laid(reader.add(Hswish(), x.value), x.dims)
    before = reader.made(layer.inputs[0])
    if (
        isinstance(layer.op, Tanh)
        and before
        and isinstance(before.op, Softplus)
        and before.inputs == (x.value,)
    ):
        return Laid(reader.add(Mish(), x.value), x.dims)
    return None
