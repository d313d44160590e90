"""Which arguments of a call are given by position and which by name: seven bare numbers in a row are hard to
read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from cnnspec.lower.symbolic import OPPOSITES, Apply, Const

BARE = 3
"""The largest number of the author's parameters that a call supplies by position. One of them may be a bare
number."""

FILTERS = ("k", "out_channels")
"""These may come first by position, as in torch's own layers: `Stage(256, 128, n=4)`."""


class Argument(NamedTuple):
    """An argument. `own`: its parameter is the author's, not a size of an input."""

    name: str
    value: Any
    own: bool
    has_default: bool


def by_position(arguments: Sequence[Argument]) -> Iterator[bool]:
    """Whether each argument is given by position: none is after one that has its name."""
    first = [*takewhile(lambda one: not one.has_default, arguments)]
    own = [one for one in first if one.own]
    bare = [isinstance(one.value, Const) for one in own]
    many = len(own) > BARE or sum(bare) > 1 or sum(isinstance(one.value, Const) for one in first) >= BARE
    sizes = sum(not one.own for one in first[:1])
    still = True
    for place, argument in enumerate(arguments):
        named = many and not (place == sizes and argument.name in FILTERS)
        named |= isinstance(argument.value, Const) and place > sizes
        still &= (
            not argument.has_default and not (argument.own and named) and not _says_little(argument.value)
        )
        yield still


def _says_little(value: Any) -> bool:
    """Whether an argument needs its name: `first=i == 0`, `s=2 if i == 0 else 1`, `squeeze=True`."""
    if isinstance(value, Const):
        return isinstance(value.value, bool)
    if not isinstance(value, Apply):
        return False
    plain = all(isinstance(argument, Const) for argument in value.arguments[1:])
    return value.operator in OPPOSITES or (value.operator == "if" and plain)
