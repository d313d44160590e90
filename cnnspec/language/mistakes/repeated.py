"""Groups and repetitions in another form: `repeat 3 { … }`, `3 x { … }`, `( … )x3`, `[ … ] 3 times`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.mistakes.mistake import Told

if TYPE_CHECKING:
    from cnnspec.language.automaton import Automaton
    from cnnspec.language.tokens import Token

_WORD_BEFORE = re.compile(r"(?:^|->|[|\[{:])[ \t]*(repeat|for|while|loop)\b([^\[{]*)$")
_NUMBER_BEFORE = re.compile(r"([0-9]+)[ \t]*[x*]?[ \t]*(?=[{(])")
TIMES_BEHIND = re.compile(
    r"[ \t]*(?:(?:x|\*|\*\*|\^|times)[ \t]*)?([0-9]+)(?:[ \t]*(?:times\b|x))?(?![A-Za-z0-9_.])"
)
"""What stands behind a group where `*3` is meant: `x3`, `^3`, `3 times`."""
_MORE_BRACES = re.compile(r"[ \t\r\n]*[A-Za-z_]*[ \t]*\{")
_STEP = re.compile(r"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)")
_SHORT = 60
"""Characters up to which a group is shown as a whole in a way out."""


def repeated(automaton: Automaton, line: str, begin: int, failure: Token) -> Told | None:
    """What is told of such a group at its bracket, or at the number before it."""
    text, start = automaton.text, failure.start
    number = _NUMBER_BEFORE.match(text, start) if failure.type in ("NUMBER", "DIM") else None
    opened = number.end() if number else start
    if text[opened : opened + 1] not in ("[", "{", "("):
        return None
    word = _WORD_BEFORE.search(line[: max(0, opened - begin)])
    if word is None and not _is_group(automaton, opened, bare=number is None):
        return None
    close = closing(text, opened)
    counts = re.findall(r"[0-9]+", word[2] if word else number[0] if number else "")
    if close and word is None and _MORE_BRACES.match(text, close):
        return None  # branches
    behind = TIMES_BEHIND.match(text, close) if close and not counts else None
    count = behind[1] if behind else counts[-1] if counts else "3"
    head = begin + word.start(1) if word else start
    message = f"there is no `{word[1]}`" if word else "steps stand together in square brackets"
    if close is None:
        return message, Span(head, opened), f"a repetition is written `[ … ]*{count}`", ()
    span = Span(head, behind.end() if behind else close)
    inner = text[opened + 1 : close - 1]
    short = len(inner) <= _SHORT and "\n" not in inner and "\r" not in inner
    times = f"*{count}" if word or counts or behind else ""
    shown = f"[{inner if short else ' … '}]{times}"
    fix = (Edit(Span(head, opened + 1), "["), Edit(Span(close - 1, span.end), f"]{times}"))
    way = f"a repetition is written `{shown}`" if times else f"write `{shown}`"
    return message, span, way, fix if counts or behind or not word else ()


def _is_group(automaton: Automaton, opened: int, bare: bool) -> bool:
    """Whether steps stand in round or curly brackets where a step may stand."""
    from cnnspec.language.mistakes.foreign import is_layer

    step = _STEP.match(automaton.text, opened + 1)
    if step is None or not is_layer(step[1]) or automaton.text[opened] == "[":
        return False
    if not bare or (automaton.accepts("IF") and automaton.accepts("LSQB")):
        return True
    before = automaton.text[:opened].rstrip(" \t")[-1:]
    return before in ("\n", "\r") and automaton.accepts("_NL")  # before a `{` a new line is none


def closing(text: str, place: int) -> int | None:
    """Behind the bracket that closes the one at a place."""
    opens, depth = text[place], 0
    closes = {"[": "]", "{": "}", "(": ")"}[opens]
    for at in range(place, min(len(text), place + 2000)):
        depth += (text[at] == opens) - (text[at] == closes)
        if depth == 0:
            return at + 1
    return None
