"""Layers with a window on the map: convolutions and poolings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnspec.running.worker.program import Array
from cnnspec.running.worker.terms.sheet import Grid, Place, Sheet, column, factor, layer, text, with_bias


def taps(sheet: Sheet, at: Place) -> tuple[list[int], list[int]]:
    """The rows and columns of the input under the window; below 0 or too large: in the padding."""
    op = sheet.op
    (F, G), (S, T), (D, E) = op["F"], op["S"], op["D"]
    (top, _), (left, _) = op["padding"]
    i, j = at[1:]
    return [S * i + D * f - top for f in range(F)], [T * j + E * g - left for g in range(G)]


def seen(x: Array, rows: list[int], columns: list[int]) -> Grid:
    """A map's numbers there, None outside it."""
    H, W = x.shape
    inside = [[0 <= h < H and 0 <= w < W for w in columns] for h in rows]
    return [
        [float(x[h, w]) if there else None for w, there in zip(columns, line, strict=True)]
        for h, line in zip(rows, inside, strict=True)
    ]


@layer("conv", "dwconv", "local")
def conv(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    (x,), k, weight, op = inputs, at[0], sheet.weights["weight"], sheet.op
    rows, columns = taps(sheet, at)
    if op.get("connect"):
        channels, first = op["connect"][k], sum(map(len, op["connect"][:k]))
        filters = weight[first : first + len(channels)]
    elif op["word"] == "local":  # filters of its own for each position
        filters, channels = weight[k, ..., at[1], at[2]], range(len(x))
    else:
        filters = weight[k]
        per = op["K"] // op["G"]  # filters of a group
        channels = [k // per * len(filters) + c for c in range(len(filters))]
    if (
        filters.shape[1:] == (1, 1)
        and len(filters) > 1
        and 0 <= rows[0] < x.shape[1]
        and 0 <= columns[0] < x.shape[2]
    ):
        under = x[np.array(channels), rows[0], columns[0]]
        where = f"channels {span(list(channels))} at row {rows[0]}, column {columns[0]}"
        return with_bias(sheet, [sheet.products(where, column(under), filters[:, :, 0])], k)
    sums = [
        sheet.products(
            f"channel {c}, rows {span(rows)}, columns {span(columns)}", seen(x[c], rows, columns), w
        )
        for c, w in zip(channels, filters, strict=True)
    ]
    return with_bias(sheet, sums, *(at if op["word"] == "local" else [k]))


@layer("deconv")
def deconv(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    (x,), (k, i, j), weight, op = inputs, at, sheet.weights["weight"], sheet.op
    (top, _), (left, _) = op["padding"]
    C, K = len(x), weight.shape[1]
    pairs = []
    for N, place, cut, F, S, D in zip(
        x.shape[1:], (i, j), (top, left), op["F"], op["S"], op["D"], strict=True
    ):
        moved = [(place + cut - D * f, f) for f in range(F)]
        pairs.append(sorted((m // S, f) for m, f in moved if m % S == 0 and 0 <= m // S < N))
    (rows, down), (columns, along) = ([[one[side] for one in pair] for side in (0, 1)] for pair in pairs)
    sums = []
    for c in range(k // K * (C // op["G"]), (k // K + 1) * (C // op["G"])) if rows and columns else ():
        w = weight[c, k % K][np.ix_(down, along)]
        where = f"channel {c}, x at rows {span(rows)}, columns {span(columns)}"
        sums.append(
            sheet.products(f"{where}; w at {span(down)}, {span(along)}", seen(x[c], rows, columns), w)
        )
    if not sums:
        sheet.lines.append("no number of the input reaches this position: the filter stops S positions apart")
        sums = [0.0]
    return with_bias(sheet, sums, k)


def span(places: list[int]) -> str:
    """`2 to 4`, `2`, `4, 2, 0`."""
    if len(places) < 2:
        return ", ".join(map(str, places))
    in_a_row = places == list(range(places[0], places[-1] + 1))
    return f"{places[0]} to {places[-1]}" if in_a_row else ", ".join(map(str, places))


def adaptive(size: Sequence[int], out: Sequence[int], at: Place) -> tuple[list[int], list[int]]:
    """The rows and columns of one window of `out=`."""
    rows, columns = (
        list(range(place * N // n, -(-(place + 1) * N // n)))
        for N, n, place in zip(size, out, at[1:], strict=True)
    )
    return rows, columns


def window(sheet: Sheet, x: Array, at: Place) -> tuple[Grid, list[int], list[int]]:
    """What a pooling sees."""
    op = sheet.op
    rows, columns = adaptive(x.shape[1:], op["out"], at) if op.get("out") else taps(sheet, at)
    grid = seen(x[at[0]], rows, columns)
    sheet.part(f"channel {at[0]}, rows {span(rows)}, columns {span(columns)}", None, {"x": grid})
    return grid, rows, columns


def numbers(grid: Grid) -> list[float]:
    return [one for row in grid for one in row if one is not None]


def largest(grid: Grid, rows: list[int], columns: list[int]) -> tuple[float, list[list[int]]]:
    """The largest number, and where it stands, row by row."""
    value = max(numbers(grid))
    cells = [
        ([h, w], one) for h, row in zip(rows, grid, strict=True) for w, one in zip(columns, row, strict=True)
    ]
    return value, [place for place, one in cells if one == value]


@layer("maxpool", "gmp")
def maxpool(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    value, where = largest(*window(sheet, inputs[0], at))
    more = f" (and at {len(where) - 1} more; the first one gets the gradient)" if len(where) > 1 else ""
    place = f"row {where[0][0]}, column {where[0][1]}"
    sheet.lines.append(f"y = the largest number = {text(value)}, at {place}{more}")
    return value


def maxima(op: dict[str, Any], x: Array, out: Sequence[int]) -> list[Any]:
    """For each window, map by map, the row and column of its maximum (the first, row by row)."""
    C, H, W = out
    places = [[[[c, i, j] for j in range(W)] for i in range(H)] for c in range(C)]
    return [
        [[largest(*window(Sheet(op, {}, ""), x, at))[1][0] for at in row] for row in plane]
        for plane in places
    ]


@layer("avgpool", "gap")
def avgpool(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    (x,), op = inputs, sheet.op
    grid, rows, columns = window(sheet, x, at)
    count = len(rows) * len(columns)
    if not op.get("out"):
        low, high = [], []
        for N, (before, behind) in zip(x.shape[1:], op["padding"], strict=True):
            low.append(0 if op["exclude_pad"] else -before)
            high.append(N if op["exclude_pad"] else N + behind)
        count = sum(low[0] <= h < high[0] and low[1] <= w < high[1] for h in rows for w in columns)
    total = sum(numbers(grid))
    sheet.lines.append(f"y = Σ/{count} = {factor(total)}/{count} = {text(total / count)}")
    return total / count


@layer("subsample")
def subsample(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    grid, _, _ = window(sheet, inputs[0], at)
    total, w, b = sum(numbers(grid)), *(float(sheet.weights[name][at[0]]) for name in ("weight", "bias"))
    value = w * total + b
    sheet.lines.append(f"y = w·Σ + b = {factor(w)}·{factor(total)} + {factor(b)} = {text(value)}")
    return value
