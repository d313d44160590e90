"""Exact values as Python's own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnnspec.lower.symbolic import single


def plain(number: Any) -> Any:
    """Whole numbers and floats; equal sizes of all axes are one."""
    if isinstance(number, Fraction):
        return number.numerator if number.denominator == 1 else float(number)
    return '"same"' if number == "same" else single(number)
