"""Lints of the layers with a sliding window: the advice of the CS231n notes ("the notes"), with the layer's
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.ops.base import Remark, Shape, Sizes, axes_of, written_shape, written_sizes
from cnnspec.ops.sliding import Slide, listed, places_of, reach

if TYPE_CHECKING:
    from cnnspec.ops.conv import Convolution


def convolution_remarks(op: Convolution, input_shape: Shape, out: Shape) -> Iterator[Remark]:
    """The lints of conv and dwconv."""
    yield from only_zeros(op.F, op.P, op.D)
    yield from lost_border(op.slide, input_shape, out)
    yield from even_filter(op.F, op.P)
    yield from power_of_two(op.filters(input_shape))
    yield from large_filter(op, input_shape, out)


def only_zeros(F: Sizes, P: Sizes | str, D: Sizes) -> Iterator[Remark]:
    """W102: P ≥ F, so that the first window sees nothing but padding."""
    spans = [reach(f, d) for f, d in zip(F, D, strict=True)]
    if not isinstance(P, str) and any(p >= span for p, span in zip(P, spans, strict=True)):
        text = f"P{written_sizes([min(p, (span - 1) // 2) for p, span in zip(P, spans, strict=True)])}"
        yield Remark(
            "W102",
            f"padding {written_sizes(P)}, filter {written_shape(F)}: the windows at the border cover only "
            "zeros",
            argument="P",
            help=f"{text} is half the filter and keeps the size at stride 1",
            replacement=text,
        )


def lost_border(slide: Slide, input_shape: Shape, out: Shape) -> Iterator[Remark]:
    """W201: S does not divide W − F + 2P, and the last rows or columns are never read."""
    F, S, P, D = slide
    if isinstance(P, str):
        return
    along = [*zip(input_shape[1:], F, S, P, D, strict=True)]
    over = [(N + 2 * p - reach(f, d)) % s for N, f, s, p, d in along]
    if not any(over):
        return
    real = [max(0, left - p) for left, p in zip(over, P, strict=True)]
    message = f"{_rows_and_columns(over)} of padding at the end {'is' if sum(over) == 1 else 'are'} not used"
    if any(real):
        message = f"{_rows_and_columns(real)} of the map {'is' if sum(real) == 1 else 'are'} never read"
    fits = written_shape(N - left for N, left in zip(input_shape[1:], over, strict=True))
    more = written_shape(N + (s - left) % s for N, s, left in zip(input_shape[1:], S, over, strict=True))
    forms: dict[str, list[str]] = {}
    for letter, (N, _, s, _, _), left in zip(axes_of(input_shape), along, over, strict=True):
        if s > 1:
            rest = (N - left) % s
            forms.setdefault(f"{s}k + {rest}" if rest else f"{s}k", []).append(letter)
    sizes = ", ".join(f"{listed(letters)} = {form}" for form, letters in forms.items())
    ways = [f"an input of {fits} or {more} would fit ({sizes})"]
    fitting = [_fitting_padding(*one) for one in along]
    if None not in fitting:
        ways.insert(0, f"P{written_sizes([p for p in fitting if p is not None])} would fit")
    axis = max(axis for axis, left in enumerate(over) if left)
    span = "F" if D[axis] == 1 else "D·(F − 1) − 1"
    yield Remark(
        "W201",
        f"S does not divide {axes_of(input_shape)[axis]} − {span} + 2P: {message}",
        argument="S",
        note=slide.formula(axis, input_shape, out).steps(),
        help="; ".join(ways),
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
    names = places_of(len(counts))
    return listed([f"{n} {name}{'s' if n > 1 else ''}" for n, name in zip(counts, names, strict=True) if n])


def even_filter(F: Sizes, P: Sizes | str) -> Iterator[Remark]:
    """W202: an even filter with padding has no centre: the map shifts by half a pixel, and no P keeps its
    size.
    """
    even = [] if isinstance(P, str) else [f for f, p in zip(F, P, strict=True) if f % 2 == 0 and p]
    if even:
        odd = [f + 1 - f % 2 for f in F]
        yield Remark(
            "W202",
            f"a filter of {written_shape(F)} has no centre: no padding that is equal on both sides keeps the "
            "size",
            argument="F",
            note=f"P = (F − 1)/2 = ({even[0]} − 1)/2 = {even[0] - 1}/2",
            help=f"F{written_sizes(odd)} with P{written_sizes([f // 2 for f in odd])} keeps it; "
            "or Psame, which pads unevenly",
        )


def padded_pool(P: Sizes | str) -> Iterator[Remark]:
    """W203: pooling is there to make a map smaller; padding is rarely meant."""
    if not isinstance(P, str) and any(P):
        yield Remark(
            "W203",
            f"padding {written_sizes(P)} on a pooling layer",
            argument="P",
            help="pooling reduces the size; usually only convolutions are padded (F2 S2 needs no padding)",
        )


def power_of_two(K: int) -> Iterator[Remark]:
    """W204: the notes take K from 32, 64, 128, 512."""
    if K & (K - 1):
        below = 1 << (K.bit_length() - 1)
        yield Remark(
            "W204",
            f"{K} is not a power of two",
            argument="K",
            help=f"powers of two are usual (32, 64, 128, …): K{below} or K{2 * below}",
        )


def large_filter(op: Convolution, input_shape: Shape, out: Shape) -> Iterator[Remark]:
    """W210: a stack of 3x3 has the receptive field of a large filter with fewer weights."""
    F, axes = op.F[0], len(op.F)
    odd = set(op.F) == {F} and F >= 5 and F % 2 and {*op.S, *op.D} == {1}
    if not odd or set(out[1:]) == {1}:
        return
    C, K, G, layers = input_shape[0], op.filters(input_shape), op.groups(input_shape), (F - 1) // 2
    large, stack = F**axes * (C // G * K), 3**axes * (C // G * K + (layers - 1) * (K // G * K))
    if stack < large:
        small = op.model_copy(update={"F": (3,) * axes, "P": (1,) * axes, "weight_values": None})
        three, one = (written_shape((size,) * axes) for size in (3, F))
        yield Remark(
            "W210",
            f"{layers} layers of {three} have the field of one {one}, with {stack:,} weights, not {large:,}",
            argument="F",
            note=f"1 + {layers}·(3 − 1) = {F}",
            help=f"[{op.word} {small.written()} -> relu]*{layers} also has {layers} nonlinearities",
        )
