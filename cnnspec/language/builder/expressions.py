"""Expressions, and shapes, which are made of them."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Sink, Span
from cnnspec.language import tree
from cnnspec.language.builder.numbers import Numbers
from cnnspec.language.tables import ARROWS

MAX_DEPTH = 100
"""Operations one inside the other in an expression, and `else if` behind `else if`."""


class Expressions(Numbers):
    def __init__(self, text: str, sink: Sink) -> None:
        super().__init__(text, sink)
        # How deep an expression or a chain of `else if` is, by the node's id; a node that is missing is flat.
        self.depths: dict[int, int] = {}
        self.deep: set[int] = set()
        self.brackets: dict[int, tuple[Any, Span]] = {}  # expressions in brackets, by the node's id

    def _checked(self, node: Any, *parts: Any, instead: Any = None) -> Any:
        """The node.

        Or its first part with a finding where the node would be too deep for whoever walks it.
        """
        depth = 1 + max(self.depths.get(id(part), 0) for part in parts)
        if depth <= MAX_DEPTH:
            self.depths[id(node)] = depth
            return node
        if node.span.start not in self.deep and node.span.end not in self.deep:
            self.deep.add(node.span.start)
            self.deep.add(node.span.end)
            if len(self.deep) <= 64:
                steps = isinstance(node, tree.GroupStep | tree.BranchStep | tree.IfStep)
                self.sink.report(
                    "E602",
                    f"more than {MAX_DEPTH} {'steps' if steps else 'operations'} inside one another",
                    Span(node.span.start, min(node.span.end, node.span.start + 80)),
                    help="give a part of it a name with " + ("`block`" if steps else "`let`"),
                )
        return instead or parts[0]

    def variable(self, v: Items[Any]) -> tree.Name:
        ((text, start, end),) = v
        return tree.Name(text, Span(start, end))

    def unary(self, v: Items[Any]) -> Any:
        (text, start, _), operand = v
        return self._checked(tree.Unary(text, operand, Span(start, self._whole(operand).end)), operand)

    def binary(self, v: Items[Any]) -> Any:
        left, (text, _, _), right = v
        text = ARROWS.get(text, text)
        span = Span(self._whole(left).start, self._whole(right).end)
        return self._checked(tree.Binary(text, left, right, span), left, right)

    def conditional(self, v: Items[Any]) -> Any:
        then, _, condition, _, otherwise = v
        span = Span(self._whole(then).start, self._whole(otherwise).end)
        return self._checked(tree.Conditional(condition, then, otherwise, span), then, condition, otherwise)

    def function(self, v: Items[Any]) -> Any:
        (text, start, end), arguments, (_, _, last) = v
        node = tree.Function(text[:-1], tuple(arguments), Span(start, last), Span(start, end - 1))
        return self._checked(node, *arguments)

    def parenthesis(self, v: Items[Any]) -> Any:
        (_, start, _), expr, (_, _, end) = v
        self.brackets[id(expr)] = expr, Span(start, end)
        return expr

    def _whole(self, value: Any) -> Span:
        """Where a value stands, with the brackets around it, which are no node."""
        found = self.brackets.get(id(value)) if self.brackets else None
        return value.span if found is None else found[1]

    # --- shapes -----------------------------------------------------------------------------------

    def dim(self, v: Items[Any]) -> list[Any]:
        ((text, start, end),) = v
        return [start, self.dimension((text[:-1], start, end - 1))]

    def dim_expr(self, v: Items[Any]) -> list[Any]:
        (_, start, _), expr, _ = v
        return [start, expr]

    def more_dim(self, v: Items[Any]) -> Any:
        v[0].append(self.dim((v[1],))[1])
        return v[0]

    def more_dim_expr(self, v: Items[Any]) -> Any:
        v[0].append(v[2])
        return v[0]

    def dims_to_number(self, v: Items[Any]) -> tree.Dims:
        (start, *dims), token = v
        return tree.Dims((*dims, self.dimension(token)), Span(start, token[2]))

    def dims_to_expr(self, v: Items[Any]) -> tree.Dims:
        (start, *dims), _, expr, (_, _, end) = v
        return tree.Dims((*dims, expr), Span(start, end))

    def dims_number(self, v: Items[Any]) -> tree.Dims:
        number = self.dimension(v[0])
        return tree.Dims((number,), number.span)

    def dims_expr(self, v: Items[Any]) -> tree.Dims:
        (_, start, _), expr, (_, _, end) = v
        return tree.Dims((expr,), Span(start, end))
