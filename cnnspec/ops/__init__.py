"""What every layer is. One file per family; a layer is one class, which has everything about it that does not
differ between targets.

There is no index: a layer is found by the line `word = "…"` in its class. Only the families that a spec uses
are imported, because creating a pydantic class takes about a third of a millisecond; reading the text of all
files takes half a millisecond.
"""

from __future__ import annotations

import os
from fractions import Fraction
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from cnnspec.ops.base import Init, Op

_WORD = b'\n    word = "'
_CLASS = b"\nclass "


@cache
def _places() -> dict[str, tuple[str, str]]:
    """Where each word's class is: its module, and its name there."""
    places: dict[str, tuple[str, str]] = {}
    folder = os.path.dirname(__file__)
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".py"):
            continue
        with open(os.path.join(folder, file), "rb") as opened:
            text = opened.read()
        at = text.find(_WORD)
        while at >= 0:
            start = at + len(_WORD)
            name = text.rindex(_CLASS, 0, at) + len(_CLASS)
            word = text[start : text.index(b'"', start)].decode()
            places[word] = file[:-3], text[name : text.index(b"(", name)].decode()
            at = text.find(_WORD, start)
    return places


def words() -> tuple[str, ...]:
    """Every word that stands for a layer, family by family. Imports none of them."""
    return tuple(_places())


@lru_cache(maxsize=1000)
def lookup(word: str) -> type[Op] | None:
    """The layer that a word stands for; imports its family only."""
    place = _places().get(word)
    if place is None:
        return None
    op: type[Op] = getattr(import_module(f"cnnspec.ops.{place[0]}"), place[1])
    return op


def dump_op(op: Op) -> dict[str, Any]:
    """{"op": word, field: value, …} for JSON; what equals its default is left out. Whole numbers are
    numbers, other exact numbers text ("0.1", "2/3"): nothing is lost.

    >>> dump_op(lookup("leaky")(slope="1/3"))
    {'op': 'leaky', 'slope': '1/3'}
    """
    fields = type(op).model_fields
    plain = {"op": op.word}
    for name, field in fields.items():
        value = getattr(op, name)
        if value != field.default:
            plain[name] = _plain(value)
    return plain


def load_op(plain: dict[str, Any] | Op) -> Op:
    """The op that `dump_op` wrote (an op is passed through).

    >>> load_op({"op": "leaky", "slope": "1/3"}).slope
    Fraction(1, 3)
    """
    if isinstance(plain, Op):
        return plain
    if not isinstance(plain, dict):
        raise ValueError(f"a layer is an object, not {plain!r}")
    arguments = dict(plain)
    op = lookup(str(arguments.pop("op", "")))
    if op is None:
        raise ValueError(f"no layer has the word {plain.get('op')!r}")
    return op.model_validate(arguments)


def _plain(value: Any) -> Any:
    if isinstance(value, Op):
        return dump_op(value)
    if isinstance(value, Fraction):
        from cnnspec.ops.base import written_number

        return value.numerator if value.denominator == 1 else written_number(value)
    if isinstance(value, Init):
        return [value.scheme, *map(_plain, value.arguments)] if value.arguments else value.scheme
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


__all__ = ["Op", "dump_op", "load_op", "lookup", "words"]
