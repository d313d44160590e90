"""A window that slides along an axis: its positions, and the finding where it has none.

Along an axis of N positions the window has F taps, D apart, so it spans D(F − 1) + 1 positions; it moves by
S. There are P zeros before the first position and P after the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from cnnspec.ops.base import (
    Misfit,
    Op,
    Shape,
    Sizes,
    Window,
    arguments_of,
    axes_of,
    spelled,
    written_shape,
    written_sizes,
)
from cnnspec.ops.formula import Formula, Values

Ends = tuple[int, int]
"""Zeros before the first position and after the last one."""


def reach(F: int, D: int) -> int:
    """How many positions a window of F taps spans: D(F − 1) + 1."""
    return D * (F - 1) + 1


def places(N: int, F: int, S: int, ends: Ends, D: int = 1) -> int:
    """⌊(N + 2P − D(F − 1) − 1)/S⌋ + 1, the CS231n notes' (W − F + 2P)/S + 1; below 1 where no window fits."""
    return (N + ends[0] + ends[1] - reach(F, D)) // S + 1


def places_rounding_up(N: int, F: int, S: int, ends: Ends, D: int = 1) -> int:
    """The same with ⌈ ⌉, without a last window that would start after the input."""
    count = -((reach(F, D) - N - ends[0] - ends[1]) // S) + 1
    return count - 1 if (count - 1) * S >= N + ends[0] else count


def same_ends(N: int, F: int, S: int, D: int = 1) -> Ends:
    """The zeros that give ⌈N/S⌉ places, the odd one after the last position."""
    zeros = max((-(-N // S) - 1) * S + reach(F, D) - N, 0)
    return zeros // 2, zeros - zeros // 2


def steps_over(N: int, S: int, before: int, D: int, count: int) -> bool:
    """Whether one of the first `count` windows has a tap before the map, its next one after it, and none
    on it. The first tap at or after position 0 of a window that starts at s < 0 is s mod D.
    """
    if N >= D or before == 0:
        return False
    first = -before
    last = first + (min(count, -(-before // S)) - 1) * S  # of the windows that start before the map
    turn = last - last % D  # s mod D grows up to here, and again from here on
    highest = first + (turn - 1 - first) // S * S
    return last % D >= N or (highest >= first and highest % D >= N)


class Slide(NamedTuple):
    """A window that slides over a map: each field has a number for each axis; P may be "same"."""

    F: Sizes
    S: Sizes
    P: Sizes | str
    D: Sizes

    def ends(self, input_shape: Shape) -> tuple[Ends, ...]:
        """The zeros of each axis: of a map ((top, bottom), (left, right))."""
        if isinstance(self.P, str):
            return tuple(map(same_ends, input_shape[1:], self.F, self.S, self.D))
        return tuple((P, P) for P in self.P)

    def size(self, input_shape: Shape, *, ceil: bool = False) -> Sizes:
        """(H', W'); below 1 where no window fits."""
        count = places_rounding_up if ceil else places
        return tuple(map(count, input_shape[1:], self.F, self.S, self.ends(input_shape), self.D))

    def windows(self, input_shape: Shape) -> tuple[Window, ...]:
        """What an output position reads, along each axis."""
        return tuple(
            Window(reach(F, D), S, -before)
            for F, S, D, (before, _) in zip(self.F, self.S, self.D, self.ends(input_shape), strict=True)
        )

    def formulas(self, input_shape: Shape, out: Shape, *, ceil: bool = False) -> tuple[Formula, ...]:
        """W' and, where it differs, H'; with Psame the zeros and their places too."""
        axes, places = axes_of(input_shape), range(len(self.F))
        sizes = each_or_one([self.formula(axis, input_shape, out, ceil=ceil) for axis in places], axes)
        if not isinstance(self.P, str):
            return sizes
        zeros = [self._zeros(axis, input_shape, out) for axis in places]
        return *sizes, *split_unevenly(zeros, axes, self.ends(input_shape), "zeros")

    def _zeros(self, axis: int, input_shape: Shape, out: Shape) -> Formula:
        """How many zeros Psame puts along an axis."""
        letter, F, D = axes_of(input_shape)[axis], self.F[axis], self.D[axis]
        values: Values = {
            letter + "'": out[1 + axis],
            "S": self.S[axis],
            letter: input_shape[1 + axis],
            "F": F,
        }
        text = f"({letter}' − 1)·S + {'F' if D == 1 else 'D·(F − 1) + 1'} − {letter}"
        total = (out[1 + axis] - 1) * self.S[axis] + reach(F, D) - input_shape[1 + axis]
        values |= {"D": D} if D != 1 else {}
        return Formula("Z", text if total >= 0 else f"max({text}, 0)", values, max(total, 0))

    def formula(self, axis: int, input_shape: Shape, out: Shape, *, ceil: bool = False) -> Formula:
        """One axis (0: the first), in the form that fits: with ⌊ ⌋ only where the stride does not divide."""
        letter, N, result = axes_of(input_shape)[axis], input_shape[1 + axis], out[1 + axis]
        F, S, D = self.F[axis], self.S[axis], self.D[axis]
        if isinstance(self.P, str):
            return Formula(letter + "'", f"⌈{letter}/S⌉", {letter: N, "S": S}, result)
        P = self.P[axis]
        numerator = f"{letter} − {'F' if D == 1 else 'D·(F − 1) − 1'} + 2P"
        values = {letter: N, "F": F, **({"D": D} if D != 1 else {}), "P": P, "S": S}
        room = N + 2 * P - reach(F, D)
        if room % S == 0:
            text, exact = f"({numerator})/S + 1", room // S + 1
        elif ceil:
            text, exact = f"⌈({numerator})/S⌉ + 1", -(-room // S) + 1
        else:
            text, exact = f"⌊({numerator})/S⌋ + 1", room // S + 1
        if ceil and exact == result + 1:  # the last window would start after the input
            text += " − 1"
        return Formula(letter + "'", text, values, result)

    def too_large(self, input_shape: Shape, *, what: str = "filter") -> Misfit:
        """E301: no window fits on the map. Shows the formula, a padding that keeps the size, a filter that
        fits.
        """
        C, *sizes = input_shape
        F, S, P, D = self
        assert not isinstance(P, str)  # Psame always fits
        spans = tuple(map(reach, F, D))
        padded = tuple(N + 2 * p for N, p in zip(sizes, P, strict=True))
        axis = max(axis for axis, span in enumerate(spans) if span > padded[axis])
        formula = self.formula(axis, input_shape, (C, *self.size(input_shape)))
        fits = tuple(min(f, (N - 1) // d + 1) for f, N, d in zip(F, padded, D, strict=True))
        smaller = f"F{written_sizes(fits)}"
        ways = [f"{smaller} gives {written_shape(self._replace(F=fits).size(input_shape))}"]
        if what == "filter" and set(S) == {1} and all(span % 2 for span in spans):
            keep = tuple((span - 1) // 2 for span in spans)
            ways.insert(0, f"P{written_sizes(keep)} keeps it at {written_shape(input_shape[1:])}")
        dilated = f" (dilated: {written_shape(spans)})" if set(D) != {1} else ""
        in_all = f" and its padding ({written_shape(padded)} in all)" if set(P) != {0} else ""
        size, on = written_shape(F), f"on {a_map(input_shape[1:])}"
        return Misfit(
            "E301",
            f"the {what} is larger than its input: {size}{dilated} {on}{in_all}",
            argument="F",
            note=formula.steps(),
            help="; ".join(ways),
            replacement=smaller,
            label=f"{size} {what} {on}" if len(F) > 1 else f"{what} of size {size} {on}",
        )


@cache
def _sized(op: type[Op]) -> tuple[str, ...]:
    """The fields that have a number for each axis."""
    return tuple(name for name, argument in arguments_of(op) if argument.kind == "sizes")


def needs_map(op: Op, input_shape: Shape) -> Misfit | None:
    """E303 where the input is a vector; E307 where the op has sizes for other axes than the input has."""
    count = len(input_shape) - 1
    if not 1 <= count <= 3:
        return map_missing(op.word, input_shape)
    for name in _sized(type(op)):
        sizes = getattr(op, name)
        if isinstance(sizes, tuple) and len(sizes) != count:
            return _other_axes(op, name, input_shape)
    return None


LONG = 2_000
"""A vector of at least this length may be meant as a signal."""


def map_missing(word: str, input_shape: Shape, number: int = 0) -> Misfit | None:
    """E303 where the input `number` is a vector."""
    if 2 <= len(input_shape) <= 4:
        return None
    C = input_shape[0]
    return Misfit(
        "E303",
        f"{word} needs maps, CxHxW; its input is a vector of {C:,} numbers",
        input=number,
        help=f"reshape {C}x1x1 makes maps of it; or move {word} before the flatten"
        if C < LONG
        else f"a signal is channels and positions, `1x{C}`: in the input, or by `reshape 1x{C}`",
    )


def _other_axes(op: Op, name: str, input_shape: Shape) -> Misfit:
    """`F1x3x3` on a map, `F3x3` on a signal."""
    sizes, axes = getattr(op, name), axes_of(input_shape)
    argument = dict(arguments_of(type(op)))[name]
    default = type(op).model_fields[name].default
    neutral = default[0] if isinstance(default, tuple) else 1
    more = len(axes) - len(sizes)
    fits = (neutral,) * more + sizes if more > 0 else sizes[-len(axes) :]
    if more < 0 and sizes[0] != neutral:
        fits = sizes[: len(axes)]
    written = spelled(argument, sizes)
    written = written.removesuffix(written_sizes(sizes)) + written_shape(sizes)
    way = "a filter is as deep as its input" if name == "F" and more < 0 else "there is one for each axis"
    return Misfit(
        "E307",
        f"{written} has {len(sizes)} sizes, and the input {written_shape(input_shape)} has {len(axes)} "
        f"({listed(axes)})",
        argument=name,
        help=f"{way}: write `{spelled(argument, fits)}`",
        replacement=spelled(argument, fits),
    )


def each_or_one(formulas: Sequence[Formula], axes: str) -> tuple[Formula, ...]:
    """The formulas of the axes, from the last. Formulas that differ only in their letters become one, `W' =
    H'`.
    """
    return tuple(
        one._replace(name=" = ".join(f"{axes[axis]}'" for axis in alike))
        for one, alike in _alike(formulas, axes)
    )


def _alike(formulas: Sequence[Formula], axes: str) -> list[tuple[Formula, list[int]]]:
    """Each different formula with its axes, from the last axis."""
    groups: list[tuple[Formula, list[int]]] = []
    plain: list[tuple[str, list[int | Fraction | str]]] = []
    for axis in reversed(range(len(axes))):
        one = formulas[axis]
        text = one.text.replace(axes[axis], "N"), [*one.values.values()]
        if text in plain:
            groups[plain.index(text)][1].append(axis)
        else:
            plain.append(text)
            groups.append((one, [axis]))
    return groups


ENDS = {"W": ("left", "right"), "H": ("top", "bottom"), "T": ("front", "back")}
"""The ends of each axis, before its first position and after its last."""


def split_unevenly(
    totals: Sequence[Formula], axes: str, ends: tuple[Ends, ...], what: str
) -> Iterator[Formula]:
    """Along each axis, how a number Z of positions is split: ⌊Z/2⌋ before the map, the rest after it."""
    for total, alike in _alike(totals, axes):
        before, after = ends[alike[0]]
        first, last = (listed([ENDS[axes[axis]][end] for axis in alike], "the ") for end in (0, 1))
        yield total._replace(name=f"Z, {what} along {listed([axes[axis] for axis in alike])}")
        yield Formula(f"{what} at the {first}", "⌊Z/2⌋", {"Z": total.result}, before)
        yield Formula(f"{what} at the {last}", "⌈Z/2⌉", {"Z": total.result}, after)


def scaled(text: str, input_shape: Shape, out: Shape, **factor: Sizes) -> tuple[Formula, ...]:
    """`W·r` and, where it differs, `H·r`: `text` is W's, `factor` a symbol with its value along each axis."""
    axes = axes_of(input_shape)
    formulas = [
        Formula(
            letter + "'",
            text.replace("W", letter),
            {letter: input_shape[1 + axis], **{symbol: value[axis] for symbol, value in factor.items()}},
            out[1 + axis],
        )
        for axis, letter in enumerate(axes)
    ]
    return each_or_one(formulas, axes)


def places_of(axes: int) -> tuple[str, ...]:
    """The name of the positions along each axis: the positions of a signal, the rows and columns of a map."""
    return ("position",) if axes == 1 else ("plane", "row", "column")[-axes:]


def listed(words: Sequence[str], article: str = "") -> str:
    """`left`, `left and the top`, `left, the top and the front`."""
    first, *others = words
    if not others:
        return first
    return ", ".join([first, *(article + one for one in others[:-1])]) + f" and {article}{others[-1]}"


def a_map(sizes: Sizes) -> str:
    """`a 7x7 map`, `an 8x8 map`, `a map of 7 positions`."""
    if len(sizes) == 1:
        return f"a map of {sizes[0]} position{'s' if sizes[0] != 1 else ''}"
    first = sizes[0]
    return f"{'an' if str(first).startswith('8') or first in (11, 18) else 'a'} {written_shape(sizes)} map"
