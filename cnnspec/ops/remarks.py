"""What the sliding layers have to say about themselves: the notes' advice, with this layer's numbers in
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.ops.base import Pair, Remark, Shape, written_pair
from cnnspec.ops.sliding import padding_of, reach, size_formula

if TYPE_CHECKING:
    from cnnspec.ops.conv import Convolution


def convolution_remarks(op: Convolution, arriving: Shape, out: Shape) -> tuple[Remark, ...]:
    """All that conv and dwconv have to say."""
    return (
        *only_zeros(op.F, op.P, op.D),
        *lost_border(arriving, out, op.F, op.S, op.P, op.D),
        *even_filter(op.F, op.P),
        *power_of_two(op.filters(arriving)),
        *large_filter(op, arriving, out),
    )


def only_zeros(F: Pair, P: Pair | str, D: Pair) -> tuple[Remark, ...]:
    """W102: P ≥ F, so that the first window sees nothing but padding."""
    if isinstance(P, str) or all(p < reach(f, d) for p, f, d in zip(P, F, D, strict=True)):
        return ()
    fits = tuple(min(p, (reach(f, d) - 1) // 2) for p, f, d in zip(P, F, D, strict=True))
    text = f"P{written_pair((fits[0], fits[1]))}"
    return (
        Remark(
            "W102",
            f"padding {written_pair(P)}, filter {F[0]}x{F[1]}: the windows at the border see only zeros",
            argument="P",
            help=f"{text} is half the filter and keeps the size at stride 1",
            replacement=text,
        ),
    )


def lost_border(arriving: Shape, out: Shape, F: Pair, S: Pair, P: Pair | str, D: Pair) -> tuple[Remark, ...]:
    """W201: the stride does not divide, and the last rows or columns are never read."""
    if isinstance(P, str):
        return ()
    ends = padding_of(arriving, F, S, P, D)
    over = [(arriving[1 + a] + sum(ends[a]) - reach(F[a], D[a])) % S[a] for a in (0, 1)]
    if over == [0, 0]:
        return ()
    axis = 1 if over[1] else 0
    real = [max(0, over[a] - ends[a][1]) for a in (0, 1)]
    lost = _rows_and_columns(real)
    what = f"{lost} of the map {'is' if sum(real) == 1 else 'are'} never read"
    if real == [0, 0]:
        stands = "stands" if sum(over) == 1 else "stand"
        what = f"{_rows_and_columns(over)} of padding {stands} at the end for nothing"
    fits = "x".join(str(arriving[1 + a] - over[a]) for a in (0, 1))
    more = "x".join(str(arriving[1 + a] + (S[a] - over[a]) % S[a]) for a in (0, 1))
    ways = [f"an input of {fits} or {more} would fit"]
    pads = [_fitting_padding(arriving[1 + a], F[a], S[a], P[a], D[a]) for a in (0, 1)]
    replacement = None
    if None not in pads:
        replacement = f"P{written_pair((pads[0] or 0, pads[1] or 0))}"
        ways.insert(0, f"{replacement} would fit")
    formula = size_formula(axis, arriving, out, F, S, P, D)
    return (
        Remark(
            "W201",
            f"the stride does not divide: {what}",
            argument="S",
            note=formula.steps(),
            help="; ".join(ways),
        ),
    )


def _fitting_padding(N: int, F: int, S: int, P: int, D: int) -> int | None:
    """The padding nearest to P, below half the window, with which S divides."""
    over = reach(F, D) - N  # 2p must be at least this, and differ from it by a multiple of S
    if S % 2 == 0 and over % 2:
        return None
    step = S if S % 2 else S // 2
    rest = over * (S + 1) // 2 % S if S % 2 else over // 2 % step
    least, most = max(0, -(-over // 2)), (reach(F, D) + 1) // 2 - 1
    below = min(P, most) - (min(P, most) - rest) % step
    above = max(P, least) + (rest - max(P, least)) % step
    fits = [p for p in (below, above) if least <= p <= most]
    return min(fits, key=lambda p: (abs(p - P), p), default=None)


def _rows_and_columns(counts: list[int]) -> str:
    names = ("row", "column")
    parts = [f"{n} {name}{'s' if n > 1 else ''}" for n, name in zip(counts, names, strict=True) if n]
    return " and ".join(parts)


def even_filter(F: Pair, P: Pair | str) -> tuple[Remark, ...]:
    """W202: an even filter with padding has no middle: the map shifts by half a pixel, and no P keeps its
    size.
    """
    if isinstance(P, str):
        return ()
    axis = next((a for a in (0, 1) if F[a] % 2 == 0 and P[a]), None)
    if axis is None:
        return ()
    odd = tuple(f + 1 - f % 2 for f in F)
    text, keeps = f"F{written_pair((odd[0], odd[1]))}", f"P{written_pair((odd[0] // 2, odd[1] // 2))}"
    return (
        Remark(
            "W202",
            f"a filter of {F[0]}x{F[1]} has no middle: no padding on both sides keeps a map's size",
            argument="F",
            note=f"P = (F − 1)/2 = ({F[axis]} − 1)/2 = {F[axis] - 1}/2",
            help=f"{text} with {keeps} keeps it; or Psame, uneven by design",
        ),
    )


def padded_pool(P: Pair | str) -> tuple[Remark, ...]:
    """W203: pooling is there to make a map smaller; padding is rarely meant."""
    if P in ((0, 0), "same"):
        return ()
    return (
        Remark(
            "W203",
            f"padding {written_pair(P)} on a pooling layer",  # type: ignore[arg-type]
            argument="P",
            help="pooling makes maps smaller; the notes pad only convolutions (F2 S2 needs none)",
        ),
    )


def power_of_two(K: int) -> tuple[Remark, ...]:
    """W204: the notes take K from 32, 64, 128, 512."""
    if K & (K - 1) == 0:
        return ()
    below = 1 << (K.bit_length() - 1)
    return (
        Remark(
            "W204",
            f"{K} filters: no power of two",
            argument="K",
            help=f"powers of two are usual (32, 64, 128, …): K{below} or K{2 * below}",
        ),
    )


def large_filter(op: Convolution, arriving: Shape, out: Shape) -> tuple[Remark, ...]:
    """W210: a stack of 3x3 has the receptive field of a large filter with fewer weights."""
    F = op.F[0]
    fits = op.F == (F, F) and F >= 5 and F % 2 and op.S == op.D == (1, 1)
    if not fits or out[1:] == (1, 1):
        return ()
    C, K, layers = arriving[0], op.filters(arriving), (F - 1) // 2
    first, later = C // op.groups(arriving) * K, K // op.groups(arriving) * K
    large, stack = F * F * first, 9 * first + 9 * (layers - 1) * later
    if stack >= large:
        return ()
    small = op.model_copy(update={"F": (3, 3), "P": (1, 1), "weight_values": None})
    return (
        Remark(
            "W210",
            f"{layers} layers of 3x3 see as far as one of {F}x{F}: {stack:,} weights instead of {large:,}",
            argument="F",
            note=f"1 + {layers}·(3 − 1) = {F}",
            help=f"[{op.word} {small.written()} -> relu]*{layers} has {layers} nonlinearities as well",
        ),
    )
