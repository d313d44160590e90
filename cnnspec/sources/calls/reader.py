"""A trace, read call by call: what each tensor of torch is, and the layers so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import inf, prod
from struct import pack, unpack
from typing import Any, NamedTuple, TypeAlias, TypeVar

from cnnspec.ops.activation import Tanh
from cnnspec.ops.base import Misfit, Op, Shape
from cnnspec.ops.conv import DwConv
from cnnspec.ops.dense import Flatten
from cnnspec.ops.fields import exact
from cnnspec.ops.pool import CMean, Gap
from cnnspec.ops.powers import Pow
from cnnspec.ops.rectifier import Relu6
from cnnspec.ops.resample import PixelShuffle, PixelUnshuffle, Shuffle, Upsample
from cnnspec.ops.reshape import Reshape, Transpose
from cnnspec.ops.scale import Times
from cnnspec.sources.calls.layout import (
    BATCH,
    REPEATED,
    Atom,
    Dim,
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
from cnnspec.sources.calls.trace import Call, Held, Tensor, Trace
from cnnspec.sources.layers import Hole, Layer

T = TypeVar("T")


class Cannot(Exception):
    """The language cannot say a call: why, in a clause."""


class Unknown(Cannot):
    """It could be said if the values of a constant were known: on the meta device they are not."""


class Laid(NamedTuple):
    """A tensor that the network computes: a value of the layer list, and how it lies."""

    value: int
    dims: Dims


class Kept(NamedTuple):
    """A weight, buffer or constant, seen through views: `dims` lie on its own axes. factor: it was multiplied
    by this number."""

    held: Held
    dims: Dims
    factor: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether it is used as it is kept."""
        return self.factor == 1 and self.dims == tuple(
            full(axis, n) for axis, n in enumerate(self.held.shape)
        )


class Scores(NamedTuple):
    """Products of queries and keys on their way to attention: not a value of the language by itself.
    turned: rows are keys. softmax: along the keys, done. wrong: why it is no attention of the language's."""

    q: Laid
    k: Laid
    factor: float = 1.0
    softmax: bool = False
    turned: bool = False
    wrong: str = ""


class Affine(NamedTuple):
    """A tensor times numbers plus numbers, one or one per channel: no layer until one knows what follows.
    clamped: and then relu6."""

    of: Laid
    factor: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)
    clamped: bool = False


class Computed(NamedTuple):
    """A tensor that is computed from weights or constants alone, in a way that no rule reads: the op, its
    arguments, and which of its tensors this is."""

    by: str
    arguments: Mapping[str, Item] = {}
    place: int = 0


class Norms(NamedTuple):
    """The lengths of each position's `channels`; or of a tensor's maps (`lengths`), and what global response
    normalisation makes of them, step by step: their `mean`, which eps is added to, the `share` of each, the
    tensor times its share (`product`), with a weight, and with a bias."""

    of: Laid
    step: str
    eps: float = 0.0
    weight: Kept | None = None
    bias: Kept | None = None


class Distances(NamedTuple):
    """A vector minus each row of a weight, perhaps squared: what `rbf` sums."""

    of: Laid
    weight: Kept
    squared: bool = False


class Padded(NamedTuple):
    """A border of −∞, which only a maxpool takes."""

    of: Laid
    ends: tuple[tuple[int, int], ...]


class Places(NamedTuple):
    """Where a maxpool found its maxima: its input, and the pool."""

    value: int
    pool: Op


class Normal(NamedTuple):
    """A weight that is normalised before it is used: the word, and keys by the names that the op has."""

    normalised: str
    keys: Mapping[str, str]
    shape: Shape
    eps: float | None = None
    gamma: float = 1.0


Item: TypeAlias = (
    "Laid | Kept | Computed | Scores | Affine | Norms | Distances | Padded | Places | Normal | float | bool"
    " | str | tuple[Item, ...] | None"
)


