"""A percentage where a fraction is meant: `dropout 50%`, whose `%` has nothing behind it to divide by."""

from __future__ import annotations

import re
from fractions import Fraction

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.automaton import Automaton

_PERCENTAGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*%")


def read_as_fraction(automaton: Automaton) -> bool:
    """Reads a percentage as the fraction that it is."""
    text, values = automaton.text, automaton.values
    if automaton.last != "DIVIDE" or len(values) < 2 or not isinstance(number := values[-2], tree.Number):
        return False
    found = _PERCENTAGE.match(text, number.span.start)
    if found is None:
        return False
    fraction = _decimal(Fraction(found[1]) / 100)
    span = Span(*found.span())
    automaton.sink.report(
        "E106",
        "a percentage is written as a fraction of 1",
        span,
        help=f"write `{fraction}`",
        fix=(Edit(span, fraction),),
        safe=True,
    )
    del automaton.states[-1], values[-1]
    values[-1] = tree.Number(Fraction(fraction), fraction, span)
    automaton.last, automaton.pos = "NUMBER", span.end
    automaton.forget_comments(span.end)
    return True


def _decimal(value: Fraction) -> str:
    """1/8 → `0.125`, exactly."""
    digits = 0
    while value.denominator != 1:
        value, digits = value * 10, digits + 1
    written = str(value.numerator).rjust(digits + 1, "0")
    return f"{written[:-digits]}.{written[-digits:]}" if digits else written
