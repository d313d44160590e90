"""Steps, the lines and sequences that they form, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context
from cnnspec.language.builder.expressions import dims_expr
from cnnspec.language.builder.letters import tidied
from cnnspec.language.builder.names import declared
from cnnspec.language.builder.numbers import MAX_DIGITS, UNITS, dimension, fraction

_ONE = Fraction(1)
_ZERO = Fraction(0)


def layer(c: Context, v: Items[Any]) -> tree.LayerStep | tree.ErrorStep:
    _, text, start, end = v[0]
    word = Span(start, end)
    if len(v) == 1:
        return tree.LayerStep(text, (), word, word)
    arguments, span = tidied(c, v[1], text), Span(start, v[1][-1].span.end)
    return tree.ErrorStep(span) if arguments is None else tree.LayerStep(text, arguments, span, word)


def call(c: Context, v: Items[Any]) -> tree.CallStep | tree.ErrorStep:
    _, text, start, end = v[0]
    arguments = tidied(c, v[1]) if len(v) == 3 else ()
    last = v[-1].end
    if arguments is None:
        return tree.ErrorStep(Span(start, last))
    return tree.CallStep(text[:-1], arguments, Span(start, last), Span(start, end - 1))


def sequence(c: Context, items: Items[Any], start: int, end: int) -> tree.Sequence:
    found = tuple(item for item in items if item is not None)
    if found:
        start, end = found[0].span.start, found[-1].span.end
    node = tree.Sequence(found, Span(start, end))
    depths = c.depths
    if depths:
        inner = [depths.get(id(step), 0) for item in found if type(item) is tree.Line for step in item.steps]
        if any(inner):
            depths[id(node)] = max(inner)
    return node


def _nested(c: Context, node: Any, *parts: Any) -> Any:
    return c.checked(node, *parts, instead=tree.ErrorStep(node.span))


def group(c: Context, v: Items[Any]) -> Any:
    opened, items, closed = v
    body = sequence(c, items, opened.end, closed.start)
    return _nested(c, tree.GroupStep(body, None, Span(opened.start, closed.end)), body)


def group_times(c: Context, v: Items[Any]) -> Any:
    opened, items, closed, _, times = v
    body = sequence(c, items, opened.end, closed.start)
    return _nested(c, tree.GroupStep(body, times, Span(opened.start, c.whole(times).end)), body)


def branch(c: Context, v: Items[Any]) -> Any:
    word, opened, branches, closed = v
    found: list[tree.Sequence] = []
    inner = opened.end
    for items in branches:
        found.append(sequence(c, items, inner, inner))
        inner = found[-1].span.end
    return _nested(
        c, tree.BranchStep(word.text, tuple(found), Span(word.start, closed.end), word.span), *found
    )


def if_step(c: Context, v: Items[Any]) -> Any:
    word, condition, opened, items, closed = v
    then = sequence(c, items, opened.end, closed.start)
    return _nested(c, tree.IfStep(condition, then, None, Span(word.start, closed.end)), then)


def if_else(c: Context, v: Items[Any]) -> Any:
    word, condition, opened, items, closed, _, opened_too, others, last = v
    then = sequence(c, items, opened.end, closed.start)
    otherwise = sequence(c, others, opened_too.end, last.start)
    return _nested(c, tree.IfStep(condition, then, otherwise, Span(word.start, last.end)), then, otherwise)


def if_else_if(c: Context, v: Items[Any]) -> Any:
    word, condition, opened, items, closed, _, other = v
    line = tree.Line(None, None, (other,), other.span)
    otherwise = tree.Sequence((line,), other.span)
    then = sequence(c, items, opened.end, closed.start)
    return c.checked(tree.IfStep(condition, then, otherwise, Span(word.start, other.span.end)), other, then)


def start_step(c: Context, v: Items[Any]) -> list[tree.Step]:
    return [tree.StartStep(v[0], v[0].span)]


def claim_step(c: Context, v: Items[Any]) -> tree.ClaimStep:
    arrow, claims = v
    found = tuple(claim for claim in claims if claim is not None)
    return tree.ClaimStep(found, Span(arrow.start, found[-1].span.end if found else arrow.end))


def line(c: Context, v: Items[Any]) -> tree.Line:
    steps = tuple(v[0])
    return tree.Line(None, None, steps, Span(steps[0].span.start, steps[-1].span.end))


def line_labelled(c: Context, v: Items[Any]) -> tree.Line:
    label, steps = v[0], tuple(v[1])
    name, span = declared(c, label, ":")
    return tree.Line(name, span, steps, Span(span.start, steps[-1].span.end))


# --- claims -----------------------------------------------------------------------------------


def quantity(c: Context, v: Items[Any]) -> tree.Quantity:
    ((_, text, start, end),) = v
    digits = text.lstrip("~").replace(",", "")
    unit = UNITS.get(digits[-1], 1)
    if unit != 1:
        digits = digits[:-1]
    _, _, decimals = digits.partition(".")
    value = fraction(c, digits, start, end) * unit
    step = Fraction(unit, 10 ** min(len(decimals), MAX_DIGITS)) if decimals else Fraction(unit)
    return tree.Quantity(value, step, text[0] == "~", text, Span(start, end))


def quantity_name(c: Context, v: Items[Any]) -> tree.Quantity:
    (word,) = v
    return tree.Quantity(_ZERO, _ONE, False, word.text, word.span, tree.Name(word.text, word.span))


def quantity_expr(c: Context, v: Items[Any]) -> tree.Quantity:
    opened, expr, closed = v
    return tree.Quantity(_ZERO, _ONE, False, "", Span(opened.start, closed.end), expr)


def claim(c: Context, v: Items[Any]) -> tree.Claim:
    word, value = v
    if word.text == "out" and type(value) is tree.Quantity:  # `out 10` is a shape
        value = _shape_of(c, value)
    return tree.Claim(word.text, value, Span(word.start, value.span.end), word.span)


def _shape_of(c: Context, value: tree.Quantity) -> tree.Dims:
    if value.expression is not None:
        return tree.Dims((value.expression,), value.span)
    digits = value.text.replace(",", "")
    return tree.Dims((dimension(c, digits, *value.span),), value.span)


def claim_shape(c: Context, v: Items[Any]) -> tree.Claim:
    return tree.Claim("out", v[0], v[0].span, v[0].span)


def claim_number(c: Context, v: Items[Any]) -> tree.Claim:
    return claim_shape(c, (_shape_of(c, quantity(c, v)),))


def claim_expr(c: Context, v: Items[Any]) -> tree.Claim:
    return claim_shape(c, (dims_expr(c, v),))
