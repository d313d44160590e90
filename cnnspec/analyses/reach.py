"""The positions of an earlier map that one position of a map reads, along one axis: exact, also where maps
grow.

Position o of a convolution's output reads the positions S·o − P … S·o − P + D(F − 1). Where a map grows,
positions differ: after twofold upsampling, 2m and 2m + 1 both read m, and a 3-wide filter after it reads two
or three positions. A `Reach` holds the first and the last position read, for each position of one period;
after `period` positions everything is shifted by `shift`."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from cnnspec.ops.base import Window

LONGEST_PERIOD = 256
"""With a longer period a reach is unknown (None): no usual network needs one, and the work stays bounded."""
FURTHEST = 2**63
"""The same for the distance of the positions: a stride of 2 may be repeated 100,000 times on a map of 1x1."""


class Reach(NamedTuple):
    """Position o = q·period + r reads `first[r] + q·shift` … `last[r] + q·shift`."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    shift: int

    @property
    def period(self) -> int:
        return len(self.first)

    @property
    def size(self) -> int:
        """The number of positions from first to last, for the position that reads the most."""
        return max(last - first + 1 for first, last in zip(self.first, self.last, strict=True))

    @property
    def stride(self) -> Fraction:
        """The mean distance between the positions that two neighbours read."""
        return Fraction(self.shift, len(self.first))


SELF = Reach((0,), (0,), 1)
"""Each position reads only itself."""


def reach_of(window: Window) -> Reach | None:
    """The reach of one layer's window: position o reads the whole numbers in [o·stride + start, o·stride +
    start + size − 1]."""
    size, stride, start = window
    if isinstance(size, int) and isinstance(stride, int) and isinstance(start, int):
        return Reach((start,), (start + size - 1,), stride)
    stride = Fraction(stride)
    if stride.denominator > LONGEST_PERIOD:
        return None
    low, high = Fraction(start), Fraction(start + size - 1)
    parts = lcm(low.denominator, high.denominator, stride.denominator)
    begin, end, step = int(low * parts), int(high * parts), int(stride * parts)
    positions = range(stride.denominator)
    return Reach(
        tuple(-((-begin - o * step) // parts) for o in positions),
        tuple((end + o * step) // parts for o in positions),
        stride.numerator,
    )


def after(outer: Reach | None, inner: Reach | None) -> Reach | None:
    """The positions read through two maps: `outer` reads a map whose positions read `inner`."""
    if outer is None or inner is None or outer.shift * inner.shift > FURTHEST:
        return None
    # after `turns` periods of `outer`, `inner` is at the beginning of one of its periods
    inner_period = inner.period
    turns = inner_period // gcd(inner_period, outer.shift)
    period = outer.period * turns
    if period > LONGEST_PERIOD:
        return None
    first, last = [], []
    for turn in range(turns):
        start = turn * outer.shift
        for low, high in zip(outer.first, outer.last, strict=True):
            turned, place = divmod(start + low, inner_period)
            first.append(inner.first[place] + turned * inner.shift)
            turned, place = divmod(start + high, inner_period)
            last.append(inner.last[place] + turned * inner.shift)
    return Reach(tuple(first), tuple(last), turns * outer.shift // inner_period * inner.shift)


def either(one: Reach | None, other: Reach | None) -> Reach | None:
    """The positions read on one of two paths. If the strides of the paths differ, neither is wider at all
    positions; the wider one counts."""
    if one is None or other is None or one == other:
        return one and other
    if one.stride != other.stride:
        return max(one, other, key=lambda reach: (reach.size, reach.stride))
    period = lcm(one.period, other.period)
    if period > LONGEST_PERIOD:
        return None
    one, other = _drawn_out(one, period), _drawn_out(other, period)
    return Reach(tuple(map(min, one.first, other.first)), tuple(map(max, one.last, other.last)), one.shift)


def _drawn_out(reach: Reach, period: int) -> Reach:
    """The same reach with a longer period."""
    turns = range(period // reach.period)
    return Reach(
        tuple(first + turn * reach.shift for turn in turns for first in reach.first),
        tuple(last + turn * reach.shift for turn in turns for last in reach.last),
        len(turns) * reach.shift,
    )
