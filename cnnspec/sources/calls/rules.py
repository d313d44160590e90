"""The table: which function reads a call of which op of torch. The functions are in the files beside this
one, one per family; each gives what the call's tensors are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from cnnspec.sources.calls.items import Item
from cnnspec.sources.calls.reader import Reader

Given: TypeAlias = Mapping[str, Any]
"""The arguments of a call by their names in torch's schema, tensors as what they are here."""
Rule: TypeAlias = Callable[[Reader, Given], Item]

RULES: dict[str, Rule] = {}


def reads(*names: str) -> Callable[[Rule], Rule]:
    """Register a function for ops."""

    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = rule
        return rule

    return register


def each(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis: torch lets one stand for all."""
    numbers = tuple(value) if isinstance(value, tuple) else (value,)
    return numbers * axes if len(numbers) == 1 else numbers
