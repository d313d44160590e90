"""A rule: an example, when it holds, what it says, and how the example is written right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake


class Rule(NamedTuple):
    """`says`, `help` and `put` are templates: {found} is the token, {shown} the token in plain words,
    {marked} the marked characters, {0}, {1}, … the groups of the match that `when` gives, {put} what is put.
    """

    examples: Mapping[str, str]
    """Texts with this mistake, the characters that the finding marks in ⟦ ⟧; and how each is written right,
    nothing where more than one way leads out.
    """
    says: str = ""
    help: str = "write `{put}`"
    on: tuple[str, ...] = ()
    """The types of the tokens at which this can be; none for any."""
    when: Callable[[Mistake], Any] = lambda mistake: True
    """Whether this is the mistake: a match, a span to be marked instead of the token, or the whole answer. A
    match's groups `mark` and `over` are what is marked and what the fix writes over.
    """
    code: str = "E101"
    put: str | None = None
    """What the fix writes over the marked characters,"""
    before: str | None = None
    """or before the token, in front of the blanks there."""
    reads: str | None = None
    """What the parser reads in place of that and then goes on; a template."""
    to_line_end: bool = False
    """It goes on where the line ends."""
    safe: bool = False

    def answer(self, mistake: Mistake) -> Answer | None:
        if self.on and mistake.kind not in self.on:
            return None
        seen = self.when(mistake)
        if not seen:
            return None
        if isinstance(seen, Answer):
            return seen
        groups: tuple[Any, ...] = ()
        span = seen if isinstance(seen, Span) else mistake.span
        over = span
        if isinstance(seen, re.Match):
            groups = (seen.group(), *seen.groups())
            named = seen.re.groupindex
            if "mark" in named or seen.start() == span.start < seen.end():
                over = span = Span(*seen.span("mark" if "mark" in named else 0))
            over = Span(*seen.span("over")) if "over" in named else over
        marked = mistake.text[span.start : span.end]
        known = {"found": mistake.word.strip(), "shown": mistake.shown, "marked": marked.strip()}
        put = self.put.format(*groups, **known) if self.put is not None else None
        fix: tuple[Edit, ...] = ()
        resume = over.end
        if put is not None:
            fix = (Edit(over, put or _between(mistake.text, over)),)
        elif self.before is not None:
            put = self.before
            place = Span(mistake.start, mistake.start) if put.endswith(" ") else mistake.gap
            fix = (Edit(place, put),) if put else ()
            resume = mistake.start
        shown = (put or "").strip()
        return Answer(
            self.code,
            self.says.format(*groups, **known),
            span,
            self.help.format(*groups, **known, put=shown) if shown or "{put}" not in self.help else "",
            fix,
            self.safe,
            None,
            None if self.reads is None else self.reads.format(*groups, **known, put=shown),
            mistake.line_end if self.to_line_end else resume,
        )


def _between(text: str, span: Span) -> str:
    """What stays of left out characters: a blank between two words."""
    return (
        " " if text[span.start - 1 : span.start].isalnum() and text[span.end : span.end + 1].isalnum() else ""
    )


def split(example: str) -> tuple[str, Span]:
    """The example's text, and the characters that are marked in it."""
    before, _, rest = example.partition("⟦")
    marked, _, after = rest.partition("⟧")
    return before + marked + after, Span(len(before), len(before) + len(marked))