class Reader:
    """The layers so far, and what each tensor of the trace is."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.inputs = [one for one in trace.held if one.kind == "input" and one.shape]
        self.layers: list[Layer | Hole] = []
        self.items: dict[int, Item] = {}
        self.notes: list[str] = [*trace.notes]
        self.call: Call | None = None
        self.origins: dict[int, tuple[Item, Call]] = {}  # the call that gave an item, by its identity
        self.known: dict[tuple[Any, ...], int] = {}
        self.keys: list[tuple[Any, ...] | None] = []
        for number, one in enumerate(trace.held):
            if one.kind == "input" and one.shape:
                self.items[number] = Laid(self.inputs.index(one), whole(one.shape[1:], one.shape[0]))
            else:
                self.items[number] = kept(one)

    # Layers

    def shape(self, value: int) -> Shape:
        """Of a value, without the images."""
        first = len(self.inputs)
        return self.inputs[value].shape[1:] if value < first else self.layers[value - first].shape

    def add(self, op: Op, *values: int, weights: Mapping[str, str] | None = None) -> int:
        """A layer; gives its value. What a module computes twice without weights is there once."""
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
        made = len(self.inputs) + len(self.layers) - 1
        self.keys.append(key)
        if key is not None:
            self.known[key] = made
        return made

    def taken_back(self, before: int) -> None:
        """The layers of a call that came to nothing are no layers."""
        del self.layers[before:]
        for key in self.keys[before:]:
            if key is not None:
                del self.known[key]
        del self.keys[before:]

    def hole(self, call: Call, why: str) -> tuple[Item, ...]:
        """A named hole for each tensor that a call gives."""
        made: list[Item] = []
        values = tuple(dict.fromkeys(self._read_by(call.arguments.values())))
        weights = {
            str(place): one.held.key
            for place, one in enumerate(self.kept_of(call.arguments.values()))
            if one.held.kind == "weight"
        }
        for shape in call.shapes:
            sizes = shape[1:] if shape[:1] == (self.trace.batch,) else shape
            total = 1
            for size in sizes:
                total *= size
            ours = sizes if 1 <= len(sizes) <= 4 and total else (max(total, 1),)
            name = call.own.path.rpartition(".")[2] if call.own is not None else ""
            self.keys.append(None)
            self.layers.append(Hole(call.op, values, ours, name, call.scopes, weights, call.place, why))
            laid = whole(ours, self.trace.batch)
            made.append(Laid(len(self.inputs) + len(self.layers) - 1, viewed(laid, shape) or laid))
        return tuple(made)

    # Arguments

    def item(self, argument: Any) -> Item:
        if isinstance(argument, Tensor):
            return self.items[argument.number]
        if type(argument) is tuple:
            return tuple(map(self.item, argument))
        return argument if isinstance(argument, bool | int | float | str) else None

    def _read_by(self, arguments: Iterable[Any]) -> Iterator[int]:
        """The values that a call reads; what was put off is made layers."""
        for one in _flat(map(self.item, arguments)):
            if isinstance(one, Scores):
                yield from (one.q.value, one.k.value)
            elif isinstance(one, Padded | Distances):
                yield one.of.value
            elif isinstance(one, Laid | Affine | Norms):
                yield self.laid(one).value

    def laid_of(self, arguments: Iterable[Any]) -> list[Laid]:
        return list(_of_kind(map(self.item, arguments), Laid))

    def kept_of(self, arguments: Iterable[Any]) -> list[Kept]:
        return list(_of_kind(map(self.item, arguments), Kept))

    def laid(self, item: Any) -> Laid:
        """A tensor of the network; what was put off is made a layer."""
        if isinstance(item, Laid):
            return item
        if isinstance(item, Affine):
            with self.where(item):
                return self._affine(item)
        if isinstance(item, Norms):
            return self._lengths(item)
        if isinstance(item, Padded):
            raise Cannot("a border of −∞ without a maxpool after it")
        if isinstance(item, Scores):
            raise Cannot("scores of attention are used outside of it")
        raise Cannot("it is computed from weights or constants alone")

    @contextmanager
    def where(self, item: Item) -> Iterator[None]:
        """What is made of an item belongs to the call that gave it."""
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
        """The tensor where dimension `dim` is the channels, and all other ones are positions."""
        dim %= len(laid.dims)
        shape = self.shape(laid.value)
        images = full(BATCH, self.trace.batch)
        batch = laid.dims.index(images) if images in laid.dims else 0
        others = joined(sorted(atoms_of(one for place, one in enumerate(laid.dims) if place != dim)))
        if laid.dims[dim] == full(0, shape[0]) and others == atoms_of((images, *whole(shape, 1)[2:])):
            return laid
        order = [batch, dim, *(place for place in range(len(laid.dims)) if place not in (batch, dim))]
        value = self.settled(laid, permuted(laid.dims, order))
        sizes = [size_of(laid.dims[place]) for place in order]
        seen = viewed(whole(self.shape(value), self.trace.batch), sizes)
        assert seen is not None
        return Laid(value, permuted(seen, [order.index(place) for place in range(len(order))]))

    def settled(self, laid: Laid, dims: Dims | None = None) -> int:
        """A value whose own shape is that of the tensor: its first dimension is the images, the next the
        channels. `dims`: another arrangement of it."""
        dims = dims or laid.dims
        if atoms_of(dims[:1]) != full(BATCH, self.trace.batch):
            raise Cannot("images and positions are exchanged")
        with self.where(laid):
            return self._permuted(laid.value, dims[1:])

    def whole(self, laid: Laid) -> Laid:
        """The tensor as a value of its own shape."""
        value = self.settled(laid)
        return Laid(
            value, viewed(whole(self.shape(value), self.trace.batch), sizes_of(laid.dims)) or laid.dims
        )

    def fresh(self, value: int) -> Laid:
        """A value in torch's usual arrangement."""
        return Laid(value, whole(self.shape(value), self.trace.batch))

    def _permuted(self, value: int, dims: Dims) -> int:
        shape, sizes = self.shape(value), sizes_of(dims)
        if not 1 <= len(sizes) <= 4:
            dims = (dims[0], *dims[1:3], joined(_chained(dims[3:]))) if len(sizes) > 4 else ((),)
            sizes = sizes_of(dims)
        if any(atom.axis == BATCH for atom in atoms_of(dims)):
            raise Cannot("images are split")
        if any(atom.axis == REPEATED for atom in atoms_of(dims)):
            return self._repeated(value, dims)
        if not in_order(dims):
            value, dims = self._exchanged(value, dims)
            shape = self.shape(value)
        if shape == sizes:
            return value
        return self.add(Flatten() if len(sizes) == 1 else Reshape(shape=sizes), value)

    def _repeated(self, value: int, dims: Dims) -> int:
        """torch's expand: the same numbers at each position."""
        dim_is = [any(atom.axis == REPEATED for atom in dim) for dim in dims]
        if dim_is[0] or any(len(dim) > 1 for dim, is_one in zip(dims, dim_is, strict=True) if is_one):
            return self._repeated_in_a_row(value, dims)
        small = self._permuted(
            value, tuple(() if is_one else dim for dim, is_one in zip(dims, dim_is, strict=True))
        )
        return self.add(Upsample(size_out=sizes_of(dims)[1:]), small)

    def _repeated_in_a_row(self, value: int, dims: Dims) -> int:
        """Numbers each of which is repeated so many times, one after the other: groups of channels."""
        atoms = list(_chained(dims))
        ends = [atom.axis == REPEATED for atom in atoms]
        if ends != sorted(ends):
            raise Cannot("repeated numbers are rearranged")
        small = self._permuted(value, (joined(atom for atom in atoms if atom.axis != REPEATED),))
        row = self.add(Reshape(shape=(*self.shape(small), 1)), small)
        times = prod(atom.size for atom in atoms if atom.axis == REPEATED)
        return self.add(Reshape(shape=sizes_of(dims)), self.add(Upsample(size_out=(times,)), row))

    def _exchanged(self, value: int, dims: Dims) -> tuple[int, Dims]:
        """Layers after which the numbers lie in the order of these dimensions."""
        shape, sizes = self.shape(value), sizes_of(dims)
        atoms = atoms_of(dims)
        for op in _exchanges(shape, sizes, atoms):
            if op is not None and _order_after(op, shape) == atoms:
                made = self.add(op, value)
                after = whole(self.shape(made), 1)[1:]
                seen = viewed(after, sizes)
                if seen is not None:
                    return made, seen
        return self._by_transposing(value, atoms, sizes)

    def _by_transposing(self, value: int, atoms: Dim, sizes: Shape) -> tuple[int, Dims]:
        """Any permutation, of blocks of atoms one after the other: `transpose` exchanges the last two."""
        now, wanted = sorted(atoms), list(atoms)
        rounds = 0
        for place in range(len(wanted)):
            at = now.index(wanted[place])
            if at == place:
                continue
            rounds += 1
            if rounds > 4:
                raise Cannot("numbers are permuted in a way that takes many layers")
            before = now[:place]
            front, back = now[place:at], now[at:]
            rows, columns = prod(one.size for one in front), prod(one.size for one in back)
            value = self.add(Reshape(shape=(prod(one.size for one in before), rows, columns)), value)
            value = self.add(Transpose(), value)
            now = [*before, *back, *front]
        seen = viewed(whole(self.shape(value), 1)[1:], sizes)
        assert seen is not None
        return value, seen


