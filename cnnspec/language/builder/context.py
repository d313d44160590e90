"""The state that the functions of the builder share while one text is parsed."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Sequence as Items
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from cnnspec.diagnostics import Sink, Span
from cnnspec.language import tree
from cnnspec.language.tokens import Token

MAX_DEPTH = 100
"""The deepest nesting of operations in an expression, and the longest chain of `else if`."""

Action: TypeAlias = Callable[["Context", Items[Any]], Any]
Actions: TypeAlias = dict[str, Action]


def append(items: list[Any], item: Any) -> list[Any]:
    items.append(item)
    return items


def known(items: Items[Any]) -> tuple[Any, ...]:
    """The parts that could be parsed."""
    return tuple(item for item in items if item is not None)


class Context:
    def __init__(self, text: str, sink: Sink) -> None:
        self.text = text
        self.sink = sink
        self.numbers: dict[str, Fraction] = {}
        # The depth of an expression or a chain of `else if`, by the node's id; a node that is missing is
        # flat.
        self.depths: dict[int, int] = {}
        self.deep: set[int] = set()
        self.brackets: dict[int, tuple[Any, Span]] = {}  # expressions in brackets, by the node's id

    def checked(self, node: Any, *parts: Any, instead: Any = None) -> Any:
        """The node. If it is nested too deeply to be walked, its first part, with a finding."""
        depth = 1 + max(self.depths.get(id(part), 0) for part in parts)
        if depth <= MAX_DEPTH:
            self.depths[id(node)] = depth
            return node
        if self.deep.isdisjoint(node.span):
            self.deep.update(node.span)
            if len(self.deep) <= 64:
                steps = isinstance(node, tree.GroupStep | tree.BranchStep | tree.IfStep)
                span = Span(node.span.start, min(node.span.end, node.span.start + 80))
                message = f"more than {MAX_DEPTH} nested {'steps' if steps else 'operations'}"
                way = f"name a part of it with `{'block' if steps else 'let'}`"
                self.sink.report("E602", message, span, help=way)
        return instead or parts[0]

    def span(self, v: Items[Any]) -> Span:
        """The span from an alternative's first symbol to its last."""
        first, last = v[0], v[-1]
        start = first.start if type(first) is Token else self.whole(first).start
        return Span(start, last.end if type(last) is Token else self.whole(last).end)

    def whole(self, value: Any) -> Span:
        """The span of a value, with the brackets around it, which are not nodes."""
        bracket = self.brackets.get(id(value)) if self.brackets else None
        return value.span if bracket is None else bracket[1]

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that the file defines by `let`, as a block or as a parameter (an approximation, needed
        only for findings)."""
        names = set(re.findall(r"(?:let|block|shared)[ \t]+([A-Za-z][A-Za-z0-9_]*)", self.text))
        for parameters in re.findall(r"(?:block|shared)[ \t]+[A-Za-z][A-Za-z0-9_]*\(([^{]*)", self.text):
            names.update(re.findall(r"[A-Za-z][A-Za-z0-9_]*", parameters))
        return frozenset(names)
