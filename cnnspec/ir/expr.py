"""Numbers that depend on a block's parameters: the author's expressions, kept as they were written.

An expression is a constant, a name or an operation. Names are the parameters, `let`s and `i` of the template
that the expression is in, and `C`, `H` and `W`, the shape of the tensor at that step. `value` is exact,
as the language is: whole numbers and fractions.

In JSON a whole number is a number, a fraction the text `"2/3"`, a truth value a boolean, a name its text,
`same` the list `["same"]`, and an operation a list: `["*", 4, "k"]`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

Exact: TypeAlias = "int | Fraction | bool | str | tuple[int, ...] | List"
"""A value: a number, a truth value, `"same"`, one whole number for each axis, or a list of values."""


class List(tuple[Any, ...]):
    """A list of values, `(64, 128)`; they may be lists themselves. (A plain tuple is a size.)"""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Const:
    """A value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Var:
    """A name."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """`operator`: a binary one, `neg`, `not`, `if` (condition, then, else), `sizes` (one number for each
    axis), `list`, `at` (a list, a place), or a function's name."""

    operator: str
    arguments: tuple[Expr, ...]


Expr: TypeAlias = Const | Var | Apply
Env: TypeAlias = Mapping[str, Exact]

DEEPEST = 250
"""The deepest nesting of operations; the language's own limit is lower."""
BITS = 14_000
"""The most bits of a whole number: Python converts no larger one to digits."""
ENTRIES = 1000
"""The most entries of a list, nested ones included."""


class Unclear(Exception):
    """An expression without a value here: a name is missing, or an operation has no result."""


def apply(name: str, *arguments: Expr) -> Expr:
    """The operation; if all its arguments are constant, its value, if it has one."""
    if name == "if" and isinstance(arguments[0], Const):
        return arguments[1] if arguments[0].value else arguments[2]
    node = Apply(name, arguments)
    if not all(isinstance(argument, Const) for argument in arguments):
        return node
    try:
        return Const(value(node, {}))
    except Unclear:
        return node


def value(expr: Expr, env: Env) -> Any:
    """The exact value. Raises `Unclear` if there is none."""
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
    values = [first, *(value(argument, env) for argument in arguments[1:])]
    if name not in OF_ANY and any(isinstance(one, tuple | str) for one in values):
        raise Unclear(name)
    try:
        result = exact(OPERATIONS[name](*values))
    except (ZeroDivisionError, TypeError, OverflowError, ValueError):
        raise Unclear(name) from None
    if isinstance(result, int | Fraction) and max(map(int.bit_length, result.as_integer_ratio())) > BITS:
        raise Unclear(name)
    return result


def exact(number: Any) -> Any:
    """A fraction that is whole, as a whole number."""
    return number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number


def entries(items: Any) -> int:
    """The number of values in a list, nested ones included; 1 for any other value."""
    return sum(map(entries, items)) if isinstance(items, List) else 1


def listed(*values: Any) -> List:
    """The list of these values. Raises OverflowError if it has more than ENTRIES."""
    if sum(map(entries, values)) > ENTRIES:
        raise OverflowError
    return List(values)


def entry(items: Any, place: Any) -> Any:
    """The entry of a list at a place, from 0. (-1 is not a place: `widths(i - 1)` would begin with the last
    entry.)"""
    if not isinstance(items, List) or type(place) is not int or not 0 <= place < len(items):
        raise ValueError("no such entry")
    return items[place]


def length(items: Any) -> int:
    """How many entries a list has."""
    if not isinstance(items, List):
        raise TypeError("not a list")
    return len(items)


def multiple(x: int | Fraction, of: int | Fraction) -> int | Fraction:
    """MobileNet's rounding of channels: ⌊x/of + ½⌋·of, at least `of`, one step up where that falls below
    90 % of x (Sandler et al. 2018, the reference code's `_make_divisible`)."""
    rounded = max(of, math.floor(Fraction(x) / of + Fraction(1, 2)) * of)
    return rounded + of if rounded < Fraction(9, 10) * x else rounded


def power(a: int | Fraction, b: int | Fraction) -> int | Fraction:
    """aᵇ, exactly: b is whole. Raises OverflowError if the result has more than BITS bits."""
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
"""The operators that are the same in the language and in Python."""
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
    "list": listed,
    "at": entry,
    "len": length,
}
"""All operations except `if`."""
OF_ANY = frozenset(("==", "!=", "and", "or", "not", "sizes", "list", "at", "len"))
"""The operations whose arguments are not only numbers and truth values."""
ARITY = (
    dict.fromkeys(OPERATIONS, (2, 2))
    | dict.fromkeys(("neg", "not", "round", "floor", "ceil", "len"), (1, 1))
    | {"min": (1, 64), "max": (1, 64), "sizes": (1, 3), "if": (3, 3), "list": (1, ENTRIES)}
)
"""The least and the most arguments of each operation."""


