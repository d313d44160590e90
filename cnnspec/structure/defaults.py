"""Default values for the parameters of a block."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from cnnspec.structure.draft import Draft
from cnnspec.structure.express import Parameter, is_width


def fill(draft: Draft) -> None:
    """Gives a value to uses that do not need a parameter, and chooses the defaults: the most frequent value;
    for rates that increase evenly from call to call, the rate of the call."""
    for parameter in draft.parameters:
        if rates := _even(draft, parameter):
            parameter.values = rates
        most = _most(draft, parameter)[0]
        for use in range(len(draft.pattern.bodies)):
            parameter.values.setdefault(use, most)


def _even(draft: Draft, parameter: Parameter) -> dict[int, Any] | None:
    """The rate of each use, where rates increase evenly from call to call: stochastic depth."""
    places = [
        use for _, use in sorted((place, use) for use, each in enumerate(draft.calls) for place in each)
    ]
    points = [(place, parameter.values[use]) for place, use in enumerate(places) if use in parameter.values]
    if (
        len(points) == len(places)
        or len(points) < 3
        or not all(isinstance(one, Fraction) for _, one in points)
    ):
        return None
    (first, low), (last, high) = points[0], points[-1]
    step = (high - low) / (last - first)
    rates: dict[int, Any] = {}
    for place, use in enumerate(places):
        if rates.setdefault(use, low + step * (place - first)) != low + step * (place - first):
            return None
    return rates if rates.items() >= parameter.values.items() and min(rates.values()) >= 0 else None


def _most(draft: Draft, parameter: Parameter) -> tuple[Any, int, int]:
    """The most frequent value, the number of calls that have it, and the number of all calls."""
    count = _calls(draft, parameter)
    value, most = count.most_common(1)[0]
    return value, most, count.total()


def _calls(draft: Draft, parameter: Parameter) -> Counter[Any]:
    """The number of calls with each value."""
    count: Counter[Any] = Counter()
    for use, value in parameter.values.items():
        count[value] += len(draft.calls[use]) if draft.calls else 1
    return count


def ordered(draft: Draft) -> list[Parameter]:
    """The parameters, those with a default after those without."""
    for parameter in draft.parameters:
        most, count, total = _most(draft, parameter)
        letter = parameter.kind == "letter" and parameter.name != "K"
        usual = count >= 2 and (2 + letter) * count >= total
        usual = usual and not is_width(parameter.name) and parameter.name not in ("K", "n")
        if (
            parameter.kind == "number"
            and parameter.name in ("s", "d")
            and 4 * _calls(draft, parameter)[1] >= total
        ):
            most, usual = 1, True
        parameter.default = most if usual or (parameter.kind == "truth" and most is False) else None
    return sorted(draft.parameters, key=lambda one: one.default is not None)
