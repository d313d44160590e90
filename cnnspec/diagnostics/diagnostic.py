"""The findings of every stage, as values with a place, the numbers and a help.

Stages collect findings in a `Sink`; they do not raise. Offsets count characters of `Source.text`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias


class Severity(StrEnum):
    """The severity of a finding. `W1…` is hardly ever intended; `W2…` is advice, which good networks may
    ignore for good reasons.
    """

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


def severity_of(code: str) -> Severity:
    if code.startswith("E"):
        return Severity.ERROR
    return Severity.WARNING if code.startswith("W1") else Severity.ADVICE


class Span(NamedTuple):
    """A stretch of source text: `start` is the first character's offset, `end` the first one after."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this span to the end of `other`."""
        return Span(self.start, other.end)


WHOLE_FILE = Span(0, 0)
"""The span of a finding about a file or a command line: it has no place in the text, and none is shown."""


class Position(NamedTuple):
    """A place as shown to users: line and column, both counted from 1, columns in characters."""

    line: int
    column: int


def line_start(text: str, offset: int) -> int:
    """The start of the line that contains an offset; lines end as in a `Source`."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


class Piece(NamedTuple):
    """A span of a rewritten text, the span of the original text that it replaces, and whether both are the
    same text."""

    span: Span
    original: Span
    kept: bool


class Source:
    """The text of one spec and its name in messages.

    Lines end at `\\n`, `\\r\\n` or a lone `\\r`. Where the text is a rewritten form of an `original`, its
    `pieces` cover it in order, and positions are those in the original.
    """

    def __init__(
        self, name: str, text: str, original: Source | None = None, pieces: Sequence[Piece] = ()
    ) -> None:
        self.name = name
        self.text = text
        self.original = original or self
        self.pieces = pieces

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(end.end() for end in re.finditer(r"\r\n|\n|\r", self.text))]

    def position(self, offset: int) -> Position:
        """The line and column of an offset."""
        if self.pieces:
            return self.original.position(self._written(Span(offset, offset)).start)
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of a line (counted from 1) as positions count them, without its end."""
        if self.pieces:
            return self.original.line(number)
        starts = self._line_starts
        start = starts[number - 1]
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def written(self, span: Span) -> Span:
        """The span of the original text for a span of this one; a rewritten piece is taken as a whole."""
        return span if not self.pieces or span == WHOLE_FILE else self._written(span)

    def _written(self, span: Span) -> Span:
        at = max(bisect_right(self.pieces, span.start, key=lambda one: one.span.start) - 1, 0)
        to = max(bisect_left(self.pieces, span.end, key=lambda one: one.span.start) - 1, at)
        first, last = self.pieces[at], self.pieces[to]
        start = first.original.start + (span.start - first.span.start if first.kept else 0)
        end = last.original.start + span.end - last.span.start if last.kept else last.original.end
        if span.start == span.end:
            return Span(start, start)
        inner = [piece.original for piece in self.pieces[at : to + 1] if not piece.kept]
        return Span(min([start, *(one.start for one in inner)]), max([end, *(one.end for one in inner)]))

    @property
    def label(self) -> str:
        """The name of this text in a list of models: its file, and its place if it is a part of that file."""
        return self.name if self.original is self else self.original.label

    def cell(self, offset: int) -> Position | None:
        """In a notebook, the number of the cell and the line in it."""
        return self.original.cell(self._written(Span(offset, offset)).start) if self.pieces else None

    def inserted(self, text: str) -> str:
        """The form that `text`, which replaces a stretch of this one, has in the original."""
        return self.original.inserted(text) if self.pieces else text

    def extent(self, span: Span) -> tuple[Position, Position]:
        """The first character of a span and the first one after it, as editors count.

        A span outside of the text is moved into it. Line ends are never shown. An empty span after the last
        line ("something is missing here") is shown where that line ends.
        """
        text = self.text
        start = min(max(span.start, 0), len(text))
        end = min(max(span.end, start), len(text))
        while end > start and text[end - 1] in "\r\n":
            end -= 1
        if start == end and not text[start:].strip():
            start = end = len(text.rstrip())
        return self.position(start), self.position(end)


class Related(NamedTuple):
    """A second place that explains a finding: "16x2x2 comes from here"."""

    span: Span
    message: str


class Edit(NamedTuple):
    """Replace the text at `span` by `text`."""

    span: Span
    text: str


Cause: TypeAlias = Literal[
    "python", "model file", "input", "colon", "branches", "tag", "braces", "list", "name", "claims"
]
"""The cause of a finding, where other findings depend on it: the text is Python or another tool's model file;
an input is in another notation; a colon follows the word of a statement; branches have no merge; tags or
braces are around the spec; a list is in other brackets; a layer has another tool's name; the claims of a line
are in another form."""


class Diagnostic(NamedTuple):
    """One finding.

    `code` is stable ("E301", "W203"); `note` is the arithmetic, one formula per line; `help` names a concrete
    solution; `fix` are the edits that remove this finding, and `safe` means that they keep the network's
    meaning, so that `check --fix` applies them. `label` is the text under the marked characters ("5x5 filter
    on a 2x2 map"), where it adds something to the message. `cause` decides which other findings this one
    silences.
    """

    code: str
    message: str
    span: Span
    related: tuple[Related, ...] = ()
    note: str = ""
    help: str = ""
    fix: tuple[Edit, ...] = ()
    safe: bool = False
    label: str = ""
    cause: Cause | None = None

    @property
    def severity(self) -> Severity:
        """`error`, `warning` or `advice`, decided by the code."""
        return severity_of(self.code)


MAX_ERRORS = 500
"""The most errors that are reported for one spec; one more finding says that there are more."""


class Sink:
    """Collects findings; one finding of a code at a place is enough (a block may be used often).

    After MAX_ERRORS errors it drops further ones and is `full`, so that a stage may stop.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span, str], Diagnostic] = {}
        self._errors = 0
        self.full = False

    def add(self, diagnostic: Diagnostic) -> None:
        # two wrong options of a command line have no place in the text that would distinguish them
        key = diagnostic.code, diagnostic.span, diagnostic.message if diagnostic.span == WHOLE_FILE else ""
        if key in self._found:
            return
        if diagnostic.severity is Severity.ERROR:
            if self.full:
                return
            self._errors += 1
            if self._errors > MAX_ERRORS:
                self.full = True
                diagnostic = Diagnostic(
                    "E608",
                    f"there are more than {MAX_ERRORS} errors; the others are not reported",
                    diagnostic.span,
                    help="correct the first ones, then check again",
                )
                key = diagnostic.code, diagnostic.span, ""
        self._found[key] = diagnostic

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        related: tuple[Related, ...] = (),
        note: str = "",
        help: str = "",
        fix: tuple[Edit, ...] = (),
        safe: bool = False,
        label: str = "",
        cause: Cause | None = None,
    ) -> None:
        self.add(Diagnostic(code, message, span, related, note, help, fix, safe, label, cause))

    def __iter__(self) -> Iterator[Diagnostic]:
        """The findings in the order of the text."""
        return iter(sorted(self._found.values(), key=lambda finding: (finding.span, finding.code)))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self._found.values())
