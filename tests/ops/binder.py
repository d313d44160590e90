"""A few lines that bind the arguments of a layer from text, from the declarations alone.

The language's own binder is the elaborator's; the tests of the ops are to stand on the ops.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from cnnspec.ops import Op, lookup
from cnnspec.ops.base import Argument, Init, arguments_of, defaults_of

_TOKEN = re.compile(r"[^\s=]+=\[[^\]]*\]|\S+")


def op(text: str, axes: int = 2) -> Op:
    """`conv F3 P1 K8 init=normal(0.1)` → Conv(F=(3, 3), …)."""
    word, *tokens = _TOKEN.findall(text)
    made = lookup(word)
    assert made is not None, word
    values: dict[str, Any] = {}
    others = {} if axes == 2 else defaults_of(made, axes)
    for token in tokens:
        name, value = _bind(made, token, axes)
        assert name not in values, text
        values[name] = value
    return made(**(others | values))


def _bind(made: type[Op], token: str, axes: int) -> tuple[str, Any]:
    declared = list(arguments_of(made))
    for name, argument in declared:
        for flag, value in argument.flags:
            if flag == token:
                return name, value
    for name, argument in declared:
        if argument.keyword and token.startswith(argument.keyword + "="):
            return name, _value(argument, token[len(argument.keyword) + 1 :], axes)
        if argument.letter and re.match(f"{argument.letter}(\\d|same)", token):
            return name, _value(argument, token[1:], axes)
    for name, argument in declared:
        if argument.positional is not None:
            return name, _value(argument, token, axes)
    raise AssertionError(f"{made.word} takes no {token}")


def _value(argument: Argument, text: str, axes: int) -> Any:
    match argument.kind:
        case "integer":
            return int(text)
        case "number":
            return Fraction(text)
        case "sizes":
            if text == "same":
                assert argument.same
                return "same"
            sizes = tuple(int(size) for size in text.split("x"))
            return sizes * axes if len(sizes) == 1 else sizes
        case "shape":
            return tuple(int(size) for size in text.split("x"))
        case "range":
            low, _, high = text.rpartition(":")
            return int(low or 0), int(high)
        case "matrix":
            planes = text.strip("[]").split("|")
            return tuple(
                tuple(tuple(Fraction(cell) for cell in row.split()) for row in plane.split(";"))
                for plane in planes
            )
        case "connections":
            return tuple(tuple(int(cell) for cell in row.split()) for row in text.strip("[]").split(";"))
        case "init":
            scheme, _, number = text.rstrip(")").partition("(")
            return Init(scheme, Fraction(number)) if number else Init(scheme)
        case "tensor":
            return True
    raise AssertionError(argument.kind)
