"""Numbers, exactly as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any, TypeAlias

from cnnspec.diagnostics import Sink, Span
from cnnspec.language import tree

Token: TypeAlias = tuple[str, int, int]

MAX_DIGITS = 40
"""Of a number, before and behind its point; its exponent is at most this too."""

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
_ONE = Fraction(1)


class Numbers:
    def __init__(self, text: str, sink: Sink) -> None:
        self.text = text
        self.sink = sink
        self.numbers: dict[str, Fraction] = {}

    def fraction(self, text: str, start: int, end: int) -> Fraction:
        """The exact value of `12`, `0.1`, `1e-6`, `2/3`.

        1 with a finding where it is out of all proportion.
        """
        value = self.numbers.get(text)
        if value is None:
            value = _ONE
            digits = sum(map(str.isdigit, text))
            exponent = re.search(r"[eE][-+]?([0-9]+)", text)
            if digits > MAX_DIGITS:
                self.sink.report(
                    "E603",
                    f"this number has {digits:,} digits; {MAX_DIGITS} are allowed",
                    Span(start, end),
                )
                return value
            if exponent and int(exponent[1]) > MAX_DIGITS:
                self.sink.report(
                    "E603",
                    f"the exponent of this number is larger than {MAX_DIGITS}",
                    Span(start, end),
                )
                return value
            try:
                value = Fraction(text)
            except ZeroDivisionError:
                self.sink.report("E106", f"{text} divides by zero", Span(start, end))
                return value
            except ValueError:
                self.sink.report(
                    "E106", f"{text} is no fraction: whole numbers stand above and below", Span(start, end)
                )
                return value
            self.numbers[text] = value
        return value

    def number(self, v: Items[Any]) -> tree.Number:
        ((text, start, end),) = v
        return tree.Number(self.fraction(text, start, end), text, Span(start, end))

    def dimension(self, token: Token) -> tree.Number:
        text, start, end = token
        if not text.isdigit():
            unit = UNITS.get(text[-1], 1)
            value = self.fraction(text.strip("~kMG"), start, end) * unit
            self.sink.report(
                "E106",
                f"{text} is no dimension: dimensions are whole numbers",
                Span(start, end),
                help="a dimension is written as digits, `224`, or as an expression in parentheses, `(r/2)`",
            )
            return tree.Number(Fraction(int(value)), text, Span(start, end))
        return tree.Number(self.fraction(text, start, end), text, Span(start, end))
