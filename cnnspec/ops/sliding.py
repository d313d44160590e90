"""A window that slides along an axis: where it can stand, and what to report when it cannot.

Along an axis of N positions the window has F taps, D apart, so it spans D(F − 1) + 1 positions; it moves by
S; P zeros stand before the first position and P after the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.ops.base import Misfit, Pair, Shape, Window, written_pair
from cnnspec.ops.formula import Formula, Values

Ends = tuple[int, int]
"""Zeros before the first position and after the last one."""


def reach(F: int, D: int) -> int:
    """How many positions a window of F taps spans: D(F − 1) + 1."""
    return D * (F - 1) + 1


def places(N: int, F: int, S: int, ends: Ends, D: int = 1) -> int:
    """⌊(N + 2P − D(F − 1) − 1)/S⌋ + 1, the notes' (W − F + 2P)/S + 1; below 1 where no window fits."""
    return (N + ends[0] + ends[1] - reach(F, D)) // S + 1


def places_rounding_up(N: int, F: int, S: int, ends: Ends, D: int = 1) -> int:
    """The same with ⌈ ⌉, but for a last window that would start after the input."""
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
    """A window that slides over a map: each field is (along H, along W); P may be "same"."""

    F: Pair
    S: Pair = (1, 1)
    P: Pair | str = (0, 0)
    D: Pair = (1, 1)

    def ends(self, arriving: Shape) -> tuple[Ends, Ends]:
        """Zeros ((top, bottom), (left, right))."""
        if isinstance(self.P, str):
            H, W = (same_ends(arriving[1 + a], self.F[a], self.S[a], self.D[a]) for a in (0, 1))
            return H, W
        return (self.P[0], self.P[0]), (self.P[1], self.P[1])

    def size(self, arriving: Shape, *, ceil: bool = False) -> Pair:
        """(H', W'); below 1 where no window fits."""
        count, ends = places_rounding_up if ceil else places, self.ends(arriving)
        H, W = (count(arriving[1 + a], self.F[a], self.S[a], ends[a], self.D[a]) for a in (0, 1))
        return H, W

    def windows(self, arriving: Shape) -> tuple[Window, Window]:
        """What an output position reads, along H and along W."""
        H, W = (
            Window(reach(self.F[a], self.D[a]), self.S[a], -before)
            for a, (before, _) in enumerate(self.ends(arriving))
        )
        return H, W

    def formulas(self, arriving: Shape, out: Shape, *, ceil: bool = False) -> tuple[Formula, ...]:
        """W' and, where it differs, H'; with Psame the zeros and their places too."""
        sizes = both_or_one(*(self.formula(axis, arriving, out, ceil=ceil) for axis in (1, 0)))
        if not isinstance(self.P, str):
            return sizes
        zeros = self._zeros(1, arriving, out), self._zeros(0, arriving, out)
        return *sizes, *split_unevenly(zeros, self.ends(arriving), "zeros")

    def _zeros(self, axis: int, arriving: Shape, out: Shape) -> Formula:
        """How many zeros Psame puts along an axis."""
        letter, F, D = "HW"[axis], self.F[axis], self.D[axis]
        values: Values = {letter + "'": out[1 + axis], "S": self.S[axis], letter: arriving[1 + axis], "F": F}
        text = f"({letter}' − 1)·S + {'F' if D == 1 else 'D·(F − 1) + 1'} − {letter}"
        total = (out[1 + axis] - 1) * self.S[axis] + reach(F, D) - arriving[1 + axis]
        values |= {"D": D} if D != 1 else {}
        return Formula("Z", text if total >= 0 else f"max({text}, 0)", values, max(total, 0))

    def formula(self, axis: int, arriving: Shape, out: Shape, *, ceil: bool = False) -> Formula:
        """One axis (0: H, 1: W), in the form that fits: with ⌊ ⌋ only where the stride does not divide."""
        letter, N, result = "HW"[axis], arriving[1 + axis], out[1 + axis]
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

    def too_large(self, arriving: Shape, *, what: str = "filter") -> Misfit:
        """E301: no window fits on the map. Shows the formula, a padding that keeps the size, a filter that
        fits.
        """
        C, H, W = arriving
        F, S, P, D = self
        assert not isinstance(P, str)  # Psame always fits
        spans = reach(F[0], D[0]), reach(F[1], D[1])
        formula = self.formula(1 if spans[1] > W + 2 * P[1] else 0, arriving, (C, *self.size(arriving)))
        h, w = (min(F[a], (arriving[1 + a] + 2 * P[a] - 1) // D[a] + 1) for a in (0, 1))
        smaller = f"F{written_pair((h, w))}"
        gives = self._replace(F=(h, w)).size(arriving)
        ways = [f"{smaller} gives {gives[0]}x{gives[1]}"]
        if what == "filter" and S == (1, 1) and spans[0] % 2 == spans[1] % 2 == 1:
            keep = ((spans[0] - 1) // 2, (spans[1] - 1) // 2)
            ways.insert(0, f"P{written_pair(keep)} keeps it at {H}x{W}")
        dilated = f" (dilated: {spans[0]}x{spans[1]})" if D != (1, 1) else ""
        padded = f" and its padding ({H + 2 * P[0]}x{W + 2 * P[1]} in all)" if P != (0, 0) else ""
        size, on = f"{F[0]}x{F[1]}", f"on {_a_map(H, W)}"
        return Misfit(
            "E301",
            f"the {what} is larger than its input: {size}{dilated} {on}{padded}",
            argument="F",
            note=formula.steps(),
            help="; ".join(ways),
            replacement=smaller,
            label=f"{size} {what} {on}",
        )


def needs_map(word: str, arriving: Shape, number: int = 0) -> Misfit | None:
    """E303 where the input is a vector."""
    if len(arriving) == 3:
        return None
    return Misfit(
        "E303",
        f"{word} needs maps, CxHxW; its input is a vector of {arriving[0]:,} numbers",
        input=number,
        help=f"reshape {arriving[0]}x1x1 makes maps of it; or move {word} before the flatten",
    )


def both_or_one(width: Formula, height: Formula) -> tuple[Formula, ...]:
    """One formula for both axes where they agree but for the letters."""
    same = width.text.replace("W", "H") == height.text
    if same and list(width.values.values()) == list(height.values.values()):
        return (width._replace(name="W' = H'"),)
    return width, height


def split_unevenly(totals: tuple[Formula, Formula], ends: tuple[Ends, Ends], what: str) -> Iterator[Formula]:
    """Along W and along H, a number Z of positions: half of them (⌊ ⌋) before the map, the rest after it."""
    width, height = totals
    along = [("W", width, ends[1], ("left", "right")), ("H", height, ends[0], ("top", "bottom"))]
    if len(both_or_one(width, height)) == 1:
        along = [("W and H", width, ends[0], ("left and the top", "right and the bottom"))]
    for axis, total, (before, after), (first, last) in along:
        yield total._replace(name=f"Z, {what} along {axis}")
        yield Formula(f"{what} at the {first}", "⌊Z/2⌋", {"Z": total.result}, before)
        yield Formula(f"{what} at the {last}", "⌈Z/2⌉", {"Z": total.result}, after)


def scaled(text: str, arriving: Shape, out: Shape, **factor: Pair) -> tuple[Formula, ...]:
    """`W·r` and, where it differs, `H·r`: `text` is W's, `factor` a symbol with its value along H and W."""
    width, height = (
        Formula(
            letter + "'",
            text.replace("W", letter),
            {letter: arriving[1 + axis], **{symbol: value[axis] for symbol, value in factor.items()}},
            out[1 + axis],
        )
        for axis, letter in ((1, "W"), (0, "H"))
    )
    return both_or_one(width, height)


def _a_map(H: int, W: int) -> str:
    """`a 7x7 map`, `an 8x8 map`."""
    return f"{'an' if str(H).startswith('8') or H in (11, 18) else 'a'} {H}x{W} map"
