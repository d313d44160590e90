"""A layer's shape rule, computed with numbers that also carry their expressions.

Shape rules are plain arithmetic (see `ops.base`), so the same rule that gives `64x56x56` gives `k`,
`in_height // 2`: a `Traced` is the number of one use with its expression. A rule with a decision (`min`, a
comparison) decides for that use; callers check whether the expression is right in every use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from cnnspec.lower.symbolic import Apply, Const, Node, Unclear, apply
from cnnspec.ops.base import Misfit, Op, Shape


class Traced(int):
    """A whole number with its expression."""

    node: Node

    def __new__(cls, value: int, node: Node) -> Self:
        instance = super().__new__(cls, value)
        instance.node = node
        return instance


def node_of(number: int) -> Node:
    return number.node if isinstance(number, Traced) else Const(int(number))


def _operation(operator: str, *, swapped: bool = False) -> Callable[[Any, Any], Any]:
    plain = getattr(
        int, {"+": "__add__", "-": "__sub__", "*": "__mul__", "//": "__floordiv__", "%": "__mod__"}[operator]
    )

    def traced(self: Traced, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        left, right = (other, self) if swapped else (self, other)
        nodes = node_of(left), node_of(right)
        node = added(*nodes, operator) if operator in ("+", "-") else apply(operator, *nodes)
        return Traced(plain(int(left), int(right)), node)

    return traced


for _name, _operator in {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%"}.items():
    setattr(Traced, f"__{_name}__", _operation(_operator))
    setattr(Traced, f"__r{_name}__", _operation(_operator, swapped=True))
setattr(Traced, "__neg__", lambda self: Traced(-int(self), apply("neg", self.node)))  # noqa: B010


def added(left: Node, right: Node, operator: str = "+") -> Node:
    """The sum or difference with equal terms combined: `c + 5 * k` for c + k + k + k + k + k."""
    terms: dict[Node, int] = {}
    count = 0
    for sign, term in (*_terms(left), *_terms(right, 1 if operator == "+" else -1)):
        factor, base = _factor(term)
        terms[base] = terms.get(base, 0) + sign * factor
        count += 1
    if len(terms) == count or min(terms.values()) < 0:
        return apply(operator, left, right)
    total: Node = Const(0)
    for base, factor in terms.items():
        if factor:
            total = apply("+", total, apply("*", Const(factor), base))
    return total


def _terms(node: Node, sign: int = 1) -> list[tuple[int, Node]]:
    """The terms of a sum with their signs. It does not recurse: the channels of a concatenation may be a long
    sum."""
    terms, waiting = [], [(sign, node)]
    while waiting:
        sign, node = waiting.pop()
        if isinstance(node, Apply) and node.operator in ("+", "-"):
            first, second = node.arguments
            waiting += [(sign if node.operator == "+" else -sign, second), (sign, first)]
        else:
            terms.append((sign, node))
    return terms


def _factor(node: Node) -> tuple[int, Node]:
    if isinstance(node, Const) and isinstance(node.value, int):
        return node.value, Const(1)
    if isinstance(node, Apply) and node.operator == "*":
        first, second = node.arguments
        if isinstance(first, Const) and isinstance(first.value, int):
            return first.value, second
    return 1, node


def traced_op(op: Op, fields: Mapping[str, Node]) -> Op:
    """The op, whose numbers also carry these expressions."""
    update: dict[str, Any] = {}
    for name, node in fields.items():
        value = getattr(op, name)
        if isinstance(value, tuple):
            parts: tuple[Node, ...] = (node,) * len(value)
            if isinstance(node, Apply) and node.operator == "sizes":
                parts = node.arguments
            elif isinstance(node, Const) and isinstance(node.value, tuple):
                parts = tuple(map(Const, node.value))
            if len(parts) == len(value):
                update[name] = tuple(Traced(size, part) for size, part in zip(value, parts, strict=True))
        elif isinstance(value, int) and not isinstance(value, bool):
            update[name] = Traced(value, node)
    return op.model_copy(update=update) if update else op


def out_nodes(op: Op, inputs: Sequence[Shape], nodes: Sequence[Sequence[Node | None]]) -> list[Node | None]:
    """The expressions of the output's sizes; None for a size that is computed from an unknown number."""
    unknown = Apply("?", ())
    shapes = [
        tuple(
            Traced(size, unknown if node is None else node) for size, node in zip(shape, sizes, strict=True)
        )
        for shape, sizes in zip(inputs, nodes, strict=True)
    ]
    try:
        answer = op.out(*shapes)
    except Unclear:
        return []
    if isinstance(answer, Misfit):
        return []
    size_nodes = [node_of(size) for size in answer]
    return [None if _holds(node, unknown) else node for node in size_nodes]


def _holds(node: Node, part: Node) -> bool:
    return node == part or (
        isinstance(node, Apply) and any(_holds(argument, part) for argument in node.arguments)
    )
