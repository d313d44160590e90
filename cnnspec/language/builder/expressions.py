"""Numbers, exactly as they are written; expressions, and shapes, which are made of them."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Actions, Context, append
from cnnspec.language.tokens import ARROWS

MAX_DIGITS = 40
"""Of a number, before and behind its point; its exponent is at most this too."""
UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
_EXPONENT = re.compile(r"[eE][-+]?([0-9]+)")


def fraction(c: Context, text: str, start: int, end: int) -> Fraction:
    """The exact value of `12`, `0.1`, `1e-6`, `2/3`; 1 with a finding where it is out of all proportion."""
    value = c.numbers.get(text)
    if value is not None:
        return value
    digits, exponent = sum(map(str.isdigit, text)), _EXPONENT.search(text)
    code, message = "E603", ""
    if digits > MAX_DIGITS:
        message = f"this number has {digits:,} digits; {MAX_DIGITS} are allowed"
    elif exponent and int(exponent[1]) > MAX_DIGITS:
        message = f"the exponent of this number is larger than {MAX_DIGITS}"
    else:
        try:
            value = c.numbers[text] = Fraction(text)
            return value
        except ZeroDivisionError:
            code, message = "E106", f"{text} divides by zero"
        except ValueError:
            code, message = "E106", f"{text} is no fraction: whole numbers stand above and below"
    c.sink.report(code, message, Span(start, end))
    return Fraction(1)


def dimension(c: Context, text: str, start: int, end: int) -> tree.Number:
    """A whole number; with E106, what another is read as."""
    if text.isdigit():
        return tree.Number(fraction(c, text, start, end), text, Span(start, end))
    value = fraction(c, text.strip("~kMG"), start, end) * UNITS.get(text[-1], 1)
    c.sink.report(
        "E106", f"{text} is no dimension: dimensions are whole numbers", Span(start, end),
        help="a dimension is written as digits, `224`, or as an expression in parentheses, `(r/2)`",
    )  # fmt: skip
    return tree.Number(Fraction(int(value)), text, Span(start, end))


def _number(c: Context, v: Items[Any]) -> tree.Number:
    ((_, text, start, end),) = v
    return tree.Number(fraction(c, text, start, end), text, Span(start, end))


def _binary(c: Context, v: Items[Any]) -> Any:
    left, operator, right = v
    text = ARROWS.get(operator.text, operator.text)
    return c.checked(tree.Binary(text, left, right, c.span(v)), left, right)


def _function(c: Context, v: Items[Any]) -> Any:
    (_, text, start, end), arguments, _ = v
    node = tree.Function(text[:-1], tuple(arguments), c.span(v), Span(start, end - 1))
    return c.checked(node, *arguments)


def _parenthesis(c: Context, v: Items[Any]) -> Any:
    c.brackets[id(v[1])] = v[1], c.span(v)
    return v[1]


def _dim(c: Context, token: Any) -> tree.Number:
    _, text, start, end = token
    return dimension(c, text[:-1], start, end - 1)


def _dims(c: Context, start: int, dims: Items[Any], last: Any, end: int) -> tree.Dims:
    return tree.Dims((*dims, last), Span(start, end))


def dims_of(c: Context, v: Items[Any]) -> tree.Dims:
    """`(k)` as a shape."""
    return tree.Dims((v[1],), c.span(v))


# A shape that is not complete is a list: where it begins, and its dimensions.
EXPRESSIONS: Actions = {
    "number": _number,
    "variable": lambda c, v: tree.Name(v[0].text, v[0].span),
    "unary": lambda c, v: c.checked(tree.Unary(v[0].text, v[1], c.span(v)), v[1]),
    "binary": _binary,
    "conditional": lambda c, v: c.checked(tree.Conditional(v[2], v[0], v[4], c.span(v)), v[0], v[2], v[4]),
    "function": _function,
    "parenthesis": _parenthesis,
    "dim": lambda c, v: [v[0].start, _dim(c, v[0])],
    "dim_expr": lambda c, v: [v[0].start, v[1]],
    "more_dim": lambda c, v: append(v[0], _dim(c, v[1])),
    "more_dim_expr": lambda c, v: append(v[0], v[2]),
    "dims_to_number": lambda c, v: _dims(c, v[0][0], v[0][1:], dimension(c, *v[1][1:]), v[1].end),
    "dims_to_expr": lambda c, v: _dims(c, v[0][0], v[0][1:], v[2], v[3].end),
    "dims_number": lambda c, v: tree.Dims((dimension(c, *v[0][1:]),), v[0].span),
    "dims_expr": dims_of,
}
