"""Expressions, and shapes, which are made of them."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context
from cnnspec.language.builder.numbers import dimension
from cnnspec.language.tokens import ARROWS


def variable(c: Context, v: Items[Any]) -> tree.Name:
    ((_, text, start, end),) = v
    return tree.Name(text, Span(start, end))


def unary(c: Context, v: Items[Any]) -> Any:
    (_, text, start, _), operand = v
    return c.checked(tree.Unary(text, operand, Span(start, c.whole(operand).end)), operand)


def binary(c: Context, v: Items[Any]) -> Any:
    left, (_, text, _, _), right = v
    text = ARROWS.get(text, text)
    span = Span(c.whole(left).start, c.whole(right).end)
    return c.checked(tree.Binary(text, left, right, span), left, right)


def conditional(c: Context, v: Items[Any]) -> Any:
    then, _, condition, _, otherwise = v
    span = Span(c.whole(then).start, c.whole(otherwise).end)
    return c.checked(tree.Conditional(condition, then, otherwise, span), then, condition, otherwise)


def function(c: Context, v: Items[Any]) -> Any:
    (_, text, start, end), arguments, closed = v
    node = tree.Function(text[:-1], tuple(arguments), Span(start, closed.end), Span(start, end - 1))
    return c.checked(node, *arguments)


def parenthesis(c: Context, v: Items[Any]) -> Any:
    opened, expr, closed = v
    c.brackets[id(expr)] = expr, Span(opened.start, closed.end)
    return expr


# --- shapes -----------------------------------------------------------------------------------


def dim(c: Context, v: Items[Any]) -> list[Any]:
    ((_, text, start, end),) = v
    return [start, dimension(c, text[:-1], start, end - 1)]


def dim_expr(c: Context, v: Items[Any]) -> list[Any]:
    opened, expr, _ = v
    return [opened.start, expr]


def more_dim(c: Context, v: Items[Any]) -> Any:
    v[0].append(dim(c, (v[1],))[1])
    return v[0]


def more_dim_expr(c: Context, v: Items[Any]) -> Any:
    v[0].append(v[2])
    return v[0]


def dims_to_number(c: Context, v: Items[Any]) -> tree.Dims:
    (start, *dims), (_, text, begin, end) = v
    return tree.Dims((*dims, dimension(c, text, begin, end)), Span(start, end))


def dims_to_expr(c: Context, v: Items[Any]) -> tree.Dims:
    (start, *dims), _, expr, closed = v
    return tree.Dims((*dims, expr), Span(start, closed.end))


def dims_number(c: Context, v: Items[Any]) -> tree.Dims:
    number = dimension(c, *v[0][1:])
    return tree.Dims((number,), number.span)


def dims_expr(c: Context, v: Items[Any]) -> tree.Dims:
    opened, expr, closed = v
    return tree.Dims((expr,), Span(opened.start, closed.end))
