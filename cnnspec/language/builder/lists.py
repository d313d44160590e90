"""Lists, and values that are handed on."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.language.builder.context import Context


def nothing(c: Context, v: Items[Any]) -> Any:
    return None


def same(c: Context, v: Items[Any]) -> Any:
    return v[0]


def one(c: Context, v: Items[Any]) -> list[Any]:
    return [v[0]]


def append_second(c: Context, v: Items[Any]) -> Any:
    v[0].append(v[1])
    return v[0]


def append_third(c: Context, v: Items[Any]) -> Any:
    v[0].append(v[2])
    return v[0]


def spread(c: Context, v: Items[Any]) -> list[Any]:
    return list(v[0])


def extend_second(c: Context, v: Items[Any]) -> Any:
    v[0].extend(v[1])
    return v[0]


def extend_third(c: Context, v: Items[Any]) -> Any:
    v[0].extend(v[2])
    return v[0]
