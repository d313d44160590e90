"""Blocks in another form: `block f(k): …`, `block f(k) [ … ]`, `def f(k) { … }`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.mistakes.mistake import Told
from cnnspec.language.mistakes.repeated import closing
from cnnspec.language.tokens import Token

_HEAD = re.compile(
    r"[ \t]*(?:(block|shared|def|function|func|fn|module|macro|template|class)[ \t]+)?"
    r"([A-Za-z]\w*\([^()\r\n]*\))[ \t]*(?::|=>?|->)?[ \t]*"
)
_LINE = re.compile(r"([ \t]*)([^\r\n#]*)[^\r\n]*(?:\r\n|[\r\n]|$)")
_SHORT = 60
"""Characters up to which a block is shown as a whole in a way out."""


def block_otherwise(text: str, line: str, begin: int, failure: Token) -> Told | None:
    """What is told of a block whose steps stand in no braces, or that begins with another word."""
    head = _HEAD.match(line)
    if head is None:
        return None
    opened, word = begin + head.end(), head[1]
    least = head.end(2) if word in (None, "block", "shared") else head.start(2)
    if not begin + least <= failure.start <= opened:
        return None
    bracket = text[opened : opened + 1]
    if word not in ("block", "shared") and bracket != "{":
        return None
    close = closing(text, opened) if bracket in ("[", "{", "(") and bracket else None
    named = begin + (head.start(1) if word else head.start(2))
    if close is not None:
        inner, end = Span(opened + 1, close - 1), close
    elif bracket in ("[", "{", "("):
        return None
    else:
        inner = _indented(text, opened, begin)
        end = inner.end
    if not text[inner.start : inner.end].strip():
        return None
    block = word if word in ("block", "shared") else "block"
    written = text[inner.start : inner.end]
    one_line = "\n" not in written and "\r" not in written
    message, mark = (
        ("a block's steps stand in braces", Span(_first(text, begin + head.end(2)), end))
        if word == block
        else ("a block begins with the word `block`", Span(named, end))
    )
    shown = f"{block} {head[2]} {{ {written.strip()} }}"
    way = shown if one_line and len(shown) <= _SHORT else f"{block} {head[2]} {{ … }}"
    before, behind = ("", "") if bracket and close else (" ", " ") if one_line else ("", "\n")
    fix = (
        Edit(Span(named, inner.start), f"{block} {head[2]} {{{before}"),
        Edit(Span(inner.end, end), f"{behind}}}"),
    )
    return message, mark, f"write `{way}`", fix


def _first(text: str, place: int) -> int:
    """The first character from a place on that is no blank."""
    return place + len(text[place:]) - len(text[place:].lstrip())


def _indented(text: str, opened: int, begin: int) -> Span:
    """The steps behind a head without a bracket: on its line, else the lines below that stand further in."""
    rest = _LINE.match(text, opened)
    assert rest is not None
    if rest[2].strip():
        return Span(opened, rest.start(2) + len(rest[2].rstrip()))
    head = _LINE.match(text, begin)
    assert head is not None
    end, place = opened, rest.end()
    while place < len(text) and (line := _LINE.match(text, place)) is not None:
        if line[2].strip() and len(line[1]) <= len(head[1]):
            break
        end = line.start(2) + len(line[2].rstrip()) if line[2].strip() else end
        place = line.end()
    return Span(opened, end)
