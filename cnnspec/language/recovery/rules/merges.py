"""Branches whose word stands behind them, `[ a | b ] add`, or takes arguments, `concat dim=1 [ a | b ]`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import closing
from cnnspec.notations import MERGES as WORDS
from cnnspec.notations.words import layer_word

_WORD_BEHIND = re.compile(r"[ \t]*(?:->|→)?[ \t]*([A-Za-z_]+)(?:\([ \t]*\))?(?![ \t]*(?:[\w(\[:]|=(?!>)))")
_WORD_OR_CALL = re.compile(r"\w+(?:\([ \t]*\))?")
_SHORT = 60
"""Characters up to which branches are shown as a whole in a way out."""


def several(text: str, opened: int, closed: int) -> tuple[str, tuple[Edit, ...]]:
    """The branches in these brackets as a way out shows them, and what is to be added: to one, `id`."""
    inner, added = text[opened + 1 : closed - 1], ""
    if not _parted(inner):
        blank = " " if inner[-1:].isspace() else ""
        added = f"| id{blank}" if blank else " | id"
    shown = f"[{inner}{added}]"
    if len(shown) > _SHORT or "\n" in shown or "\r" in shown:
        shown = "[ … | id ]" if added else "[ … | … ]"
    return shown, (Edit(Span(closed - 1, closed - 1), added),) if added else ()


def _parted(inner: str) -> bool:
    """Whether a `|` stands there that is in no further brackets."""
    depth = 0
    for char in inner:
        depth += (char in "[(") - (char in "])")
        if char == "|" and depth == 0:
            return True
    return False


def word_behind(text: str, head: int, opened: int) -> Answer | None:
    """What is reported of a word behind the branches that the `[` at a place opens; what stands before that
    begins at `head`.
    """
    closed = closing(text, opened)
    found = _WORD_BEHIND.match(text, closed) if closed else None
    word = layer_word(found[1]) if found else None
    if found is None or closed is None or word not in WORDS:
        return None
    branches, added = several(text, opened, closed)
    fix = (Edit(Span(head, opened), f"{word} "), *added, Edit(Span(closed, found.end()), ""))
    message = "the word that merges branches stands before them"
    way = f"write `{word} {branches}`"
    return Answer(
        "E101", message, Span(*found.span(1)), way, fix, not added, reads="", resume=found.end(), merges=word
    )


def _at_the_bar(m: Mistake) -> Answer | None:
    answer = word_behind(m.text, m.opened, m.opened) if m.inside == "[" else None
    return answer and answer._replace(resume=m.start)


def _at_the_word(m: Mistake) -> Answer | None:
    opened, named = m.part(2), m.part(3)
    if m.last != "RSQB" or opened.symbol != "LSQB":
        return None
    if m.reported(m.start) and (word := m.here(_WORD_OR_CALL)):  # at the first `|`
        return Answer("", "", m.span, reads="", resume=word.end())
    branches = m.part(1).symbol == "branches"
    answer = word_behind(m.text, named.start if branches else opened.start, opened.start)
    if answer is None or answer.span.start != m.start:
        return None
    return answer if branches else answer._replace(merges="")


def _arguments_between(m: Mistake) -> Answer | None:
    for back in range(1, 4):
        word = m.part(back).token
        if word is not None and word.text in WORDS:
            span = Span(word.end, m.start)
            shown = Span(span.start + 1, span.start + 1 + len(m.text[span.start + 1 : span.end].rstrip()))
            return Answer(
                "E202", f"`{word.text}` takes branches and nothing else", shown, "leave it out",
                (Edit(span, " "),), reads="", resume=m.start, since=word.end,
            )  # fmt: skip
    return None


MERGES = (
    Rule({"[ conv F3 | id ] ⟦add⟧": "add [ conv F3 | id ]"}, on=("VBAR",), when=_at_the_bar),
    Rule(
        {
            "parallel [ relu | id ] ⟦concat⟧": "concat [ relu | id ]",
            "[ relu ] ⟦add⟧": "add [ relu | id ]",
        },
        on=("NAME", "CALL"),
        when=_at_the_word,
    ),
)

BEFORE_BRANCHES = (
    Rule({"concat ⟦dim=1⟧ [ relu | id ]": "concat [ relu | id ]"}, on=("LSQB",), when=_arguments_between),
)
