"""The tree's nodes, built while parsing: a method for each alias in grammar/cnn.lark.

A method gets the values of the alternative's symbols in order; a token is `(text, start, end)`. Nothing here
recurses: a node is made from nodes that are ready. Each file stands on the one before it: numbers,
expressions, arguments, names, steps, statements.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.language.builder.statements import Statements


class Builder(Statements):
    """Makes nodes; reports what is well formed but cannot be (a name, a number).

    Here stand lists, and values that are handed on.
    """

    def nothing(self, v: Items[Any]) -> Any:
        return None

    def same(self, v: Items[Any]) -> Any:
        return v[0]

    def one(self, v: Items[Any]) -> list[Any]:
        return [v[0]]

    def append_second(self, v: Items[Any]) -> Any:
        v[0].append(v[1])
        return v[0]

    def append_third(self, v: Items[Any]) -> Any:
        v[0].append(v[2])
        return v[0]

    def spread(self, v: Items[Any]) -> list[Any]:
        return list(v[0])

    def extend_second(self, v: Items[Any]) -> Any:
        v[0].extend(v[1])
        return v[0]

    def extend_third(self, v: Items[Any]) -> Any:
        v[0].extend(v[2])
        return v[0]
