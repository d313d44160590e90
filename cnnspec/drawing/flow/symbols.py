"""Expressions as a paper writes them: `4*k` is 4k, with an italic k."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.drawing.flow.diagram import Runs
from cnnspec.drawing.scene import Run
from cnnspec.ir import expr
from cnnspec.ir.expr import Apply, Const, Expr, Var
from cnnspec.ops.base import written_number

SIGNS = {
    "==": " = ", "!=": " ≠ ", "<": " < ", "<=": " ≤ ", ">": " > ", ">=": " ≥ ", "+": " + ", "-": " − ",
    "and": " and ", "or": " or ", "//": "/", "/": "/", "%": " mod ", "*": "·",
}  # fmt: skip
STRENGTH = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "//": 6, "/": 6, "%": 6, "neg": 7, "**": 8}
STRENGTH |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4)
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def substituted(node: Expr, values: Mapping[str, Expr]) -> Expr:
    """The expression with these names replaced and simplified; constant parts are computed."""
    return expr.replaced(node, values, _simple)


def _simple(operator: str, *arguments: Expr) -> Expr:
    """An operation, simplified: 1·k is k, s/1 is s."""
    one = Const(1)
    if operator == "*" and one in arguments and len(arguments) == 2:
        return arguments[1] if arguments[0] == one else arguments[0]
    if operator in ("/", "//") and arguments[1] == one:
        return arguments[0]
    if operator in OPPOSITE:
        return _decided(operator, *arguments)
    return expr.apply(operator, *arguments)


def _decided(operator: str, left: Expr, right: Expr) -> Expr:
    """`(2 if i == 0 else 1) == 2` is `i == 0`."""
    if isinstance(left, Apply) and left.operator == "if" and isinstance(right, Const):
        condition, *sides = left.arguments
        results = [expr.apply(operator, side, right) for side in sides]
        if results == [Const(True), Const(False)]:
            return condition
        if results == [Const(False), Const(True)]:
            return negated(condition)
        if results[0] == results[1]:
            return results[0]
    return expr.apply(operator, left, right)


def plain(text: str) -> Runs:
    """An upright text."""
    return (Run(text),)


def symbol(name: str) -> Runs:
    """A name; a number at its end is a subscript: k1 as in mathematics."""
    stem = name.rstrip("0123456789")
    if stem and stem != name and len(stem) == 1:
        return Run(stem, italic=True), Run(name[len(stem) :], shift="sub")
    return (Run(name, italic=True),)


def spelled(node: Expr, around: int = 0) -> Runs:
    """The expression as runs, in parentheses where it binds less tightly than `around`."""
    if isinstance(node, Const):
        return plain(_value(node.value))
    if isinstance(node, Var):
        return symbol(node.name)
    strength = STRENGTH.get(node.operator, 9 if node.operator != "if" else 0)
    runs = _operation(node, strength)
    return (Run("("), *runs, Run(")")) if strength < around else runs


def negated(node: Expr) -> Expr:
    """The negation of a condition."""
    if isinstance(node, Apply) and node.operator in OPPOSITE:
        return Apply(OPPOSITE[node.operator], node.arguments)
    if isinstance(node, Apply) and node.operator == "not":
        return node.arguments[0]
    return Apply("not", (node,))


def _value(value: expr.Exact) -> str:
    if isinstance(value, tuple) and not isinstance(value, expr.List):
        return "×".join(map(str, value))
    if isinstance(value, bool | str | expr.List):
        return expr.spelled(value)
    return written_number(value).replace("-", "−")


def _operation(node: Apply, strength: int) -> Runs:
    name, arguments = node.operator, node.arguments
    if name == "if":
        condition, then, otherwise = arguments
        return (*spelled(then, 1), Run(" if "), *spelled(condition, 1), Run(" else "), *spelled(otherwise, 1))
    if name == "neg":
        return (Run("−"), *spelled(arguments[0], 8))
    if name == "not":
        return (Run("not "), *spelled(arguments[0], 4))
    if name == "at":
        return (*spelled(arguments[0], 9), Run("["), *spelled(arguments[1]), Run("]"))
    if name == "sizes":
        return _joined("×", [spelled(argument, 6) for argument in arguments])
    if name == "**":
        return _power(*arguments)
    if name not in SIGNS:
        inside = _joined(", ", [spelled(argument) for argument in arguments])
        return (Run("(" if name == "list" else f"{name}("), *inside, Run(")"))
    left, right = arguments
    sign = SIGNS[name]
    if name == "*" and isinstance(left, Const) and isinstance(right, Var):
        sign = ""
    return (*spelled(left, strength), Run(sign), *spelled(right, strength + (name in ("-", "/", "//", "%"))))


def _power(base: Expr, exponent: Expr) -> Runs:
    above = spelled(exponent)
    if all(not run.shift for run in above):
        return (*spelled(base, 9), *(Run(run.text, run.italic, "super") for run in above))
    return (*spelled(base, 9), Run("^"), *spelled(exponent, 9))


def _joined(mark: str, parts: list[Runs]) -> Runs:
    runs: list[Run] = []
    for part in parts:
        if runs:
            runs.append(Run(mark))
        runs += part
    return tuple(runs)


def joined(mark: str, parts: list[Runs]) -> Runs:
    """Runs one after another with a mark between them; neighbours of one style become one run."""
    runs: list[Run] = []
    for run in _joined(mark, [part for part in parts if part]):
        if runs and not run.shift and (runs[-1].italic, runs[-1].shift) == (run.italic, ""):
            runs[-1] = Run(runs[-1].text + run.text, run.italic)
        elif run.text:
            runs.append(run)
    return tuple(runs)
