"""Values of parameters, knobs and `let`s as the IR spells them: `64`, `2/3`, `1x7`, `true`, `same`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from cnnspec.lower.symbolic import Const, Table

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?(/[0-9]*[1-9][0-9]*)?")
_PAIR = re.compile(r"([0-9]+)x([0-9]+)")


def parsed(text: str) -> Any:
    """int, float, bool, a pair of ints (one int where both are equal), or the code `"same"`."""
    if text in ("true", "false"):
        return text == "true"
    if text == "same":
        return '"same"'
    if pair := _PAIR.fullmatch(text):
        height, width = int(pair[1]), int(pair[2])
        return height if height == width else (height, width)
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    number = Fraction(text)
    return number.numerator if number.denominator == 1 else float(number)


def annotation(values: Sequence[object]) -> str:
    """The type of a parameter that gets these values."""
    found: dict[str, None] = {}
    for value in values:
        if isinstance(value, Const):
            value = value.value
        match value:
            case bool():
                found["bool"] = None
            case int():
                found["int"] = None
            case float():
                found["float"] = None
            case Table():
                found["tuple[int, ...]"] = None
            case tuple():
                found["int"] = None
                found["tuple[int, int]"] = None
            case str():
                found["str"] = None
    if "float" in found:
        found.pop("int", None)
    order = ("bool", "int", "float", "tuple[int, int]", "tuple[int, ...]", "str")
    return " | ".join(name for name in order if name in found) or "int"
