"""Expressions: exact rational arithmetic on names, decided while a spec is checked.

Values are exact: whole numbers are `int`, others `Fraction`, comparisons give `bool`; a list is a `List`; a
block's letter may hold a pair (`F1x7`) or `"same"`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from cnnspec.diagnostics import Cause, Diagnostic, Edit, Related, Sink, Span
from cnnspec.ir.expr import (
    ARITHMETIC,
    ARITY,
    ENTRIES,
    Apply,
    Const,
    List,
    entries,
    exact,
    listed,
    power,
    spelled,
)
from cnnspec.ir.expr import value as value_of
from cnnspec.language import tree
from cnnspec.language.write import write_expr

Value: TypeAlias = int | Fraction | bool | tuple[int, ...] | str | List
Exact: TypeAlias = int | Fraction


class NoValue(Exception):
    """An expression has no value; the caller reports the finding."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        help: str = "",
        *,
        note: str = "",
        related: tuple[Related, ...] = (),
        fix: tuple[Edit, ...] = (),
        cause: Cause | None = None,
    ) -> None:
        super().__init__(message)
        self.finding = Diagnostic(code, message, span, related, note, help, fix, cause=cause)

    def report(self, sink: Sink) -> None:
        sink.add(self.finding)


class Unknown(NoValue):
    """A value depends on a shape that is unknown because of an earlier error: not a finding of its own."""

    def __init__(self) -> None:
        pass

    def report(self, sink: Sink) -> None:
        pass


class Undefined(NoValue):
    """The name is undefined; `near` is a similar name."""

    near: str | None = None


Lookup: TypeAlias = Callable[[tree.Name], Value]


def evaluate(expr: tree.Expr, lookup: Lookup, digits: int) -> Value:
    """The value of `expr`; `lookup` gives the values of names. Long chains (`a + b + …`, `a if b else c if
    …`) are walked, not recursed into; the depth of brackets is bounded by the parser."""
    while isinstance(expr, tree.Conditional):
        expr = expr.then if truth(expr.condition, lookup, digits) else expr.otherwise
    if isinstance(expr, tree.Number):
        number: Exact = exact(expr.value)
        return number
    if isinstance(expr, tree.Name):
        return TRUTHS[expr.name] if expr.name in TRUTHS else lookup(expr)
    if isinstance(expr, tree.Binary):
        spine: list[tree.Binary] = []
        left: tree.Expr = expr
        while isinstance(left, tree.Binary):
            spine.append(left)
            left = left.left
        value = evaluate(left, lookup, digits)
        reached = left.span
        for node in reversed(spine):
            value = _binary(node, value, reached, lookup, digits)
            reached = node.span
        return value
    if isinstance(expr, tree.Unary):
        return _unary(expr, lookup, digits)
    if isinstance(expr, tree.List):
        return _list(expr, lookup, digits)
    if expr.name not in FUNCTIONS:
        return _entry(expr, lookup, digits)
    return _function(expr, lookup, digits)


def number(expr: tree.Expr, lookup: Lookup, digits: int) -> Exact:
    value = evaluate(expr, lookup, digits)
    if not isinstance(value, List):
        return _as_number(value, expr.span)
    way = ""
    if isinstance(expr, tree.Name):
        way = f"name an entry of it by its place: `{expr.name}(0)` is {brief(value[0])}"
    elif isinstance(expr, tree.Function):
        places = ", ".join([*map(write_expr, expr.arguments), "0"])
        way = f"name an entry of this row by its place: `{expr.name}({places})` is {brief(value[0])}"
    message = f"expected one number, found the list {brief(value)}"
    raise NoValue("E212", message, expr.span, way, cause="list")


def whole(expr: tree.Expr, lookup: Lookup, digits: int) -> int:
    value = number(expr, lookup, digits)
    if isinstance(value, int):
        return value
    if isinstance(expr, tree.Number) and re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", expr.text):
        plain = expr.text.replace(".", "")
        raise NoValue(
            "E212",
            f"expected a whole number, found `{expr.text}`, which is {spelled(value)}: the point is decimal",
            expr.span,
            help=f"write `{plain}`",
            fix=(Edit(expr.span, plain),),
        )
    raise NoValue(
        "E212",
        f"expected a whole number, found {spelled(value)}",
        expr.span,
        help=f"round it: `//` or floor(…) gives {math.floor(value)}, ceil(…) {math.ceil(value)}",
    )


def truth(expr: tree.Expr, lookup: Lookup, digits: int) -> bool:
    value = evaluate(expr, lookup, digits)
    if isinstance(value, bool):
        return value
    raise NoValue(
        "E212",
        f"expected a comparison (true or false), found {spelled(value)}",
        expr.span,
        help="compare it with something: `k > 1`, `C == k`",
    )


def _as_number(value: Value, span: Span) -> Exact:
    if isinstance(value, bool):
        raise NoValue(
            "E212",
            f"expected a number, found the truth value {spelled(value)}",
            span,
            help="write `a if condition else b`",
        )
    if isinstance(value, List):
        raise NoValue("E212", f"expected one number, found the list {brief(value)}", span)
    if isinstance(value, str):
        raise NoValue("E212", f"expected a number, found the padding `{value}`", span)
    if isinstance(value, tuple):
        raise NoValue("E212", f"expected one number, found the size {spelled(value)}", span)
    return value


def _bounded(value: Exact, span: Span, digits: int) -> Exact:
    if max(map(abs, value.as_integer_ratio())) >= 10**digits:
        raise NoValue(
            "E603",
            f"this number has more than {digits} digits",
            span,
            help="no size or count of a network is so large: check what it is computed from",
        )
    return value


