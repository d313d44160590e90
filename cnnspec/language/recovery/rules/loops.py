"""A repetition written as a loop: `repeat 3: relu`, `for k in [16, 32]:` above indented steps."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.forms import steps_below
from cnnspec.language.recovery.words import shortened

LOOPS = ("for", "while", "repeat", "loop")
_WORD = rf"(?:{'|'.join(LOOPS)})[ \t]+"
_OVER_NUMBERS = re.compile(
    rf"({_WORD})(?:(\w+)[ \t]+in[ \t]+)?(?:range\([ \t]*)?(\w+)(?:[ \t]+times)?[ \t]*\)?[ \t]*:"
)
_OVER_A_LIST = re.compile(r"(for)[ \t]+(\w+)[ \t]+in[ \t]+[\[(]([\w., \t]+)[\])][ \t]*:")
_LINE = re.compile(rf"[ \t]*(?:[A-Za-z]\w*[ \t]*:[ \t]*)?(?={_WORD})")


def loop(text: str, begin: int) -> Answer | None:
    """The finding about the loop that begins at a place; None without one."""
    numbers, entries = _OVER_NUMBERS.match(text, begin), _OVER_A_LIST.match(text, begin)
    head = entries or numbers
    body = steps_below(text, head.end(), begin) if head else None
    if head is None or body is None or not text[slice(*body)].strip():
        return None
    message = f"there is no `{head[1].strip()}`: a repetition is written in brackets"
    span, steps, counter = Span(begin, body.end), text[slice(*body)], head[2]
    shown = " -> ".join(line.split("#")[0].strip() for line in steps.splitlines() if line.strip())
    if entries is not None:
        name = f"{counter}s"
        listed = ", ".join(re.split(r"[ \t,]+", entries[3].strip(" \t,")))
        shown = re.sub(rf"\b{counter}\b", f"{name}(i)", shown)
        way = f"write `let {name} = ({listed})` and `[{shown}]*len({name})`"
        return Answer("E102", message, span, way, reads="", since=begin)
    fix: tuple[Edit, ...] = (
        Edit(Span(begin, body.start), "["),
        Edit(Span(body.end, body.end), f"]*{head[3]}"),
    )
    if counter not in (None, "i") and re.search(rf"\b{counter}\b", shown):
        shown, fix = re.sub(rf"\b{counter}\b", "i", shown), ()  # passes are counted by `i`
    way = f"write `{shortened(f'[{shown}]', '[ … ]')}*{head[3]}`"
    return Answer("E102", message, span, way, fix, reads=f"[{steps}]*{head[3]}", since=begin)


def _at_a_loop(m: Mistake) -> Answer | None:
    line = m.of_line(_LINE.pattern)
    return loop(m.text, line.end()) if line and line.end() <= m.start else None


WRITTEN_AS_LOOPS = (
    Rule({"⟦for k in [4, 8]:\n  conv F3 K=k⟧\nrelu": "", "⟦repeat 3: [relu]⟧": "[[relu]]*3"},
         on="LSQB NUMBER", when=_at_a_loop),
)  # fmt: skip
