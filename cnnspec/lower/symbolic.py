"""Numbers of an emitted function or class that depend on its parameters, as Python computes them.

The nodes are those of the IR's expressions, with Python's names for operators that the language calls
otherwise. `value` evaluates a node as Python will when the emitted program runs (whole numbers exactly,
everything else in floats). An expression is only emitted where it has, in each use of a block, the number of
the IR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isclose
from typing import Any, TypeAlias

from cnnspec.ir import expr
from cnnspec.ir.expr import Apply, Const, List, Unclear, Var, single, variables

__all__ = ["Apply", "Const", "Env", "List", "Node", "Unclear", "Var", "apply", "variables"]

Node: TypeAlias = expr.Expr
Env: TypeAlias = Mapping[str, Any]

_LEVELS = {
    "if": 1,
    "or": 2,
    "and": 3,
    "not": 4,
    "==": 5,
    "!=": 5,
    "<": 5,
    "<=": 5,
    ">": 5,
    ">=": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "//": 7,
    "%": 7,
    "neg": 8,
    "**": 9,
}
"""Python's operator precedence; a call and a name bind tightest (10)."""

OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}

MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Each comparison with its sides exchanged: where a name became a number, the number goes to the right."""

FUNCTIONS = frozenset({"min", "max", "round", "int", "ceil", "multiple", "sizes", "list", "at", "len"})


def from_expr(node: expr.Expr, scope: Mapping[str, Node], *, whole: bool = True) -> Node:
    """An expression of the IR with nodes in place of its names. `whole`: a division becomes Python's `//`,
    which is right where it divides exactly."""
    if isinstance(node, Const):
        return Const(plain(node.value))
    if isinstance(node, Var):
        if node.name not in scope:
            raise Unclear(node.name)
        return scope[node.name]
    if node.operator == "if":
        condition = from_expr(node.arguments[0], scope, whole=whole)
        if isinstance(condition, Const):
            return from_expr(node.arguments[1 if condition.value else 2], scope, whole=whole)
    arguments = [from_expr(argument, scope, whole=whole) for argument in node.arguments]
    operator = "int" if node.operator == "floor" else node.operator
    if operator == "/" and whole and not any(map(_fractional, arguments)):
        operator = "//"
    return apply(operator, *arguments)


def apply(operator: str, *arguments: Node) -> Node:
    """An operation. Constants are computed; a sum with 0 and a product with 0 or 1 are simplified."""
    if operator not in _LEVELS and operator not in FUNCTIONS:
        raise Unclear(operator)
    node = Apply(operator, arguments)
    if operator == "if":
        condition, then, otherwise = arguments
        if isinstance(condition, Const):
            return then if condition.value else otherwise
        if then == otherwise:
            return then
    if all(isinstance(argument, Const) for argument in arguments):
        return Const(value(node, {}))
    if operator in ("and", "or"):
        for one, other in (arguments, arguments[::-1]):
            if isinstance(one, Const):
                return other if bool(one.value) is (operator == "and") else one
    if operator == "sizes" and len(set(arguments)) == 1:
        return arguments[0]  # one number for all axes
    if operator in ("+", "-", "*", "//") and len(arguments) == 2:
        left, right = arguments
        neutral = Const(0) if operator in "+-" else Const(1)
        if right == neutral:
            return left
        if left == neutral and operator in ("+", "*"):
            return right
        if operator == "*" and Const(0) in arguments:
            return Const(0)
    if operator in ("int", "round", "ceil") and _whole(arguments[0]):
        return arguments[0]
    return node


def _fractional(node: Node) -> bool:
    """Whether the value of a node may not be a whole number."""
    match node:
        case Const():
            return isinstance(node.value, float)
        case Var():
            return False
        case Apply():
            if node.operator in ("round", "int", "ceil", "multiple", "//"):
                return False
            return node.operator == "/" or any(_fractional(argument) for argument in node.arguments)


def _whole(node: Node) -> bool:
    """Whether a node is a whole number for any values of its variables: a parameter `w` may be 0.3."""
    if isinstance(node, Apply):
        if node.operator in ("+", "-", "*", "%", "neg", "min", "max"):
            return all(map(_whole, node.arguments))
        return node.operator in ("round", "int", "ceil", "//")
    return isinstance(node, Const) and not isinstance(node.value, float)


def value(node: Node, env: Env) -> Any:
    """The value that Python will compute for a node. Raises `Unclear` if a name has no value or the operation
    has no result."""
    match node:
        case Const():
            return node.value
        case Var():
            if node.name not in env:
                raise Unclear(node.name)
            number = env[node.name]
            return float(number) if isinstance(number, Fraction) else number
    if node.operator == "if":
        condition, then, otherwise = node.arguments
        return value(then if value(condition, env) else otherwise, env)
    arguments = [value(argument, env) for argument in node.arguments]
    try:
        return _OPERATIONS[node.operator](*arguments)
    except (ZeroDivisionError, TypeError, OverflowError, ValueError):
        raise Unclear(node.operator) from None


def multiple(x: float, of: int) -> int:
    """As the emitted helper of this name."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


