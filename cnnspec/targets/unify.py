"""One expression for all uses of a text: the author's own where it gives each use its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnspec.targets.symbolic import Const, Env, Node, apply, divided, gives, single
from cnnspec.targets.symbolic import value as node_value


class Diverges(Exception):
    """The uses of a text differ in a way that one class or function cannot express."""


def unify_number(values: Sequence[Any], source: Node | None, envs: Sequence[Env]) -> Node:
    """The node, where it is the author's own expression or the numbers differ; else the number."""
    for node in () if source is None else (source, divided(source)):
        if not all(gives(node, env, wanted) for env, wanted in zip(envs, values, strict=True)):
            continue
        if isinstance(node, Const):
            return Const(single(values[0]))
        whole = all(isinstance(value, int) for value in values)
        if whole and any(isinstance(node_value(node, env), float) for env in envs):
            return apply("int", node)
        return node
    first = single(values[0])
    if any(single(value) != first for value in values):
        raise Diverges("a number that no expression gives")
    return Const(first)
