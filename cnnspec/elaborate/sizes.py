"""Which size of the input would fit: sizes are tried, each through the whole walk, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from cnnspec.diagnostics import Sink, Span
from cnnspec.ops.base import Shape, written_shape

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph

Try: TypeAlias = "Callable[[Shape | Mapping[str, Shape]], tuple[Graph | None, Sink]]"
"""Runs the spec with another shape of its first input, or with those of several."""

WORK = 4_000
"""The most evaluation steps that all tries of a spec may take together."""
LARGEST = (0, 2**20, 4_096, 512)
"""The names of an input's sizes, by its number of axes."""
PICTURE, FEW = 192, 8
"""A size that is wrong by rounding may come from an input that is a few pixels off: AlexNet is documented
with 224x224, and its sizes are those of 227x227."""
MULTIPLES = (2, 4, 8, 16, 32, 64, 128)


def larger_input(attempt: Try, shape: Shape, span: Span, known: set[Span]) -> str:
    """`use an input of at least 3x128x128`: the smallest one from `shape` upward with no error at `span`, or
    none besides those at `known`; "" if there is none."""
    sizes = list(shape)

    def fits(axis: int, size: int) -> bool:
        return _fits(attempt, (*sizes[:axis], size, *sizes[axis + 1 :]), span, known)

    while not fits(0, shape[0]):
        if max(sizes[1:]) >= LARGEST[len(shape) - 1]:
            return ""
        sizes[1:] = [2 * size for size in sizes[1:]]
    for axis in range(1, len(shape)):
        sizes[axis] = _least(shape[axis], sizes[axis], partial(fits, axis))
    return f"use an input of at least {written_shape(sizes)}"


def multiple(attempt: Try, shape: Shape, span: Span, known: set[Span]) -> str:
    """`use an input whose height and width are multiples of 16`; "" if that is not enough."""
    whats = "length is a multiple", "height and width are multiples", "T, H and W are multiples"
    for step in MULTIPLES:
        first = (shape[0], *(-(-size // step) * step for size in shape[1:]))
        second = (shape[0], *(size + step for size in first[1:]))
        if first != shape and all(_fits(attempt, one, span, known) for one in (first, second)):
            sizes = f"use an input whose {whats[len(shape) - 2]} of {step}"
            return f"{sizes}, for instance {written_shape(first)}"
    return ""


def input_for_claim(attempt: Try, shape: Shape, span: Span, claimed: Shape) -> str:
    """`an input of 1x32x128 gives it`, for the shape claim at `span`; "" if no input does."""
    now = _claimed_value(attempt, shape, span)
    if now is None or now[0] != claimed[0] or not 1 < len(claimed) == len(shape) == len(now):
        return ""

    def output(axis: int, size: int) -> int:
        """The size of the output along an axis; 0 if there is none."""
        claimed_shape = _claimed_value(attempt, (*shape[:axis], size, *shape[axis + 1 :]), span)
        return claimed_shape[axis] if claimed_shape is not None and len(claimed_shape) == len(shape) else 0

    # a map of one row is half of one with two, however sizes are rounded
    rounding = all(
        one == other or (abs(one - other) == 1 and min(one, other) > 1)
        for one, other in zip(now, claimed, strict=True)
    )
    if rounding and min(shape[1:]) < PICTURE:
        return ""
    sizes = list(shape)
    for axis in range(1, len(shape)):
        if now[axis] == claimed[axis]:
            continue

        def reaches(size: int, axis: int = axis) -> bool:
            return output(axis, size) >= claimed[axis]

        def exceeds(size: int, axis: int = axis) -> bool:
            return output(axis, size) > claimed[axis]

        above = max(shape[axis], 1)
        while not exceeds(above):
            if above >= LARGEST[len(shape) - 1]:
                return ""
            above *= 2
        low = _least(1, above, reaches)
        high = _least(low, above, exceeds)
        sizes[axis] = max(range(low, high), key=lambda size: 0 if rounding else size & -size, default=0)
    fitting = tuple(sizes)
    more = [fitting_size - size for size, fitting_size in zip(shape[1:], fitting[1:], strict=True)]
    if rounding and not all(1 < one <= FEW for one in more):
        return ""
    if fitting == shape or 0 in fitting or _claimed_value(attempt, fitting, span) != claimed:
        return ""
    return f"an input of {written_shape(fitting)} gives it"


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number from `low` upward for which `test` holds; it holds for `high`, and for all numbers
    above the least."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def _fits(attempt: Try, shape: Shape, span: Span, known: set[Span]) -> bool:
    graph, sink = attempt(shape)
    wrong = {one.span for one in sink if one.code.startswith("E3")}
    return graph is not None and span not in wrong and wrong <= known


def _claimed_value(attempt: Try, shape: Shape, span: Span) -> Shape | None:
    """The shape that the claim at `span` is about."""
    graph, _ = attempt(shape)
    if graph is None:
        return None
    bodies = [(graph.root, graph.claims), *((body, body.claims) for body in graph.bodies)]
    return next(
        (body.values[claim.value] for body, claims in bodies for claim in claims if claim.span == span), None
    )
