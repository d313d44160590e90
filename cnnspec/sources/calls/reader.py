"""Reads a trace call by call: the meaning of each torch tensor, and the layers so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from math import prod
from typing import Any, TypeVar

from cnnspec.ops.activation import Tanh
from cnnspec.ops.base import Misfit, Op, Shape
from cnnspec.ops.conv import DwConv
from cnnspec.ops.pool import CMean, Gap
from cnnspec.ops.powers import Pow
from cnnspec.ops.rectifier import Relu6
from cnnspec.ops.reshape import Reshape
from cnnspec.ops.scale import Times
from cnnspec.sources.calls.arrangement import rearranged
from cnnspec.sources.calls.items import (
    Affine,
    Cannot,
    Computed,
    Distances,
    Item,
    Kept,
    Laid,
    Linear,
    Norms,
    Padded,
    Scores,
    WithOnes,
    kept,
    number,
)
from cnnspec.sources.calls.layout import (
    BATCH,
    Dims,
    atoms_of,
    full,
    in_order,
    joined,
    permuted,
    size_of,
    sizes_of,
    viewed,
    whole,
)
from cnnspec.sources.calls.moved import Moves
from cnnspec.sources.calls.trace import Call, Tensor, Trace
from cnnspec.sources.layers import Hole, Layer, Rearranged

T = TypeVar("T")


class Reader:
    """The layers so far, and the meaning of each tensor of the trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.inputs = [one for one in trace.held if one.kind == "input" and one.shape]
        self.layers: list[Layer | Hole] = []
        self.items: dict[int, Item] = {}
        self.notes: list[str] = [*trace.notes]
        self.call: Call | None = None
        self.origins: dict[int, tuple[Item, Call]] = {}  # the call that made an item, by the item's `id`
        self.moves = Moves(trace)
        self.rearranged: dict[str, Rearranged] = {}
        self.known: dict[tuple[Any, ...], int] = {}
        self.keys: list[tuple[Any, ...] | None] = []
        for place, one in enumerate(trace.held):
            if one.kind == "input" and one.shape:
                self.items[place] = Laid(self.inputs.index(one), whole(one.shape[1:], one.shape[0]))
            else:
                self.items[place] = kept(one)

    # Layers

    def shape(self, value: int) -> Shape:
        """The shape of a value, without the batch axis."""
        first = len(self.inputs)
        return self.inputs[value].shape[1:] if value < first else self.layers[value - first].shape

    def made(self, value: int) -> Layer | None:
        """The layer that made a value."""
        first = len(self.inputs)
        layer = self.layers[value - first] if value >= first else None
        return layer if isinstance(layer, Layer) else None

    def add(self, op: Op, *values: int, weights: Mapping[str, str] | None = None) -> int:
        """Adds a layer and returns its value. A layer without weights that a module computes twice is added
        once."""
        scopes = self.call.scopes if self.call is not None else ()
        key = (op, values, scopes) if not weights and op.word not in ("dropout", "droppath") else None
        if key in self.known and key is not None:
            return self.known[key]
        out = op.out(*map(self.shape, values))
        if isinstance(out, Misfit):
            raise Cannot(out.message)
        call = self.call
        assert call is not None
        name = call.own.path.rpartition(".")[2] if call.own is not None else ""
        place = call.place
        self.layers.append(Layer(op, values, out, name, call.scopes, dict(weights or {}), place))
        output = len(self.inputs) + len(self.layers) - 1
        self.keys.append(key)
        if key is not None:
            self.known[key] = output
        return output

    def taken_back(self, before: int) -> None:
        """Removes the layers of a call that could not be translated."""
        del self.layers[before:]
        for key in self.keys[before:]:
            if key is not None:
                del self.known[key]
        del self.keys[before:]

    def hole(self, call: Call, why: str) -> tuple[Item, ...]:
        """A hole for each tensor that a call returns."""
        items: list[Item] = []
        values = tuple(dict.fromkeys(self._read_by(call.arguments.values())))
        weights = {
            str(place): one.held.key
            for place, one in enumerate(self.kept_of(call.arguments.values()))
            if one.held.kind == "weight"
        }
        for shape in call.shapes:
            images, left = divmod(shape[0], max(1, self.trace.batch)) if shape else (0, 1)
            sizes = shape if left else shape[1:] if images == 1 else (images, *shape[1:])  # heads, windows
            total = 1
            for size in sizes:
                total *= size
            ours = sizes if 1 <= len(sizes) <= 4 and total else (max(total, 1),)
            name = call.own.path.rpartition(".")[2] if call.own is not None else ""
            self.keys.append(None)
            self.layers.append(Hole(call.op, values, ours, name, call.scopes, weights, call.place, why))
            laid = whole(ours, self.trace.batch)
            items.append(Laid(len(self.inputs) + len(self.layers) - 1, viewed(laid, shape) or laid))
        return tuple(items)

    def key(self, weight: Rearranged) -> str:
        """The key of a weight in another order."""
        self.rearranged[str(weight)] = weight
        return str(weight)

    # Arguments

    def item(self, argument: Any) -> Item:
        if isinstance(argument, Tensor):
            return self.items[argument.number]
        if type(argument) is tuple:
            return tuple(map(self.item, argument))
        return argument if isinstance(argument, bool | int | float | str) else None

    def _read_by(self, arguments: Iterable[Any]) -> Iterator[int]:
        """The values that a call reads; intermediate steps become layers."""
        for one in _flat(map(self.item, arguments)):
            if isinstance(one, Scores | Linear):
                yield from (one.q.value, one.k.value)
            elif isinstance(one, Padded | WithOnes | Distances):
                yield one.of.value
            elif isinstance(one, Laid | Affine | Norms):
                yield self.laid(one).value

    def laid_of(self, arguments: Iterable[Any]) -> list[Laid]:
        return list(_of_kind(map(self.item, arguments), Laid))

    def kept_of(self, arguments: Iterable[Any]) -> list[Kept]:
        return list(_of_kind(map(self.item, arguments), Kept))

    def laid(self, item: Any) -> Laid:
        """A tensor of the network; an intermediate step becomes layers."""
        if isinstance(item, Laid):
            return item
        if isinstance(item, Affine):
            with self.where(item):
                return self._affine(item)
        if isinstance(item, Norms):
            return self._lengths(item)
        if isinstance(item, Padded):
            raise Cannot("a border of −∞ without a maxpool after it")
        if isinstance(item, WithOnes):
            raise Cannot("a border of ones")
        if isinstance(item, Scores | Linear):
            raise Cannot(
                "products of queries and keys are used in another way than the language's attention does"
            )
        raise Cannot(_without_input(item))

    @contextmanager
    def where(self, item: Item) -> Iterator[None]:
        """Layers that are made from an item belong to the call that made the item."""
        now = self.call
        if id(item) in self.origins:
            self.call = self.origins[id(item)][1]
        try:
            yield
        finally:
            self.call = now

    def _lengths(self, item: Norms) -> Laid:
        shape = self.shape(item.of.value)
        if item.step == "channels" and len(shape) > 1:
            mean = self.add(CMean(), self.add(Pow(p=Fraction(2)), item.of.value))
            total = self.add(Times(factor=Fraction(shape[0])), mean)
            dims = tuple(() if dim == full(0, shape[0]) else dim for dim in item.of.dims)
            return Laid(self.add(Pow(p=Fraction(1, 2)), total), dims)
        if item.step != "lengths":
            raise Cannot("lengths of vectors, or steps of global response normalisation, are used alone")
        mean = self.add(Gap(), self.add(Pow(p=Fraction(2)), item.of.value))
        total = self.add(Times(factor=Fraction(prod(shape[1:]))), mean)
        axes = [dim if dim == full(0, shape[0]) else () for dim in item.of.dims[1:]]
        return Laid(self.add(Pow(p=Fraction(1, 2)), total), (item.of.dims[0], *axes))

    def _affine(self, item: Affine) -> Laid:
        if item.clamped:
            plain = self._affine(item._replace(clamped=False))
            return Laid(self.add(Relu6(), plain.value), plain.dims)
        laid, factor, shift = item.of, item.factor, item.shift
        if not any(shift) and len(set(factor)) == 1:
            if factor[0] == 1:
                return laid
            place = laid.value - len(self.inputs)
            before = self.layers[place] if place >= 0 else None
            if isinstance(before, Layer) and isinstance(before.op, Tanh) and factor[0] > 0:
                made = before.op.model_copy(update={"amp": before.op.amp * number(factor[0])})
                return Laid(self.add(made, *before.inputs), laid.dims)
            return Laid(self.add(Times(factor=number(factor[0])), laid.value), laid.dims)
        axes = len(self.shape(laid.value)) - 1
        value = laid.value if axes else self.add(Reshape(shape=(*self.shape(laid.value), 1, 1)), laid.value)
        planes = tuple(((number(one),),) for one in factor)
        biases = ((tuple(map(number, shift)),),)
        op = DwConv(
            F=(1,) * (axes or 2),
            S=(1,) * (axes or 2),
            P=(0,) * (axes or 2),
            D=(1,) * (axes or 2),
            weight_values=planes,
            bias_values=biases,
            frozen=True,
        )
        return Laid(self.add(op, value), laid.dims)

    # Arrangements

    def at_channels(self, laid: Laid, dim: int) -> Laid:
        """The tensor with dimension `dim` as the channels, and all others as positions."""
        dim %= len(laid.dims)
        shape = self.shape(laid.value)
        images = full(BATCH, self.trace.batch)
        batch = laid.dims.index(images) if images in laid.dims else 0
        others = joined(sorted(atoms_of(one for place, one in enumerate(laid.dims) if place != dim)))
        if laid.dims[dim] == full(0, shape[0]) and others == atoms_of((images, *whole(shape, 1)[2:])):
            if dim != 1 or in_order(laid.dims[1:]):
                return laid
            return self.together(laid)
        order = [batch, dim, *(place for place in range(len(laid.dims)) if place not in (batch, dim))]
        value = self.settled(laid, permuted(laid.dims, order))
        sizes = [size_of(laid.dims[place]) for place in order]
        seen = viewed(whole(self.shape(value), self.trace.batch), sizes)
        assert seen is not None
        return Laid(value, permuted(seen, [order.index(place) for place in range(len(order))]))

    def settled(self, laid: Laid, dims: Dims | None = None) -> int:
        """A value with the tensor's own shape: its first dimension is the batch, the next the channels.
        `dims`: another arrangement of it."""
        dims = dims or laid.dims
        if atoms_of(dims[:1]) != full(BATCH, self.trace.batch):
            raise Cannot("images and positions are exchanged")
        with self.where(laid):
            value = laid.value
            for op in rearranged(self.shape(value), dims[1:]):
                value = self.add(op, value)
            return value

    def together(self, laid: Laid) -> Laid:
        """A map that was put together again from its windows, for all that read it."""
        whole = self.whole(laid)
        self.items |= {number: whole for number, item in self.items.items() if item is laid}
        return whole

    def whole(self, laid: Laid) -> Laid:
        """The tensor as a value of its own shape."""
        value = self.settled(laid)
        return Laid(
            value, viewed(whole(self.shape(value), self.trace.batch), sizes_of(laid.dims)) or laid.dims
        )

    def fresh(self, value: int) -> Laid:
        """A value in torch's usual arrangement."""
        return Laid(value, whole(self.shape(value), self.trace.batch))


def _without_input(item: Item) -> str:
    """Why a tensor that does not depend on the network's input cannot be used like one that does."""
    match item:
        case Kept(held) if held.kind == "constant":
            return "one of its tensors is a constant of the code, not computed from the input"
        case Kept(held):
            return f"one of its tensors is the weight `{held.key}` itself (a token or an embedding)"
        case Computed(by):
            return f"one of its tensors is computed (by `{by}`) from weights alone, without the input"
    return "one of its tensors is not computed from the input"


def _of_kind(items: Iterable[Any], kind: type[T]) -> Iterable[T]:
    return (one for one in _flat(items) if isinstance(one, kind))


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if type(item) is tuple:
            yield from _flat(item)
        else:
            yield item
