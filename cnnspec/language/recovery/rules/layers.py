"""Layers passed to a block without brackets: `unit(64, leaky 0.1)`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import closing, is_layer

_HEAD = re.compile(r"[A-Za-z]\w*\Z")
_NAMED = re.compile(r"[A-Za-z]\w*[ \t]*=[ \t]*")
_WORD = re.compile(r"([A-Za-z]\w*)(\()?")


def _without_brackets(m: Mistake) -> Answer | None:
    """An argument of a block that continues like a line of layers."""
    close = closing(m.text, m.opened) if m.inside == "(" else None
    if close is None or not _HEAD.search(m.text, m.begin, m.opened) or "\n" in m.text[m.opened : close]:
        return None
    begin, end = _argument(m.text, m.opened + 1, close - 1, m.start)
    begin += len(m.text[begin:end]) - len(m.text[begin:end].lstrip())
    since, match = begin, _NAMED.match(m.text, begin)
    begin = match.end() if match else begin
    word = _WORD.match(m.text, begin)
    if word is None or not (is_layer(word[1]) or (word[2] and m.kind == "ARROW")):
        return None
    written = f"[{m.text[begin:end].strip()}]"
    return rewritten(
        Span(begin, begin + len(written) - 2), written,
        _STAND,
        code="E101", safe=True, reads=m.text[since:begin] + written, since=since, resume=end,
    )  # fmt: skip


def _empty_call(m: Mistake) -> Answer | None:
    """`se()` or `relu()` as an argument: there is no function without arguments."""
    head = _HEAD.search(m.text, m.begin, m.opened)
    if head is None or m.opens("(") < 2:
        return None
    name = head.group()
    layer = is_layer(name) and not re.search(rf"\b(?:block|shared)[ \t]+{name}\b", m.text)
    written = name if layer else f"[{name}()]"
    message = "a layer has no parentheses" if layer else _STAND
    return rewritten(
        Span(head.start(), m.end), written, message, code="E101", safe=True, reads=written, since=head.start()
    )


_STAND = "layers that a block is given are written in square brackets"


def _argument(text: str, begin: int, end: int, place: int) -> tuple[int, int]:
    """The argument around a place, between commas."""
    depth = 0
    for at in range(begin, end):
        depth += (text[at] in "([") - (text[at] in ")]")
        if text[at] == "," and depth == 0:
            if at >= place:
                return begin, at
            begin = at + 1
    return begin, end


GIVEN = (
    Rule({"f(64, ⟦leaky 0.1⟧)": "f(64, [leaky 0.1])", "f(64, ⟦bn -> relu⟧, 2)": "f(64, [bn -> relu], 2)",
          "f(act=⟦g(4) -> relu⟧)": "f(act=[g(4) -> relu])"},
         on="ARROW NUMBER NAME LPAR DIM CALL", when=_without_brackets),
    Rule({"f(64, ⟦g()⟧)": "f(64, [g()])", "f(act=⟦relu()⟧)": "f(act=relu)"},
         on="RPAR", last="CALL", when=_empty_call),
)  # fmt: skip
