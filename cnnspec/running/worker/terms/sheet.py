"""The worksheet for a sum, and the table of the functions for layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from cnnspec.running.worker.program import Array

Place: TypeAlias = "list[int]"
Grid: TypeAlias = "list[list[float | None]]"


MOST = 200_000
"""The most numbers on a worksheet; further parts have only their sums."""


class Sheet:
    """A worksheet: `parts` are grids of numbers side by side (None: outside the map), `lines` the steps after
    them. `shares`: the coefficient of each input number in the output, where the layer needs it."""

    def __init__(self, op: dict[str, Any], weights: dict[str, Array], formula: str) -> None:
        self.op, self.weights, self.formula = op, weights, formula
        self.shares: list[Array] = []
        self.parts: list[dict[str, Any]] = []
        self.room = MOST
        self.lines: list[str] = []

    def part(self, title: str, total: float | None, grids: dict[str, Grid]) -> None:
        self.room -= sum(len(row) for grid in grids.values() for row in grid)
        self.parts.append({"title": title, "sum": total, "grids": grids if self.room >= 0 else {}})

    def products(self, title: str, x: Grid, w: Array) -> float:
        """Adds a part with numbers, their weights and the products; returns the sum of the products."""
        w = w.reshape(-1, w.shape[-1])
        products = np.array([[0.0 if one is None else one for one in row] for row in x]).reshape(w.shape) * w
        total = float(products.sum())
        self.part(title, total, {"x": x, "w": w.tolist(), "x·w": products.tolist()})
        return total


AXES = {1: ("position",), 2: ("row", "column"), 3: ("plane", "row", "column")}
"""The names of the coordinates of a place, by the number of axes."""


LAYERS: dict[str, Callable[[Sheet, list[Array], Place], float]] = {}


def layer(*words: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        LAYERS.update(dict.fromkeys(words, function))
        return function

    return register


def named(places: Sequence[Sequence[int]]) -> str:
    """`rows 1 to 3, columns 0 to 2`; the positions of a signal, the planes of a volume."""
    return ", ".join(f"{name}s {span(place)}" for name, place in zip(AXES[len(places)], places, strict=True))


def where(at: Sequence[int]) -> str:
    """`row 1, column 2`."""
    return ", ".join(f"{name} {one}" for name, one in zip(AXES[len(at)], at, strict=True))


def span(places: Sequence[int]) -> str:
    """`2 to 4`, `2`, `4, 2, 0`."""
    if len(places) < 2:
        return ", ".join(map(str, places))
    in_a_row = list(places) == list(range(places[0], places[-1] + 1))
    return f"{places[0]} to {places[-1]}" if in_a_row else ", ".join(map(str, places))


def text(number: float) -> str:
    """A number with six digits."""
    written = f"{number:.6g}"
    return "0" if written == "-0" else written


def factor(number: float) -> str:
    """A number after an operator: in brackets where it is negative."""
    return f"({text(number)})" if number < 0 else text(number)


def column(numbers: Array) -> Grid:
    """The numbers below one another."""
    return [[float(one)] for one in numbers.ravel()]


def with_bias(sheet: Sheet, sums: list[float], *at: int) -> float:
    """The sum over all channels, plus the bias."""
    bias = [float(sheet.weights["bias"][at])] if "bias" in sheet.weights else []
    value = sum(sums) + sum(bias)
    named = "Σ over the channels" if len(sums) > 1 else "Σ"
    if bias:
        named += f" + bias b[{', '.join(map(str, at))}]"
    terms = [*(sums if len(sums) < 8 else [sum(sums)]), *bias]
    chain = [named, *([" + ".join(map(factor, terms))] if len(terms) > 1 else []), text(value)]
    sheet.lines.append(f"y = {' = '.join(chain)}")
    return value