def variables(expr: Expr) -> Iterator[str]:
    """The names in an expression, from left to right."""
    if isinstance(expr, Var):
        yield expr.name
    elif isinstance(expr, Apply):
        for argument in expr.arguments:
            yield from variables(argument)


def replaced(expr: Expr, by: Mapping[str, Expr], operation: Callable[..., Expr] = apply) -> Expr:
    """The expression with others in place of these names. `operation` makes each operation anew."""
    if isinstance(expr, Var):
        return by.get(expr.name, expr)
    if isinstance(expr, Apply):
        return operation(expr.operator, *(replaced(argument, by, operation) for argument in expr.arguments))
    return expr


def single(size: object) -> object:
    """3 for (3, 3), as one number serves all axes; a list stays a list."""
    if isinstance(size, tuple) and not isinstance(size, List) and len(set(size)) == 1:
        return size[0]
    return size


def operations(expr: Expr) -> int:
    """How many operations an expression has."""
    return 1 + sum(map(operations, expr.arguments)) if isinstance(expr, Apply) else 0


# --- values as text ---------------------------------------------------------------------------------------

PLAIN = "true|false|same|[0-9]{1,40}(?:x[0-9]{1,40}){1,2}|-?[0-9]{1,300}(?:/[0-9]{0,300}[1-9][0-9]{0,300})?"
"""The spelling of a value that is not a list."""
_PLAIN = re.compile(PLAIN)


def parsed(text: str) -> Exact:
    """A value as the graph spells it: `64`, `2/3`, `1x7`, `true`, `same`, `(64, 128)`."""
    if text.startswith("("):
        return _parsed_list(text)
    if text in ("true", "false"):
        return text == "true"
    if text == "same":
        return text
    if "x" in text:
        return tuple(map(int, text.split("x")))
    number: int | Fraction = exact(Fraction(text))
    return number


def _parsed_list(text: str) -> List:
    """A list of such values. Raises ValueError if the text is not one."""
    open_lists: list[list[Exact]] = [[]]
    for mark, word in re.findall(r"([(),])|([^(), ]+)", text):
        if word and _PLAIN.fullmatch(word):
            open_lists[-1].append(parsed(word))
        elif mark == "(" and len(open_lists) < DEEPEST:
            open_lists.append([])
        elif mark == ")" and len(open_lists) > 1:
            inner = List(open_lists.pop())
            open_lists[-1].append(inner)
    parsed_list = open_lists[0][0] if open_lists[0] else None
    if not isinstance(parsed_list, List) or spelled(parsed_list) != text or entries(parsed_list) > ENTRIES:
        raise ValueError("not a list of the IR")
    return parsed_list


def spelled(value: Exact) -> str:
    """A value as the graph and messages spell it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, List):
        return f"({', '.join(map(spelled, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value)


# --- JSON -------------------------------------------------------------------------------------------------

_FRACTION = r"-?[0-9]{1,300}/[0-9]{0,300}[1-9][0-9]{0,300}"
_NAME = r"[A-Za-z][A-Za-z0-9_]{0,200}"


def dump(expr: Expr) -> Any:
    """The expression as JSON."""
    if isinstance(expr, Var):
        return expr.name
    if isinstance(expr, Apply):
        return [expr.operator, *map(dump, expr.arguments)]
    if isinstance(expr.value, Fraction):
        return f"{expr.value.numerator}/{expr.value.denominator}"
    if isinstance(expr.value, List):
        return ["list", *(dump(Const(one)) for one in expr.value)]
    if isinstance(expr.value, tuple):
        return ["sizes", *expr.value]
    return ["same"] if expr.value == "same" else expr.value


def load(data: Any, depth: int = 0) -> Expr:
    """The expression in JSON, which is checked: it may be untrusted."""
    if isinstance(data, Const | Var | Apply):
        return data
    if isinstance(data, bool | int):
        return Const(data)
    if isinstance(data, str):
        if re.fullmatch(_FRACTION, data):
            return Const(exact(Fraction(data)))
        if re.fullmatch(_NAME, data):
            return Var(data)
    elif data == ["same"]:
        return Const("same")
    elif isinstance(data, list) and depth < DEEPEST and data and isinstance(data[0], str):
        least, most = ARITY.get(data[0], (1, 0))
        if least <= len(data) - 1 <= most:
            return apply(data[0], *(load(argument, depth + 1) for argument in data[1:]))
    raise ValueError("not an expression of the IR")
