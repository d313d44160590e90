"""What stands around a mistake: the first word of its line, the rest of it, a number as it was meant."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span, line_start
from cnnspec.language.mistakes import foreign

STATEMENT = re.compile(r"(?:model|input|variant|default|block|shared|output|expect)(?![A-Za-z0-9_:])")
STATEMENT_WORDS = (*STATEMENT.pattern[3 : STATEMENT.pattern.index(")")].split("|"), "let")
NUMBER_LIKE = re.compile(r"~?[0-9.][0-9A-Za-z_.]*(?:,[0-9]+)*[A-Za-z]*")
LAYER = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
REST = re.compile(r"[^\r\n]*")
_OPEN_RESHAPE = re.compile(r"\b(?:reshape|view)[ \t]+-1$")


def mistyped_statement(text: str, start: int) -> tuple[Span, str] | None:
    """The first word of a line where it looks like a statement's: `blcok f(k) {`, `vairant A: …`."""
    from cnnspec.diagnostics.suggest import nearest

    begin = line_start(text, start)
    head = LAYER.match(text, begin)
    if (
        head is None
        or not text[head.end() : start].strip()
        or head[1] in STATEMENT_WORDS
        or foreign.is_layer(head[1])
    ):
        return None
    near = nearest(head[1], STATEMENT_WORDS)
    return None if near is None else (Span(*head.span(1)), near)


def open_reshape(text: str, end: int) -> Span | None:
    """`reshape -1`, whose sign ends at `end`."""
    found_ = _OPEN_RESHAPE.search(text, max(0, end - 40), end + 1)
    return None if found_ is None else Span(*found_.span())


def gap_before(text: str, start: int) -> int:
    """Where the blanks before a place begin."""
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return start
