"""What is made of a mistake: a finding, or a repair with which the parser goes on; tokens in plain words."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Cause, Edit, Span
from cnnspec.language.tokens import END, Token

Finding: TypeAlias = tuple[str, str, Span, str, tuple[Edit, ...], *tuple[Cause, ...]]
"""Code, message, place, way out, fix; its cause, where other findings depend on it."""

Told: TypeAlias = tuple[str, Span, str, tuple[Edit, ...], *tuple[Cause, ...]]
"""The same of another notation, whose code is E102."""


class Repair(NamedTuple):
    """How to go on as if it had been written right: the tokens to take, and where the text goes on."""

    code: str
    message: str
    span: Span
    help: str
    fix: tuple[Edit, ...]
    safe: bool
    feeds: tuple[tuple[str, str, int, int], ...]
    pos: int
    back: int = 0
    """How many symbols are taken off the stack before."""


def found(failure: Token, text: str) -> str:
    """A token in plain words."""
    kind = failure.type
    if kind == END:
        return "the end of the file"
    if kind == "_NL":
        return "the end of the line"
    if kind == "?":
        return character(failure.text)
    return f"`{failure.text.strip()}`"


def character(char: str) -> str:
    if char.isprintable() and char != "`":
        return f"`{char}`"
    return f"the character U+{ord(char):04X}"