def _unary(expr: tree.Unary, lookup: Lookup, digits: int) -> Value:
    operators: list[tree.Unary] = []
    inner: tree.Expr = expr
    while isinstance(inner, tree.Unary):
        operators.append(inner)
        inner = inner.operand
    value = evaluate(inner, lookup, digits)
    for node in reversed(operators):
        if node.operator == "not":
            if not isinstance(value, bool):
                raise NoValue(
                    "E212",
                    f"expected a comparison after `not`, found {spelled(value)}",
                    node.operand.span,
                    "compare it with something: `C == 0`",
                )
            value = not value
        else:
            operand = _as_number(value, node.operand.span)
            value = -operand if node.operator == "-" else operand
    return value


def _binary(node: tree.Binary, left: Value, left_span: Span, lookup: Lookup, digits: int) -> Value:
    operator = node.operator
    if operator in ("and", "or"):
        if not isinstance(left, bool):
            raise NoValue(
                "E212", f"expected a comparison before `{operator}`, found {spelled(left)}", left_span
            )
        if left is (operator == "or"):
            return left
        return truth(node.right, lookup, digits)
    right = evaluate(node.right, lookup, digits)
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    a, b = _as_number(left, left_span), _as_number(right, node.right.span)
    if b == 0 and operator in ("/", "//", "%"):
        raise NoValue(
            "E212",
            f"division by zero: {spelled(a)} {operator} 0",
            node.span,
            "the right side must not be 0",
        )
    if operator == "**":
        result = _power(node, a, b, digits)
    else:
        result = Fraction(a) / b if operator == "/" else ARITHMETIC[operator](a, b)
    return result if isinstance(result, bool) else _bounded(exact(result), node.span, digits)


def _power(node: tree.Binary, a: Exact, b: Exact, digits: int) -> Exact:
    exponent = node.right.span
    if not isinstance(b, int):
        raise NoValue("E212", f"an exponent must be a whole number and is {spelled(b)}", exponent)
    if a == 0 and b < 0:
        raise NoValue("E212", f"division by zero: 0**{b}", node.span, "the exponent must not be negative")
    try:
        return power(a, b)
    except OverflowError:
        return _bounded(10**digits, node.span, digits)


FUNCTIONS = ("min", "max", "round", "floor", "ceil", "multiple", "len")
"""The functions of expressions."""
TRUTHS = {"true": True, "false": False}


def brief(value: Value) -> str:
    """A value for a message: the beginning of a long list."""
    text = spelled(value)
    return text if len(text) <= 40 else f"{text[:36]}…)"


def _list(expr: tree.List, lookup: Lookup, digits: int) -> Value:
    values = [evaluate(entry, lookup, digits) for entry in expr.entries]
    try:
        return listed(*values)
    except OverflowError:
        raise NoValue(
            "E603",
            f"this list has {sum(map(entries, values)):,} values; {ENTRIES:,} are allowed",
            expr.span,
            "split it into several lists",
        ) from None


def _entry(expr: tree.Function, lookup: Lookup, digits: int) -> Value:
    """An entry of a list: `widths(i)`, `rows(i, 0)`."""
    try:
        items = lookup(tree.Name(expr.name, expr.name_span))
    except Undefined as problem:
        from cnnspec.elaborate.unknown_names import unknown_function

        raise unknown_function(expr, problem.near) from None
    name = expr.name
    for argument in expr.arguments:
        place = whole(argument, lookup, digits)
        if not isinstance(items, List):
            raise NoValue(
                "E212",
                f"`{name}` is {spelled(items)}, not a list: it has no entries",
                expr.span,
                f"to multiply, write `{name}*…`; a list of one entry is written `({spelled(items)},)`",
            )
        if not 0 <= place < len(items):
            last = len(items) - 1
            way = f"places are counted from 0: the last entry, {brief(items[last])}, has the place {last}"
            if isinstance(argument, tree.Name) and argument.name == "i" and name == expr.name:
                way = f"`[ … ]*len({name})` has a pass for each entry"
            several = f"{len(items)} entries" if last else "one entry"
            raise NoValue("E212", f"`{name}` has {several} and none at the place {place}", argument.span, way)
        items, name = items[place], f"{name}({place})"
    return items


def _function(expr: tree.Function, lookup: Lookup, digits: int) -> Value:
    least, most = ARITY[expr.name]
    if not least <= len(expr.arguments) <= most:
        kind = "list" if expr.name == "len" else "number"
        takes = f"1 {kind}" if most == 1 else f"{least if least == most else f'{least} to {most}'} numbers"
        raise NoValue("E212", f"`{expr.name}` takes {takes}, not {len(expr.arguments)}", expr.span)
    if expr.name == "len":
        items = evaluate(expr.arguments[0], lookup, digits)
        if not isinstance(items, List):
            raise NoValue("E212", f"expected a list, found {spelled(items)}", expr.arguments[0].span)
        return len(items)
    values = [number(argument, lookup, digits) for argument in expr.arguments]
    if expr.name == "multiple" and values[1] <= 0:
        raise NoValue(
            "E212",
            f"the step of `multiple` must be greater than 0, not {spelled(values[1])}",
            expr.arguments[1].span,
        )
    result: Exact = value_of(Apply(expr.name, tuple(map(Const, values))), {})
    return _bounded(result, expr.span, digits)


def refuse_name(name: str, span: Span, value: Value) -> None:
    """E107 for a list that is named like a function: `max(0)` would be ambiguous."""
    if isinstance(value, List) and name in FUNCTIONS:
        message = f"a list cannot be named {name}: `{name}(0)` is the function"
        raise NoValue("E107", message, span, "choose another name")
