"""The table of rules: the function for calls of each op of torch. The functions are in the other files of
this folder, one per family; each returns the meaning of the call's tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from cnnspec.sources.calls.items import Item
from cnnspec.sources.calls.reader import Reader

Arguments: TypeAlias = Mapping[str, Any]
"""The arguments of a call by their names in torch's schema, with tensors replaced by their meaning."""
Rule: TypeAlias = Callable[[Reader, Arguments], Item]

RULES: dict[str, Rule] = {}


def reads(*names: str) -> Callable[[Rule], Rule]:
    """Registers a function for these ops."""

    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = rule
        return rule

    return register


def each(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis; torch also accepts one number for all."""
    numbers = tuple(value) if isinstance(value, tuple) else (value,)
    return numbers * axes if len(numbers) == 1 else numbers
