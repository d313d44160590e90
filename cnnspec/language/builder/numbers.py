"""Numbers, exactly as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context

MAX_DIGITS = 40
"""Of a number, before and behind its point; its exponent is at most this too."""

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
_ONE = Fraction(1)


def fraction(c: Context, text: str, start: int, end: int) -> Fraction:
    """The exact value of `12`, `0.1`, `1e-6`, `2/3`.

    1 with a finding where it is out of all proportion.
    """
    value = c.numbers.get(text)
    if value is None:
        value = _ONE
        digits = sum(map(str.isdigit, text))
        exponent = re.search(r"[eE][-+]?([0-9]+)", text)
        if digits > MAX_DIGITS:
            c.sink.report(
                "E603",
                f"this number has {digits:,} digits; {MAX_DIGITS} are allowed",
                Span(start, end),
            )
            return value
        if exponent and int(exponent[1]) > MAX_DIGITS:
            c.sink.report(
                "E603",
                f"the exponent of this number is larger than {MAX_DIGITS}",
                Span(start, end),
            )
            return value
        try:
            value = Fraction(text)
        except ZeroDivisionError:
            c.sink.report("E106", f"{text} divides by zero", Span(start, end))
            return value
        except ValueError:
            c.sink.report(
                "E106", f"{text} is no fraction: whole numbers stand above and below", Span(start, end)
            )
            return value
        c.numbers[text] = value
    return value


def number(c: Context, v: Items[Any]) -> tree.Number:
    ((_, text, start, end),) = v
    return tree.Number(fraction(c, text, start, end), text, Span(start, end))


def dimension(c: Context, text: str, start: int, end: int) -> tree.Number:
    """A whole number; with E106, what another is read as."""
    if not text.isdigit():
        unit = UNITS.get(text[-1], 1)
        value = fraction(c, text.strip("~kMG"), start, end) * unit
        c.sink.report(
            "E106",
            f"{text} is no dimension: dimensions are whole numbers",
            Span(start, end),
            help="a dimension is written as digits, `224`, or as an expression in parentheses, `(r/2)`",
        )
        return tree.Number(Fraction(int(value)), text, Span(start, end))
    return tree.Number(fraction(c, text, start, end), text, Span(start, end))
