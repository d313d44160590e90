"""The tree's nodes, built while lark parses: a function for each alias in grammar/cnn.lark.

A function takes the context and the values of the alternative's symbols in order; a token is a `Token`.
Nothing here recurses: a node is made from nodes that are ready.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from cnnspec.language.builder import arguments, expressions, letters, lists, numbers, statements, steps
from cnnspec.language.builder.context import Context

__all__ = ["Action", "Context", "action"]

Action: TypeAlias = Callable[[Context, Any], Any]


def action(alias: str) -> Action:
    """The function that makes an alternative's value."""
    for module in (lists, numbers, expressions, letters, arguments, steps, statements):
        if hasattr(module, alias):
            made: Action = getattr(module, alias)
            return made
    raise KeyError(alias)
