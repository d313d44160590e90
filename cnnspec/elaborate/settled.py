"""The `if`s of a text that its variant decides: their conditions use `let`s of the file and nothing else.

They are evaluated before the walk, because the names of layers depend on the side that is taken: where only
another variant has the first convolution of a block, the others are `conv1` and `conv2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cnnspec.elaborate.builder import UNKNOWN
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.values import NoValue, Unknown, Value, evaluate
from cnnspec.language import tree

SIZES = frozenset({"C", "T", "H", "W", "i"})
"""Names whose value differs from layer to layer, or from pass to pass."""


def settled(statements: Statements, knobs: Mapping[str, Value], digits: int) -> dict[int, bool]:
    """Whether each condition holds, by the identity of its `if`. `knobs` replace `let`s."""
    if not statements.facts.has_ifs:
        return {}
    values: dict[str, Value] = {}
    for name, let in statements.lets.items():
        value = knobs.get(name)
        values[name] = _value(let.value, values, (), digits) if value is None else value
    conditions: dict[int, bool] = {}
    for root in (*statements.blocks.values(), tuple(statements.lines)):
        conditions |= _conditions(root, values, digits)
    return conditions


def _conditions(root: Any, values: Mapping[str, Value], digits: int) -> dict[int, bool]:
    """The conditions below `root`, where parameters and `let`s hide those of the file."""
    below = [*nodes(root)]
    own = {one.name for one in below if isinstance(one, tree.Let | tree.Parameter)}
    ifs = (one for one in below if isinstance(one, tree.IfStep))
    conditions = {id(one): _value(one.condition, values, own, digits) for one in ifs}
    return {key: value for key, value in conditions.items() if isinstance(value, bool)}


def _value(expr: tree.Expr, values: Mapping[str, Value], own: Iterable[str], digits: int) -> Value:
    """The value of an expression over `let`s of the file; UNKNOWN where it needs more, or is in error, which
    is reported at its place."""
    hidden = SIZES.union(own)

    def look_up(name: tree.Name) -> Value:
        value = UNKNOWN if name.name in hidden else values.get(name.name, UNKNOWN)
        if value == UNKNOWN:
            raise Unknown
        return value

    try:
        return evaluate(expr, look_up, digits)
    except NoValue:
        return UNKNOWN
