"""What is claimed: a number with its unit and how exact it is, or a shape."""

from __future__ import annotations

from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Actions, Context
from cnnspec.language.builder.expressions import MAX_DIGITS, UNITS, dimension, dims_of, fraction

_ONE, _ZERO = Fraction(1), Fraction(0)


def _quantity(c: Context, v: Items[Any]) -> tree.Quantity:
    ((_, text, start, end),) = v
    digits = text.lstrip("~").replace(",", "")
    unit = UNITS.get(digits[-1], 1)
    if unit != 1:
        digits = digits[:-1]
    _, _, decimals = digits.partition(".")
    value = fraction(c, digits, start, end) * unit
    step = Fraction(unit, 10 ** min(len(decimals), MAX_DIGITS)) if decimals else Fraction(unit)
    return tree.Quantity(value, step, text[0] == "~", text, Span(start, end))


def _expression(text: str, span: Span, expression: tree.Expr) -> tree.Quantity:
    return tree.Quantity(_ZERO, _ONE, False, text, span, expression)


def _claim(c: Context, v: Items[Any]) -> tree.Claim:
    word, value = v
    if word.text == "out" and type(value) is tree.Quantity:  # `out 10` is a shape
        value = _shape_of(c, value)
    return tree.Claim(word.text, value, c.span(v), word.span)


def _shape_of(c: Context, value: tree.Quantity) -> tree.Dims:
    if value.expression is not None:
        return tree.Dims((value.expression,), value.span)
    return tree.Dims((dimension(c, value.text.replace(",", ""), *value.span),), value.span)


def _shape(shape: tree.Dims) -> tree.Claim:
    return tree.Claim("out", shape, shape.span, shape.span)


CLAIMS: Actions = {
    "quantity": _quantity,
    "quantity_name": lambda c, v: _expression(v[0].text, v[0].span, tree.Name(v[0].text, v[0].span)),
    "quantity_expr": lambda c, v: _expression("", c.span(v), v[1]),
    "claim": _claim,
    "claim_shape": lambda c, v: _shape(v[0]),
    "claim_number": lambda c, v: _shape(_shape_of(c, _quantity(c, v))),
    "claim_expr": lambda c, v: _shape(dims_of(c, v)),
}
