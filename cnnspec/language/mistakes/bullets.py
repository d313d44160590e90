"""What lists and tables put around a line: `1. conv F3`, `• relu`, `"C1": conv F5`, `conv F3 \\\\`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.automaton import Automaton
from cnnspec.language.mistakes.mistake import Repair
from cnnspec.language.tokens import Token
from cnnspec.notations.words import layer_word

_BULLET = re.compile(r"[ \t]*((?:[0-9]{1,3}[.):]|\([0-9]{1,3}\)|[-*+])[ \t]*)(?=([A-Za-z][A-Za-z0-9_]*))")
_QUOTED = re.compile(r"[ \t]*(\"([A-Za-z]\w*)\"[ \t]*:)")
_COMMENT = re.compile(r"[ \t]*%[^\r\n]*")
_ENDS_ROW = re.compile(r"\\\\(?:hline)?[ \t]*(?=[\r\n]|$)")


def list_item(automaton: Automaton, failure: Token) -> Repair | None:
    """Reads such a line without its bullet, its quotation marks, its `\\\\`."""
    text, start = automaton.text, failure.start
    begin = line_start(text, start)
    if ends := _ENDS_ROW.match(text, start):
        span = Span(*ends.span())
        return Repair(
            "E101", "a line ends without `\\\\`", span, "leave it out", (Edit(span, ""),), True, (), span.end
        )
    if text[begin:start].strip(" \t0123456789("):
        return None
    if comment := _COMMENT.match(text, begin):
        mark = Span(start, start + 1)
        return Repair(
            "E101", "a comment begins with `#`", mark, "write `#` in place of `%`", (Edit(mark, "#"),), True,
            (), comment.end(),
        )  # fmt: skip
    top = automaton.values[-1] if automaton.values else None
    inside = type(top) is Token and top.start >= begin
    bullet = _BULLET.match(text, begin)
    if bullet and layer_word(bullet[2]) is not None and not inside:
        span = Span(*bullet.span(1))
        return Repair(
            "E102", "a line begins with its steps, without a bullet or a number", span,
            f"leave `{text[span.start : span.end].strip()}` out", (Edit(span, ""),), True, (), span.end,
        )  # fmt: skip
    quoted = _QUOTED.match(text, begin)
    if quoted and automaton.accepts("LABEL"):
        span, plain = Span(*quoted.span(1)), f"{quoted[2]}:"
        return Repair(
            "E101", "a label stands without quotation marks", span, f"write `{plain}`", (Edit(span, plain),),
            True, (("LABEL", plain, *span),), span.end,
        )  # fmt: skip
    return None
