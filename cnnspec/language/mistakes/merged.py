"""Branches whose word stands behind them: `[ a | b ] add`, `parallel [ a | b ] concat`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.mistakes.mistake import Repair
from cnnspec.language.mistakes.repeated import closing
from cnnspec.language.tokens import Token
from cnnspec.notations import MERGES
from cnnspec.notations.words import layer_word

if TYPE_CHECKING:
    from cnnspec.diagnostics import Sink
    from cnnspec.language.automaton import Automaton

_WORD_BEHIND = re.compile(r"[ \t]*(?:->|→)?[ \t]*([A-Za-z_]+)(?:\([ \t]*\))?(?![ \t]*(?:[\w(\[:]|=(?!>)))")
_SHORT = 60
"""Characters up to which branches are shown as a whole in a way out."""


class Behind:
    """The word that stands behind branches and says how they are merged."""

    def __init__(self, text: str, head: Span, opened: int, closed: int, found: re.Match[str]) -> None:
        self.word = layer_word(found[1]) or ""
        self.span = Span(*found.span(1))
        self.end = found.end()
        self.branches, added = several(text, opened, closed)
        self.fix = (Edit(Span(head.start, opened), f"{self.word} "), *added, Edit(Span(closed, self.end), ""))
        self.sure = not added

    def tell(self, sink: Sink) -> None:
        sink.report(
            "E101",
            "the word that merges branches stands before them",
            self.span,
            help=f"write `{self.word} {self.branches}`",
            fix=self.fix,
            safe=self.sure,
        )


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


def word_behind(text: str, head: Span, opened: int) -> Behind | None:
    """The word behind the branches that the `[` at a place opens. `head` is what stands before that."""
    closed = closing(text, opened)
    found = _WORD_BEHIND.match(text, closed) if closed else None
    if found is None or closed is None or layer_word(found[1]) not in MERGES:
        return None
    return Behind(text, head, opened, closed, found)


def merged(automaton: Automaton, failure: Token) -> bool:
    """Reads branches as merged by the word behind them, which is told; and passes over that word."""
    brackets, values = automaton.brackets, automaton.values
    if failure.type == "VBAR" and brackets and brackets[-1].kind == "[":
        opened = brackets[-1].span.start
        behind = word_behind(automaton.text, Span(opened, opened), opened)
        if behind is None:
            return False
        behind.tell(automaton.sink)
        _enter_again(automaton, behind.word)
        automaton.pos = failure.start
        return True
    if failure.type not in ("NAME", "CALL") or automaton.last != "RSQB" or len(values) < 4:
        return False
    if any(one.span.start == failure.start for one in automaton.sink):  # told at the first `|`
        automaton.pos = failure.start + len(_call_or_word(automaton.text, failure.start))
        return True
    branches = automaton.tables.entered_by[automaton.states[-2]] == "branches"
    head, bracket = (values[-4], values[-3]) if branches else (values[-3], values[-3])
    if type(bracket) is not Token or bracket.text != "[" or type(head) is not Token:
        return False  # something else stands there: an `else`, or what was mended
    behind = word_behind(automaton.text, Span(head.start, head.start), bracket.start)
    if behind is None or behind.span.start != failure.start:
        return False
    if branches:
        values[-4] = head._replace(text=behind.word)
    behind.tell(automaton.sink)
    automaton.pos = behind.end
    return True


def _call_or_word(text: str, start: int) -> str:
    found = re.compile(r"\w+(?:\([ \t]*\))?").match(text, start)
    assert found is not None
    return found.group()


def _enter_again(automaton: Automaton, word: str) -> None:
    """Reads the innermost open group, as far as it was read, as the branches of a merge."""
    states, values, brackets = automaton.states, automaton.values, automaton.brackets
    tables, bracket = automaton.tables, brackets.pop()
    symbols = [tables.entered_by[state] for state in states[bracket.height + 1 :]]
    inside = values[bracket.height :]
    del states[bracket.height :], values[bracket.height - 1 :]
    automaton.feed(Token("NAME", word, bracket.span.start, bracket.span.start))
    automaton.feed(Token("LSQB", "[", *bracket.span))
    for symbol, value in zip(symbols, inside, strict=True):
        states.append(tables.table.states[states[-1]][symbol][1])
        values.append(value)


def arguments_between(automaton: Automaton, failure: Token) -> Repair | None:
    """`concat dim=1 [ a | b ]`: a merge takes nothing but its branches."""
    values, text = automaton.values, automaton.text
    if failure.type != "LSQB":
        return None
    for back in range(1, min(4, len(values))):
        head = values[-1 - back]
        if type(head) is Token and head.text in MERGES:
            span = Span(head.end, failure.start)
            shown = Span(span.start + 1, span.start + 1 + len(text[span.start + 1 : span.end].rstrip()))
            return Repair(
                "E202", f"`{head.text}` takes branches and nothing else", shown, "leave it out",
                (Edit(span, " "),), False, (), failure.start, back,
            )  # fmt: skip
    return None