def number(value: float) -> Fraction:
    """As a spec would write it: 0.1, not 0.1000000000000000055, nor float32's 0.10000000149; 1/3 where it is
    that."""
    plain = exact(_short(float(value)))
    simple = plain.limit_denominator(1000)
    return simple if float(simple) == float(value) else plain


def _short(value: float) -> float:
    """Of a number that float32 holds, the shortest decimal that is it there."""
    if value != _single(value):
        return value
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 9))
    return next((one for one in shorter if _single(one) == value), value)


def _single(value: float) -> float:
    try:
        return float(unpack("f", pack("f", value))[0])
    except OverflowError:
        return inf


def kept(held: Held, factor: float = 1.0) -> Kept:
    return Kept(held, tuple(full(axis, size) for axis, size in enumerate(held.shape)), factor)


def _order_after(op: Op, shape: Shape) -> Dim | None:
    """Where the numbers of a value lie after an op that moves them, as atoms of the value before."""
    axes = range(1, len(shape))
    dims: Sequence[Dim]
    if isinstance(op, Shuffle):
        each = shape[0] // op.G
        dims = ((Atom(0, op.G, each), Atom(0, 1, op.G)), *(full(axis, shape[axis]) for axis in axes))
    elif isinstance(op, Transpose):
        dims = [full(axis, size) for axis, size in enumerate(shape)]
        dims[-2:] = dims[:-3:-1]
    elif isinstance(op, PixelShuffle):
        inside, channels = prod(op.factor), shape[0] // prod(op.factor)
        parts, outer = [], channels
        for size in op.factor:
            parts.append(Atom(0, outer, size))
            outer *= size
        assert outer == channels * inside
        dims = (
            full(0, channels),
            *((*full(axis, shape[axis]), part) for axis, part in zip(axes, parts, strict=True)),
        )
        dims = (((Atom(0, 1, channels),) if channels > 1 else ()), *dims[1:])
    elif isinstance(op, PixelUnshuffle):
        inner = [Atom(axis, shape[axis] // size, size) for axis, size in zip(axes, op.factor, strict=True)]
        outer_ = [Atom(axis, 1, shape[axis] // size) for axis, size in zip(axes, op.factor, strict=True)]
        dims = ((*full(0, shape[0]), *inner), *((one,) for one in outer_))
    else:
        return None
    return atoms_of(dims)


def _exchanges(shape: Shape, sizes: Shape, atoms: Dim) -> Iterable[Op | None]:
    """What the language has for an exchange, with the numbers that it would have here."""
    first = [atom for atom in atoms if atom.axis == 0]
    if len(first) >= 2 and first[-1].outer == 1:
        yield Shuffle(G=first[-1].size)
    if len(shape) >= 3:
        yield Transpose()
    if len(shape) == len(sizes) and len(shape) >= 2 and sizes[0]:
        before, after = shape[1:], sizes[1:]
        if all(b % a == 0 for a, b in zip(before, after, strict=True)):
            yield PixelShuffle(factor=tuple(b // a for a, b in zip(before, after, strict=True)))
        if all(a % b == 0 for a, b in zip(before, after, strict=True)):
            yield PixelUnshuffle(factor=tuple(a // b for a, b in zip(before, after, strict=True)))


def _chained(dims: Iterable[Dim]) -> Iterable[Atom]:
    for dim in dims:
        yield from dim


def _of_kind(items: Iterable[Any], kind: type[T]) -> Iterable[T]:
    return (one for one in _flat(items) if isinstance(one, kind))


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    for one in items:
        if type(one) is tuple:
            yield from _flat(one)
        else:
            yield one
