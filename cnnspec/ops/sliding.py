"""A window that slides along an axis: where it can stand, and what to say when it cannot.

N positions arrive; the window has F taps, D apart, so it reaches over D(F − 1) + 1 positions; it moves by
S; P zeros stand before the first position and P behind the last one.
"""

from __future__ import annotations

from cnnspec.ops.base import Misfit, Pair, Shape, Window, written_pair
from cnnspec.ops.formula import Formula

Ends = tuple[int, int]
"""Zeros before the first position and behind the last one."""


def reach(F: int, D: int) -> int:
    """How many positions a window of F taps spans: D(F − 1) + 1."""
    return D * (F - 1) + 1


def places(N: int, F: int, S: int, ends: Ends, D: int = 1) -> int:
    """⌊(N + 2P − D(F − 1) − 1)/S⌋ + 1, the notes' (W − F + 2P)/S + 1; below 1 where the window has no
    place.
    """
    return (N + ends[0] + ends[1] - reach(F, D)) // S + 1


def places_rounding_up(N: int, F: int, S: int, ends: Ends, D: int = 1) -> int:
    """The same with ⌈ ⌉, but for a last window that would start behind the input."""
    count = -((reach(F, D) - N - ends[0] - ends[1]) // S) + 1
    return count - 1 if (count - 1) * S >= N + ends[0] else count


def same_ends(N: int, F: int, S: int, D: int = 1) -> Ends:
    """The zeros that give ⌈N/S⌉ places, the odd one behind."""
    zeros = max((-(-N // S) - 1) * S + reach(F, D) - N, 0)
    return zeros // 2, zeros - zeros // 2


def padding_of(arriving: Shape, F: Pair, S: Pair, P: Pair | str, D: Pair) -> tuple[Ends, Ends]:
    """((top, bottom), (left, right))."""
    if isinstance(P, str):
        _, H, W = arriving
        return same_ends(H, F[0], S[0], D[0]), same_ends(W, F[1], S[1], D[1])
    return (P[0], P[0]), (P[1], P[1])


def steps_over(N: int, S: int, before: int, D: int, count: int) -> bool:
    """Whether one of the first `count` windows has a tap before the map, its next one behind it, and none
    on it. The first tap at or behind position 0 of a window that starts at s < 0 is s mod D.
    """
    if N >= D or before == 0:
        return False
    first = -before
    last = first + (min(count, -(-before // S)) - 1) * S  # of the windows that start before the map
    turn = last - last % D  # s mod D grows up to here, and again from here on
    highest = first + (turn - 1 - first) // S * S
    return last % D >= N or (highest >= first and highest % D >= N)


def sliding_window(F: int, S: int, before: int, D: int = 1) -> Window:
    return Window(reach(F, D), S, -before)


def needs_map(word: str, arriving: Shape, number: int = 0) -> Misfit | None:
    """E303 where a vector arrives."""
    if len(arriving) == 3:
        return None
    return Misfit(
        "E303",
        f"{word} works on maps, CxHxW; what arrives is a vector of {arriving[0]:,} numbers",
        input=number,
        help=f"reshape {arriving[0]}x1x1 makes maps of it; or move {word} before the flatten",
    )


def size_formulas(
    arriving: Shape, out: Shape, F: Pair, S: Pair, P: Pair | str, D: Pair, *, ceil: bool = False
) -> tuple[Formula, ...]:
    """W' and, where it differs, H'."""
    along = [size_formula(axis, arriving, out, F, S, P, D, ceil=ceil) for axis in (1, 0)]
    return both_or_one(along[0], along[1])


def both_or_one(width: Formula, height: Formula) -> tuple[Formula, ...]:
    """One formula for both axes where they agree but for the letters."""
    if width.text.replace("W", "H") == height.text and list(width.values.values()) == list(
        height.values.values()
    ):
        return (width._replace(name="W' = H'"),)
    return width, height


def size_formula(
    axis: int, arriving: Shape, out: Shape, F: Pair, S: Pair, P: Pair | str, D: Pair, *, ceil: bool = False
) -> Formula:
    """One axis (0: H, 1: W), in the form that fits: with ⌊ ⌋ only where the stride does not divide."""
    letter, N, result = "HW"[axis], arriving[1 + axis], out[1 + axis]
    values: dict[str, int | str] = {letter: N, "F": F[axis]}
    if isinstance(P, str):
        return Formula(letter + "'", f"⌈{letter}/S⌉", {letter: N, "S": S[axis]}, result)
    span = "F" if D[axis] == 1 else "D·(F − 1) − 1"
    if D[axis] != 1:
        values["D"] = D[axis]
    values |= {"P": P[axis], "S": S[axis]}
    numerator = f"{letter} − {span} + 2P"
    room = N + 2 * P[axis] - reach(F[axis], D[axis])
    if room % S[axis] == 0:
        text = f"({numerator})/S + 1"
        exact_result = room // S[axis] + 1
    elif ceil:
        text = f"⌈({numerator})/S⌉ + 1"
        exact_result = -(-room // S[axis]) + 1
    else:
        text = f"⌊({numerator})/S⌋ + 1"
        exact_result = room // S[axis] + 1
    if ceil and exact_result == result + 1:  # the last window would start behind the input
        text += " − 1"
    return Formula(letter + "'", text, dict(values), result)


def too_large(arriving: Shape, F: Pair, S: Pair, P: Pair, D: Pair, *, what: str = "filter") -> Misfit:
    """E301: the window has no place on the map. Says the formula, a padding that keeps the size, a filter
    that fits.
    """
    C, H, W = arriving
    spans = reach(F[0], D[0]), reach(F[1], D[1])
    axis = 1 if spans[1] > W + 2 * P[1] else 0
    sizes = [places(arriving[1 + a], F[a], S[a], (P[a], P[a]), D[a]) for a in (0, 1)]
    formula = size_formula(axis, arriving, (C, *sizes), F, S, P, D)
    fits = tuple(min(F[a], (arriving[1 + a] + 2 * P[a] - 1) // D[a] + 1) for a in (0, 1))
    smaller = f"F{written_pair((fits[0], fits[1]))}"
    gives = "x".join(str(places(arriving[1 + a], fits[a], S[a], (P[a], P[a]), D[a])) for a in (0, 1))
    ways = [f"{smaller} gives {gives}"]
    if what == "filter" and S == (1, 1) and spans[0] % 2 == spans[1] % 2 == 1:
        keep = ((spans[0] - 1) // 2, (spans[1] - 1) // 2)
        ways.insert(0, f"P{written_pair(keep)} keeps it at {H}x{W}")
    filter_text = f"{F[0]}x{F[1]}"
    if D != (1, 1):
        filter_text += f" (dilated: {spans[0]}x{spans[1]})"
    padded = f" and its padding ({H + 2 * P[0]}x{W + 2 * P[1]} in all)" if P != (0, 0) else ""
    return Misfit(
        "E301",
        f"the {what} is larger than what arrives: {filter_text} on {_a_map(H, W)}{padded}",
        argument="F",
        note=formula.steps(),
        help="; ".join(ways),
        replacement=smaller,
        label=f"{F[0]}x{F[1]} {what} on {_a_map(H, W)}",
    )


def _a_map(H: int, W: int) -> str:
    """`a 7x7 map`, `an 8x8 map`: as the number is spoken."""
    return f"{'an' if str(H).startswith('8') or H in (11, 18) else 'a'} {H}x{W} map"
