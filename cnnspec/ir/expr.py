"""Numbers that depend on a block's parameters: the author's expressions, kept as they were written.

An expression is a constant, a name or an operation. Names are the parameters, `let`s and `i` of the template
that the expression stands in, and `C`, `H` and `W`, the shape of the tensor at that step. `value` is exact,
as the language is: whole numbers and fractions.

In JSON a whole number is a number, a fraction the text `"2/3"`, a truth value itself, a name its text, `same`
the list `["same"]`, and an operation a list: `["*", 4, "k"]`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

Exact: TypeAlias = "int | Fraction | bool | str | tuple[int, ...]"
"""A value: a number, a truth value, `"same"`, or one whole number for each axis."""


@dataclass(frozen=True, slots=True)
class Const:
    value: Any


@dataclass(frozen=True, slots=True)
class Var:
    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """`operator`: a binary one, `neg`, `not`, `if` (condition, then, else), `sizes` (one number for each
    axis), or a function's name."""

    operator: str
    arguments: tuple[Expr, ...]


Expr: TypeAlias = Const | Var | Apply
Env: TypeAlias = Mapping[str, Exact]

DEEPEST = 250
"""Operations inside one another, at most: the language's own budget is below that."""
BITS = 14_000
"""Of a whole number, at most: what Python still writes out in digits."""


class Unclear(Exception):
    """An expression that has no value here: a name is missing, or nothing comes out."""


def apply(name: str, *arguments: Expr) -> Expr:
    """The operation; where everything in it is constant, its value, if it has one."""
    if name == "if" and isinstance(arguments[0], Const):
        return arguments[1] if arguments[0].value else arguments[2]
    made = Apply(name, arguments)
    if not all(isinstance(one, Const) for one in arguments):
        return made
    try:
        return Const(value(made, {}))
    except Unclear:
        return made


def value(expr: Expr, env: Env) -> Any:
    """The exact value; `Unclear` where there is none."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Var):
        if expr.name not in env:
            raise Unclear(expr.name)
        return env[expr.name]
    name, arguments = expr.operator, expr.arguments
    if name == "if":
        return value(arguments[1] if value(arguments[0], env) else arguments[2], env)
    first = value(arguments[0], env)
    if name in ("and", "or") and bool(first) is (name == "or"):
        return first
    try:
        found = exact(OPERATIONS[name](first, *(value(argument, env) for argument in arguments[1:])))
    except (ZeroDivisionError, TypeError, OverflowError, ValueError):
        raise Unclear(name) from None
    if isinstance(found, int | Fraction) and max(map(int.bit_length, found.as_integer_ratio())) > BITS:
        raise Unclear(name)
    return found


def exact(number: Any) -> Any:
    """A fraction that is whole, as a whole number."""
    return number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number


def multiple(x: int | Fraction, of: int | Fraction) -> int | Fraction:
    """MobileNet's rounding of channels: ⌊x/of + ½⌋·of, at least `of`, one step up where that falls below
    90 % of x (Sandler et al. 2018, the reference code's `_make_divisible`)."""
    rounded = max(of, math.floor(Fraction(x) / of + Fraction(1, 2)) * of)
    return rounded + of if rounded < Fraction(9, 10) * x else rounded


def power(a: int | Fraction, b: int | Fraction) -> int | Fraction:
    """aᵇ, exactly: b is whole. OverflowError where the result has more than BITS bits."""
    if not isinstance(b, int):
        raise TypeError("the exponent must be a whole number")
    if abs(b) * max(map(int.bit_length, a.as_integer_ratio())) > BITS and abs(a) != 1:
        raise OverflowError
    return exact(Fraction(a) ** b)  # type: ignore[no-any-return]


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""What is the same in the language and in Python."""
OPERATIONS: dict[str, Callable[..., Any]] = ARITHMETIC | {
    "/": lambda a, b: Fraction(a) / b,
    "**": power,
    "and": lambda a, b: b,
    "or": lambda a, b: b,
    "multiple": multiple,
    "neg": operator.neg,
    "not": operator.not_,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    "sizes": lambda *values: values[0] if len(values) == 1 else values,
}
"""All but `if`."""
ARITY = (
    dict.fromkeys(OPERATIONS, (2, 2))
    | dict.fromkeys(("neg", "not", "round", "floor", "ceil"), (1, 1))
    | {"min": (1, 64), "max": (1, 64), "sizes": (1, 3), "if": (3, 3)}
)
"""The least and the most arguments of each operation."""


def variables(expr: Expr) -> Iterator[str]:
    """The names in an expression, from left to right."""
    if isinstance(expr, Var):
        yield expr.name
    elif isinstance(expr, Apply):
        for argument in expr.arguments:
            yield from variables(argument)


def operations(expr: Expr) -> int:
    """How many operations an expression has."""
    return 1 + sum(map(operations, expr.arguments)) if isinstance(expr, Apply) else 0


# --- JSON -------------------------------------------------------------------------------------------------

_FRACTION = re.compile(r"-?[0-9]{1,300}/[0-9]{0,300}[1-9][0-9]{0,300}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,200}")


def dump(expr: Expr) -> Any:
    """The expression as JSON."""
    if isinstance(expr, Var):
        return expr.name
    if isinstance(expr, Apply):
        return [expr.operator, *map(dump, expr.arguments)]
    if isinstance(expr.value, Fraction):
        return f"{expr.value.numerator}/{expr.value.denominator}"
    if isinstance(expr.value, tuple):
        return ["sizes", *expr.value]
    return ["same"] if expr.value == "same" else expr.value


def load(data: Any, depth: int = 0) -> Expr:
    """The expression that JSON says, checked: it may come from anybody."""
    if isinstance(data, Const | Var | Apply):
        return data
    if isinstance(data, bool | int):
        return Const(data)
    if isinstance(data, str):
        if _FRACTION.fullmatch(data):
            return Const(exact(Fraction(data)))
        if _NAME.fullmatch(data):
            return Var(data)
    elif data == ["same"]:
        return Const("same")
    elif isinstance(data, list) and depth < DEEPEST and data and isinstance(data[0], str):
        least, most = ARITY.get(data[0], (1, 0))
        if least <= len(data) - 1 <= most:
            return apply(data[0], *(load(argument, depth + 1) for argument in data[1:]))
    raise ValueError("not an expression of the IR")
