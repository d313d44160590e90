"""Layers with a window: convolutions and pooling.

A grid has one row for each place along all axes except the last: one row for a signal, the rows of the planes
of a volume below one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from cnnspec.running.worker.program import Array
from cnnspec.running.worker.terms.sheet import (
    Grid,
    Place,
    Sheet,
    column,
    factor,
    layer,
    named,
    span,
    text,
    where,
    with_bias,
)

Places = list[list[int]]
"""The positions of a window's taps along each axis."""


def taps(sheet: Sheet, at: Place) -> Places:
    """The positions of the input under the window; those in the padding are below 0 or too large."""
    op = sheet.op
    axes = zip(at[1:], op["F"], op["S"], op["D"], op["padding"], strict=True)
    return [[S * i + D * f - before for f in range(F)] for i, F, S, D, (before, _) in axes]


def seen(x: Array, places: Places) -> Grid:
    """The map's numbers at these positions, None outside the map."""
    *outer, last = places

    def number(at: tuple[int, ...]) -> float | None:
        inside = all(0 <= i < N for i, N in zip(at, x.shape, strict=True))
        return float(x[at]) if inside else None

    return [[number((*before, i)) for i in last] for before in product(*outer)]


@layer("conv", "dwconv", "local")
def conv(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, k, weight, op = inputs[0], at[0], sheet.weights["weight"], sheet.op
    places = taps(sheet, at)
    if op.get("offsets"):
        return moved(sheet, inputs, at, places)
    if op.get("connect"):
        channels, first = op["connect"][k], sum(map(len, op["connect"][:k]))
        filters = weight[first : first + len(channels)]
    elif op["word"] == "local":  # each position has its own filters
        filters, channels = weight[k], range(len(x))
        for i in reversed(at[1:]):
            filters = filters[..., i]
    else:
        filters = weight[k]
        per = op["K"] // op["G"]  # filters per group
        channels = [k // per * len(filters) + c for c in range(len(filters))]
    corner = [place[0] for place in places]
    inside = all(0 <= i < N for i, N in zip(corner, x.shape[1:], strict=True))
    if set(filters.shape[1:]) == {1} and len(filters) > 1 and inside:
        under = x[np.array(channels), *corner]
        title = f"channels {span(list(channels))} at {where(corner)}"
        return with_bias(sheet, [sheet.products(title, column(under), filters.reshape(-1, 1))], k)
    sums = [
        sheet.products(f"channel {c}, {named(places)}", seen(x[c], places), w)
        for c, w in zip(channels, filters, strict=True)
    ]
    return with_bias(sheet, sums, *(at if op["word"] == "local" else [k]))


def moved(sheet: Sheet, inputs: list[Array], at: Place, places: Places) -> float:
    """A convolution whose taps are moved by offsets, and read between four numbers."""
    (x, *others), k, weight = inputs, at[0], sheet.weights["weight"]
    shape = [len(one) for one in places]
    for place in at[1:]:
        others = [other[:, place] for other in others]
    offsets, *mask = others
    own, moves = np.array([*product(*places)]), offsets.reshape(-1, math.prod(shape), len(shape))
    per = sheet.op["K"] // sheet.op["G"]
    sums = []
    for c, w in enumerate(weight[k], k // per * weight.shape[1]):
        group = c * len(moves) // len(x)
        tap_place = own + moves[group]
        numbers = np.array([between(x[c], *tap) for tap in tap_place])
        if mask:
            numbers *= mask[0].reshape(-1, len(numbers))[group]
        grid = numbers.reshape(-1, shape[-1]).tolist()
        sums.append(sheet.products(f"channel {c}, {_places(tap_place)}", grid, w))
    sheet.lines.append(f"values between positions are interpolated{', times the mask' if mask else ''}")
    return with_bias(sheet, sums, k)


def between(x: Array, row: float, column: float) -> float:
    """The map's number at this position, interpolated between four positions; 0 outside the map."""
    top, left = math.floor(row), math.floor(column)
    return sum(
        float(x[i, j]) * (1 - abs(row - i)) * (1 - abs(column - j))
        for i, j in product((top, top + 1), (left, left + 1))
        if 0 <= i < x.shape[0] and 0 <= j < x.shape[1]
    )


def _places(place: Array) -> str:
    """`at (0.5, 1), (0.7, 2.2), …`: row and column of the first taps."""
    first = [f"({text(row)}, {text(column)})" for row, column in place[:9]]
    return f"at {', '.join(first)}{', …' if len(place) > 9 else ''}"


@layer("deconv")
def deconv(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    (x,), (k, *position), weight, op = inputs, at, sheet.weights["weight"], sheet.op
    C, K = len(x), weight.shape[1]
    places, taps_there = [], []
    for N, i, (before, _), F, S, D in zip(
        x.shape[1:], position, op["padding"], op["F"], op["S"], op["D"], strict=True
    ):
        moved = [(i + before - D * f, f) for f in range(F)]
        pairs = sorted((m // S, f) for m, f in moved if m % S == 0 and 0 <= m // S < N)
        places.append([one for one, _ in pairs])
        taps_there.append([f for _, f in pairs])
    sums = []
    for c in range(k // K * (C // op["G"]), (k // K + 1) * (C // op["G"])) if all(places) else ():
        w = weight[c, k % K][np.ix_(*taps_there)]
        title = f"channel {c}, x at {named(places)}; w at {', '.join(map(span, taps_there))}"
        sums.append(sheet.products(title, seen(x[c], places), w))
    if not sums:
        sheet.lines.append("no number of the input reaches this position: the filter stops S positions apart")
        sums = [0.0]
    return with_bias(sheet, sums, k)


def adaptive(size: Sequence[int], out: Sequence[int], at: Place) -> Places:
    """The positions of one window of `out=`."""
    axes = zip(size, out, at[1:], strict=True)
    return [list(range(i * N // n, -(-(i + 1) * N // n))) for N, n, i in axes]


def window(sheet: Sheet, x: Array, at: Place) -> tuple[Grid, Places]:
    """The numbers under the window of a pooling."""
    op = sheet.op
    places = adaptive(x.shape[1:], op["out"], at) if op.get("out") else taps(sheet, at)
    grid = seen(x[at[0]], places)
    sheet.part(f"channel {at[0]}, {named(places)}", None, {"x": grid})
    return grid, places


def numbers(grid: Grid) -> list[float]:
    return [one for row in grid for one in row if one is not None]


def largest(grid: Grid, places: Places) -> tuple[float, list[list[int]]]:
    """The largest number and its positions, row by row."""
    value = max(numbers(grid))
    cells = zip(product(*places), (one for row in grid for one in row), strict=True)
    return value, [list(at) for at, one in cells if one == value]


@layer("maxpool", "gmp")
def maxpool(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    value, places = largest(*window(sheet, inputs[0], at))
    more = f" (and at {len(places) - 1} more; the first one gets the gradient)" if len(places) > 1 else ""
    sheet.lines.append(f"y = the largest number = {text(value)}, at {where(places[0])}{more}")
    return value


def maxima(op: dict[str, Any], x: Array, out: Sequence[int]) -> list[Any]:
    """For each window, map by map, the place of its maximum (the first, row by row)."""

    def under(*at: int) -> Any:
        if len(at) == len(out):
            return largest(*window(Sheet(op, {}, ""), x, [*at]))[1][0]
        return [under(*at, i) for i in range(out[len(at)])]

    places: list[Any] = under()
    return places


@layer("avgpool", "gap")
def avgpool(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    (x,), op = inputs, sheet.op
    grid, places = window(sheet, x, at)
    count = math.prod(map(len, places))
    if not op.get("out"):
        count = 1
        for N, (before, after), along in zip(x.shape[1:], op["padding"], places, strict=True):
            low, high = (0, N) if op["exclude_pad"] else (-before, N + after)
            count *= sum(low <= i < high for i in along)
    total = sum(numbers(grid))
    sheet.lines.append(f"y = Σ/{count} = {factor(total)}/{count} = {text(total / count)}")
    return total / count


@layer("subsample")
def subsample(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    grid, _ = window(sheet, inputs[0], at)
    total, w, b = sum(numbers(grid)), *(float(sheet.weights[name][at[0]]) for name in ("weight", "bias"))
    value = w * total + b
    sheet.lines.append(f"y = w·Σ + b = {factor(w)}·{factor(total)} + {factor(b)} = {text(value)}")
    return value
