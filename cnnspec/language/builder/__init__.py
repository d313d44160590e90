"""The tree's nodes, built while lark parses: one function for each alias in grammar/cnn.lark.

An action takes the context and the values v[0], v[1], … of the alternative's symbols; a token is a `Token`.
Nothing here recurses: a node is built from finished nodes.
"""

from __future__ import annotations

from typing import Any

from cnnspec.language.builder.context import Action, Actions, Context, append
from cnnspec.language.builder.statements import STATEMENTS
from cnnspec.language.builder.values import VALUES

__all__ = ["ACTIONS", "Action", "Context"]


def _extend(items: list[Any], more: Any) -> list[Any]:
    items.extend(more)
    return items


LISTS: Actions = {
    "nothing": lambda c, v: None,
    "same": lambda c, v: v[0],
    "one": lambda c, v: [v[0]],
    "spread": lambda c, v: list(v[0]),
    "pair": lambda c, v: [v[0], v[2]],
    "append_second": lambda c, v: append(v[0], v[1]),
    "append_third": lambda c, v: append(v[0], v[2]),
    "extend_second": lambda c, v: _extend(v[0], v[1]),
    "extend_rest": lambda c, v: _extend(v[0], v[1:]),
    "extend_third": lambda c, v: _extend(v[0], v[2]),
}
ACTIONS: Actions = LISTS | VALUES | STATEMENTS