def _power(a: float, b: int) -> float:
    if abs(b) > expr.BITS:
        raise OverflowError
    return float(a**b) if isinstance(a, float) else a**b


_OPERATIONS: dict[str, Callable[..., Any]] = expr.ARITHMETIC | {
    "/": lambda a, b: a / b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "neg": lambda a: -a,
    "**": _power,
    "not": lambda a: not a,
    "min": min,
    "max": max,
    "round": round,
    "int": int,
    "ceil": lambda x: -int(-x // 1),
    "multiple": multiple,
    "sizes": lambda *sizes: sizes,
    "list": lambda *values: List(values),
    "len": len,
    "at": lambda table, place: table[place],
}


ROUNDING = 1e-14
"""The largest relative difference between Python's float and the spec's exact number: some roundings of
1e-16."""


def gives(node: Node | None, env: Env, expected: object) -> bool:
    """Whether a node has the value `expected`; a tuple of equal sizes counts as the single size."""
    if node is None:
        return False
    try:
        number = value(node, env)
    except Unclear:
        return False
    if isinstance(number, float) and isinstance(expected, float):
        return isclose(number, expected, rel_tol=ROUNDING)
    return bool(single(number) == single(expected)) and isinstance(number, bool) == isinstance(expected, bool)


def plain(number: Any) -> Any:
    """An exact value as an int or a float of Python. Equal sizes of all axes become one number."""
    if isinstance(number, List):
        return List(map(plain, number))
    if isinstance(number, Fraction):
        return number.numerator if number.denominator == 1 else float(number)
    return '"same"' if number == "same" else single(number)


def replaced(node: Node, by: Mapping[str, Node]) -> Node:
    """The node with other nodes in place of variables."""
    return expr.replaced(node, by, apply)


def python(node: Node) -> str:
    return _python(node)[0]


def _python(node: Node) -> tuple[str, int]:
    """The text and how tightly it binds."""
    from cnnspec.lower.writer import literal

    match node:
        case Const():
            text = literal(node.value)
            return text, 8 if text.startswith("-") else 10
        case Var():
            return node.name, 10
    if node.operator == "ceil":
        return f"-int(-{_inner(node.arguments[0], 8)} // 1)", 8
    if node.operator in ("sizes", "list"):
        comma = "," if len(node.arguments) == 1 else ""
        return f"({', '.join(python(argument) for argument in node.arguments)}{comma})", 10
    if node.operator == "at":
        items, place = node.arguments
        is_last = place == Apply("-", (Apply("len", (items,)), Const(1)))
        return f"{_inner(items, 10)}[{-1 if is_last else python(place)}]", 10
    if node.operator in FUNCTIONS:
        return f"{node.operator}({', '.join(python(argument) for argument in node.arguments)})", 10
    level = _LEVELS[node.operator]
    if node.operator == "if":
        condition, then, otherwise = node.arguments
        if isinstance(condition, Apply) and condition.operator == "not":
            return _python(Apply("if", (condition.arguments[0], otherwise, then)))
        return f"{_inner(then, 2)} if {_inner(condition, 2)} else {_inner(otherwise, 1)}", level
    if node.operator == "neg":
        return f"-{_inner(node.arguments[0], 8)}", level
    if node.operator == "not":
        inner = node.arguments[0]
        if isinstance(inner, Apply) and inner.operator in OPPOSITES:
            return _python(Apply(OPPOSITES[inner.operator], inner.arguments))
        return f"not {_inner(inner, 4)}", level
    left, right = node.arguments
    if node.operator in MIRRORED and isinstance(left, Const) and not isinstance(right, Const):
        return _python(Apply(MIRRORED[node.operator], (right, left)))
    if node.operator == "**":
        base, exponent = _inner(left, 10), _inner(right, 8)
        plain = all(isinstance(one, Const | Var) for one in (left, right))
        return f"{base}**{exponent}" if plain else f"{base} ** {exponent}", level
    if node.operator == "or":  # brackets around `and` help the reader
        return " or ".join(_inner(one, 4 if _is_and(one) else level) for one in (left, right)), level
    chained = level if level not in (5,) else 6
    return f"{_inner(left, chained)} {node.operator} {_inner(right, level + 1)}", level


def _is_and(node: Node) -> bool:
    return isinstance(node, Apply) and node.operator == "and"


def _inner(node: Node, least: int) -> str:
    text, level = _python(node)
    return text if level >= least else f"({text})"
