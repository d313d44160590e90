"""The meaning of a torch tensor while a trace is read: a value of the network, a weight, or an intermediate
step of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import inf
from struct import pack, unpack
from typing import Literal, NamedTuple, TypeAlias

from cnnspec.ops.base import Op, Shape
from cnnspec.ops.fields import exact
from cnnspec.sources.calls.layout import Dims, full
from cnnspec.sources.calls.trace import Held


class Cannot(Exception):
    """The language has no layer for a call; the message is the reason, a clause."""


class Unknown(Cannot):
    """A call could be translated if the values of a constant were known, which they are not on the meta
    device."""


class Laid(NamedTuple):
    """A tensor that the network computes: a value of the layer list, and its arrangement."""

    value: int
    dims: Dims


class Kept(NamedTuple):
    """A weight, buffer or constant, perhaps through views: `dims` refer to its own axes. factor: a number
    that it was multiplied by."""

    held: Held
    dims: Dims
    factor: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether it is used as it is stored."""
        return self.factor == 1 and self.dims == tuple(
            full(axis, n) for axis, n in enumerate(self.held.shape)
        )


class Offsets(NamedTuple):
    """What is added to scores: a table, or products of the queries. weights: of the layer, key by name.
    sizes: of the map. ratio: of the queries' products with these vectors to those with the keys; what a table
    was multiplied by."""

    kind: Literal["table", "query"]
    weights: Mapping[str, str]
    sizes: tuple[int, ...]
    ratio: float = 1.0


class Scores(NamedTuple):
    """Products of queries and keys, an intermediate step of attention: not a value of the language by itself.
    turned: rows are keys. softmax: along the keys, done. wrong: the reason why it is not the language's
    attention."""

    q: Laid
    k: Laid
    factor: float = 1.0
    softmax: bool = False
    turned: bool = False
    offsets: Offsets | None = None
    ones: bool = False
    wrong: str = ""


class Linear(NamedTuple):
    """q·(Σ k·vᵀ), on its way to attention without a softmax. ones: v has one more channel, of ones; then this
    is all of it, what is `above`, or what is `below`, the last channel, to which eps may have been added."""

    q: Laid
    k: Laid
    v: Laid
    ones: bool = False
    part: Literal["", "above", "below"] = ""
    eps: float = 0.0


class Affine(NamedTuple):
    """A tensor times numbers plus numbers, one or one per channel. It becomes layers only when the next call
    is known. clamped: followed by relu6."""

    of: Laid
    factor: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)
    clamped: bool = False


class Computed(NamedTuple):
    """A tensor that is computed from weights or constants alone, and for which no rule exists: the op, its
    arguments, and the index of the tensor among its outputs."""

    by: str
    arguments: Mapping[str, Item] = {}
    place: int = 0


class Norms(NamedTuple):
    """The lengths of each position's `channels`, or of a tensor's maps (`lengths`). The others are the steps
    of global response normalisation: the `mean` of the lengths, plus eps, the `share` of each, the tensor
    times its share (`product`), with a weight, and with a bias."""

    of: Laid
    step: str
    eps: float = 0.0
    weight: Kept | None = None
    bias: Kept | None = None


class Distances(NamedTuple):
    """A vector minus each row of a weight, perhaps squared: the terms that `rbf` sums."""

    of: Laid
    weight: Kept
    squared: bool = False


class Padded(NamedTuple):
    """A border of −∞, which only a maxpool accepts."""

    of: Laid
    ends: tuple[tuple[int, int], ...]


class WithOnes(NamedTuple):
    """A tensor with one more number, a 1, behind the last dimension: the values of attention without a
    softmax."""

    of: Laid


class Places(NamedTuple):
    """The positions of a maxpool's maxima: its input, and the pool."""

    value: int
    pool: Op


class Normal(NamedTuple):
    """A weight that is normalised before it is used: the word, and the keys by the op's names of weights."""

    normalised: str
    keys: Mapping[str, str]
    shape: Shape
    eps: float | None = None
    gamma: float = 1.0


Item: TypeAlias = (
    "Laid | Kept | Computed | Scores | Linear | Affine | Norms | Distances | Padded | WithOnes | Places"
    " | Normal | float | bool | str | tuple[Item, ...] | None"
)


def kept(held: Held, factor: float = 1.0) -> Kept:
    return Kept(held, tuple(full(axis, size) for axis, size in enumerate(held.shape)), factor)


def number(value: float) -> Fraction:
    """The number as in a spec: 0.1, not 0.1000000000000000055, nor float32's 0.10000000149; 1/3 where it
    equals that."""
    plain = exact(_short(float(value)))
    simple = plain.limit_denominator(1000)
    return simple if float(simple) == float(value) else plain


def _short(value: float) -> float:
    """The shortest decimal with the same float32 value, if a float32 has this value."""
    if value != _single(value):
        return value
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 9))
    return next((one for one in shorter if _single(one) == value), value)


def _single(value: float) -> float:
    try:
        return float(unpack("f", pack("f", value))[0])
    except OverflowError:
        return inf
