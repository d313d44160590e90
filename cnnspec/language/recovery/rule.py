"""A rule: an example, the condition, the finding, and the corrected example."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake


class Rule(NamedTuple):
    """A rule applies where all its conditions hold. `says`, `help`, `put`, `before` and `reads` are
    templates: {found} is the token, {shown} the token in plain words, {marked} the marked characters, {0},
    {1}, … the groups of the match, {put} what the fix writes."""

    examples: Mapping[str, str]
    """Texts with this mistake, the marked characters in ⟦ ⟧; and the correction of each, empty where several
    are possible.
    """
    says: str = ""
    help: str = ""
    on: str = ""
    """The types of the token,"""
    word: str = ""
    """its texts,"""
    last: str = ""
    """the types of the token before it,"""
    accepts: str = ""
    """a type of token that would be allowed here,"""
    here: str = ""
    """a pattern that matches from the token on,"""
    when: Callable[[Mistake], Any] = lambda mistake: True
    """or any other test: it returns a match, a span to be marked instead of the token, or the whole answer. A
    match's groups `mark` and `over` are the marked characters and those that the fix replaces.
    """
    code: str = "E101"
    put: str | None = None
    """The fix's text in place of the marked characters,"""
    before: str | None = None
    """or before the token, in front of the blanks there."""
    reads: str | None = None
    """The text to parse in place of the marked characters, if it is not the fix's text."""
    to_line_end: bool = False
    """The parser continues at the end of the line."""
    safe: bool = True

    def answer(self, mistake: Mistake) -> Answer | None:
        seen = self.seen(mistake)
        if not seen or isinstance(seen, Answer):
            return seen or None
        span = over = seen if isinstance(seen, Span) else mistake.span
        known: dict[str, Any] = {"found": mistake.word.strip(), "shown": mistake.shown}
        groups: tuple[Any, ...] = ()
        if isinstance(seen, re.Match):
            groups, named = (seen.group(), *seen.groups()), seen.re.groupindex
            if "mark" in named or seen.start() == span.start < seen.end():
                span = over = Span(*seen.span("mark" if "mark" in named else 0))
            over = Span(*seen.span("over")) if "over" in named else over
        known["marked"] = mistake.text[span.start : span.end].strip()
        put = self.put if self.put is not None else self.before
        says, way, resume = self.says, self.help, over.end
        fix: tuple[Edit, ...] = ()
        if put is not None:
            put = put.format(*groups, **known)
            known["put"] = put.strip()
            way = way or ("write `{put}`" if known["put"] else "leave `{marked}` out")
            says = says or "expected `{put}`, found `{marked}`"
            fix = (Edit(over, put or _between(mistake.text, over)),)
        if self.before is not None:
            says = self.says or "expected `{put}` before {shown}"
            place = Span(mistake.start, mistake.start) if self.before.endswith(" ") else mistake.gap
            fix = (Edit(place, self.before),) if self.before else ()
            resume = mistake.start
        reads = put if self.reads is None else self.reads
        return Answer(
            self.code,
            says.format(*groups, **known),
            span,
            way.format(*groups, **known),
            fix,
            self.safe and bool(fix),
            None,
            None if reads is None else reads.format(*groups, **known),
            mistake.line_end if self.to_line_end else resume,
        )

    def seen(self, mistake: Mistake) -> Any:
        """The result of `when`, or the match of `here`; None if a condition does not hold."""
        conditions = (self.on, mistake.kind), (self.word, mistake.word), (self.last, mistake.last)
        if any(allowed and one not in allowed.split() for allowed, one in conditions):
            return None
        if self.accepts and not mistake.accepts(self.accepts):
            return None
        matched = re.compile(self.here).match(mistake.text, mistake.start) if self.here else True
        seen = matched and self.when(mistake)
        return matched if seen is True else seen


def _between(text: str, span: Span) -> str:
    """The text that remains where characters are left out: a blank between two words."""
    return (
        " " if text[span.start - 1 : span.start].isalnum() and text[span.end : span.end + 1].isalnum() else ""
    )


def split(example: str) -> tuple[str, Span]:
    """The example's text, and the characters that are marked in it."""
    before, _, rest = example.partition("⟦")
    marked, _, after = rest.partition("⟧")
    return before + marked + after, Span(len(before), len(before) + len(marked))
