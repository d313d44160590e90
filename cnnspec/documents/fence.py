"""A spec inside a document: its text, and the place of each of its characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Piece, Source, Span

MAX_FOUND = 1000
"""The most specs, regions and files of one document."""
TOO_LARGE = "this document is too large; the rest is not checked"


class Attribute(NamedTuple):
    """`input=64x56x56` at a fence: the value, and its place in the document."""

    value: str
    span: Span


class Fence(NamedTuple):
    """A spec inside a document. Its lines end with `\\n`, whatever the document's do.

    `head` is the place of the line that opens it. `pieces` map the text to the document. A new text is
    written with `escaped` for each line and `line_break` between them.
    """

    text: str
    pieces: tuple[Piece, ...]
    head: Span
    attributes: Mapping[str, Attribute]
    line_break: str
    escaped: Callable[[str], str] = str

    @property
    def name(self) -> str:
        """The name that the document gives it."""
        return self.attributes["name"].value if "name" in self.attributes else ""

    @property
    def wrong_on_purpose(self) -> bool:
        """Whether it is marked as having errors."""
        return "error" in self.attributes

    def written(self, text: str) -> str:
        """A text in the form that it has inside this fence."""
        lines = [self.escaped(line) for line in text.split("\n")]
        blank = self.line_break.rstrip(" \t")  # no blanks at the end of an empty line
        return lines[0] + "".join((self.line_break if line else blank) + line for line in lines[1:])


class Region(NamedTuple):
    """A generated part of a document: its command line, and the place of the generated text.

    Each of its lines begins with `prefix` and ends with `newline`, and is written as `escaped` gives it.
    """

    command: str
    head: Span
    body: Span
    newline: str
    prefix: str = ""
    escaped: Callable[[str], str] = str


class Named(NamedTuple):
    """A file that a document includes, as written, with its place."""

    path: str
    span: Span


class Document(NamedTuple):
    """A document as it was read. `files` are the specs and the further documents that it includes;
    `findings` are about the document itself.
    """

    source: Source
    fences: tuple[Fence, ...] = ()
    regions: tuple[Region, ...] = ()
    files: tuple[Named, ...] = ()
    findings: tuple[Diagnostic, ...] = ()

    @property
    def unread(self) -> bool:
        """Whether it could not be read at all."""
        return any(finding.code.startswith(("E6", "E7")) for finding in self.findings)


class SpecText(Source):
    """The text of a fence after the fences `before` it and the additions of its attributes. `own` is the
    fence's part of it; `parts` are those of each of the fences, with their inputs.
    """

    def __init__(
        self,
        text: str,
        document: Source,
        pieces: Sequence[Piece],
        fence: Fence,
        before: tuple[Fence, ...],
        own: Span,
        parts: tuple[Span, ...] = (),
    ) -> None:
        super().__init__(document.name, text, document, pieces)
        self.fence = fence
        self.before = before
        self.own = own
        self.parts = parts

    @property
    def label(self) -> str:
        at = self.fence.head.start
        cell = self.original.cell(at)
        where = f" (cell {cell.line})" if cell else f":{self.original.position(at).line}"
        return f"{self.name}{where}"

    def inserted(self, text: str) -> str:
        return self.fence.written(text)


class Line(NamedTuple):
    """A line of a spec, and where it is in the document; `end` is where the next line begins there. Its
    first `blanks` are a part of the tab at `start`.
    """

    text: str
    start: int
    end: int
    blanks: int = 0


def pieces_of(lines: Iterable[Line]) -> tuple[str, tuple[Piece, ...]]:
    """The text of these lines, and its place in the document."""
    parts: list[str] = []
    pieces: list[Piece] = []
    length = 0

    def add(part: str, original: Span, kept: bool) -> None:
        nonlocal length
        if part:
            parts.append(part)
            pieces.append(Piece(Span(length, length + len(part)), original, kept))
            length += len(part)

    for text, start, end, blanks in lines:
        begin = start + 1 if blanks else start
        stop = begin + len(text) - blanks
        add(text[:blanks], Span(start, begin), False)
        add(text[blanks:], Span(begin, stop), True)
        add("\n" if end > stop else "", Span(stop, end), False)
    return "".join(parts), tuple(pieces)
