"""Specs in the cells of a notebook that begin with `%%cnn`, and generated regions in its Markdown cells.

The file stays as it is: a spec's pieces map its characters to those of the JSON strings. Findings are at the
line of the file, and name the cell and the line in the cell.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Piece, Position, Source, Span
from cnnspec.documents.attributes import OURS, attributes
from cnnspec.documents.fence import MAX_FOUND, TOO_LARGE, Attribute, Document, Fence, Region
from cnnspec.files import MAX_BYTES

MAGIC = "%%cnn"
_MOST_VALUES = 200_000
"""The most keys of cells, and lines of their texts."""
_MOST_MARKDOWN = 1_000_000
"""The most characters of Markdown cells with generated regions."""
_COMMENT = "cnnspec"
_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_ATOM = re.compile(r"[^\"\\\[\]{},: \t\r\n]+")
_BRACKET = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"')
_PART = re.compile(r"[^\\]+|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.")


class _Cell(NamedTuple):
    number: int
    starts: list[int]
    """Where its lines begin in the file."""
    end: int


class NotebookText(Source):
    """The text of a notebook's file, with the starts of its cells."""

    cells: tuple[_Cell, ...] = ()

    def cell(self, offset: int) -> Position | None:
        for number, starts, end in self.cells:
            if starts[0] <= offset <= end:
                return Position(number, bisect_right(starts, offset))
        return None


def read_notebook(source: Source) -> Document:
    """The specs of a notebook."""
    text = NotebookText(source.name, source.text)
    try:
        content = json.loads(text.text)
    except json.JSONDecodeError as error:
        return _refused(text, f"{error.msg} ", Span(error.pos, min(error.pos + 1, len(text.text))))
    except (RecursionError, ValueError):
        return _refused(text, "its brackets are nested too deep, or a number is too long", Span(0, 1))
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        return _refused(text, "it has no list of cells (nbformat 4)", Span(0, 1))
    fences: list[Fence] = []
    regions: list[Region] = []
    findings: list[Diagnostic] = []
    cells: list[_Cell] = []
    marked = 0
    try:
        places = _Json(text.text).sources()
    except _TooMuch:
        finding = Diagnostic("E601", TOO_LARGE, Span(0, 1), help="split the notebook")
        return Document(text, findings=(finding,))
    for number, (cell, spans) in enumerate(zip(content["cells"], places, strict=True), 1):
        kind = cell.get("cell_type") if isinstance(cell, dict) and spans else ""
        if kind == "markdown" and _COMMENT in text.text[spans[0].start : spans[-1].end]:
            marked += spans[-1].end - spans[0].start
            if marked > _MOST_MARKDOWN or len(regions) + len(findings) > MAX_FOUND:
                return _too_large(text, spans[0], "split the notebook")
            written, pieces = _decoded(text.text, spans)
            cell_regions, problems = _regions(text.text, written, pieces)
            regions += cell_regions
            findings += problems
            cells.append(_Cell(number, _line_starts(written, pieces), spans[-1].end))
        if kind != "code":
            continue
        if not text.text.startswith(MAGIC, spans[0].start) or len(fences) > MAX_FOUND:
            continue
        if spans[-1].end - spans[0].start > 2 * MAX_BYTES:
            return _too_large(text, spans[0], "a spec has a few hundred lines")
        written, pieces = _decoded(text.text, spans)
        if written.split("\n", 1)[0].split(" ")[0].rstrip() == MAGIC:
            fences.append(_fence(text.text, written, pieces))
            cells.append(_Cell(number, _line_starts(written, pieces), spans[-1].end))
    text.cells = tuple(cells)
    return Document(text, tuple(fences), tuple(regions), findings=tuple(findings))


def _too_large(text: Source, cell: Span, way: str) -> Document:
    finding = Diagnostic("E601", TOO_LARGE, Span(cell.start, cell.start + len(MAGIC)), help=way)
    return Document(text, findings=(finding,))


def _refused(source: Source, why: str, span: Span) -> Document:
    message = f"this notebook cannot be read: {why.strip()}"
    finding = Diagnostic("E904", message, span, help="save it again with Jupyter")
    return Document(source, findings=(finding,))


class _TooMuch(Exception):
    """Raised if there are too many values."""


class _Json:
    """Finds places in a text that is valid JSON."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = _MOST_VALUES

    def sources(self) -> list[list[Span]]:
        """For each cell, the places of the strings of its source."""
        spans: list[list[Span]] = []
        for key, at in self.entries(self.behind_blanks(0)):
            if key == "cells":
                spans = [self.source(cell) for cell in self.entries_of_list(at)]
        return spans

    def source(self, at: int) -> list[Span]:
        spans: list[Span] = []
        for key, value in self.entries(at) if self.text[at] == "{" else ():
            if key != "source":
                continue
            places = self.entries_of_list(value) if self.text[value] == "[" else [value]
            ends = [(place, _STRING.match(self.text, place)) for place in places]
            spans = [Span(place + 1, match.end() - 1) for place, match in ends if match is not None]
        return spans

    def behind_blanks(self, at: int) -> int:
        match = _BLANKS.match(self.text, at)
        assert match is not None
        return match.end()

    def entries(self, at: int) -> Iterator[tuple[str, int]]:
        """The keys of an object, and where their values begin."""
        at = self.behind_blanks(at + 1)
        while self.text[at] != "}":
            key = _STRING.match(self.text, at)
            assert key is not None
            value = self.behind_blanks(self.behind_blanks(key.end()) + 1)
            yield json.loads(key[0]), value
            at = self.after(value)

    def entries_of_list(self, at: int) -> Iterator[int]:
        """Where the values of a list begin."""
        at = self.behind_blanks(at + 1)
        while self.text[at] != "]":
            yield at
            at = self.after(at)

    def after(self, at: int) -> int:
        """Where the next key or value begins, or the bracket closes."""
        self.left -= 1
        if not self.left:
            raise _TooMuch
        match = _STRING.match(self.text, at) or _ATOM.match(self.text, at)
        end = match.end() if match else self.closed(at)
        end = self.behind_blanks(end)
        return self.behind_blanks(end + 1) if self.text[end] == "," else end

    def closed(self, at: int) -> int:
        depth = 0
        for match in _BRACKET.finditer(self.text, at):
            depth += (match[0] in "[{") - (match[0] in "]}")
            if not depth:
                return match.end()
        raise AssertionError("the text is JSON")


def _decoded(text: str, spans: list[Span]) -> tuple[str, tuple[Piece, ...]]:
    """The joined text of the strings at these places, and the place of each character."""
    parts: list[str] = []
    pieces: list[Piece] = []
    length = 0
    for number, span in enumerate(spans):
        for match in _PART.finditer(text, span.start, span.end):
            kept = match[0][0] != "\\"
            characters = match[0] if kept else json.loads(f'"{match[0]}"')
            end = match.end()
            if end == span.end and not kept and number + 1 < len(spans):
                end = spans[number + 1].start  # the line goes on in the next string
            pieces.append(Piece(Span(length, length + len(characters)), Span(match.start(), end), kept))
            parts.append(characters)
            length += len(characters)
    return "".join(parts), tuple(pieces)


def _line_starts(written: str, pieces: tuple[Piece, ...]) -> list[int]:
    ends = [piece.original.end for piece in pieces if written[piece.span.start : piece.span.end] == "\n"]
    return [pieces[0].original.start, *ends]


def _fence(text: str, written: str, pieces: tuple[Piece, ...]) -> Fence:
    """The spec below the line of the magic."""
    magic = written.split("\n", 1)[0]
    start = min(len(magic) + 1, len(written))
    cell = Source("", written, Source("", text), pieces)
    options: dict[str, Attribute] = {}
    for key, attribute in attributes(magic, 0).items():
        if key in OURS:
            options[key] = Attribute(attribute.value, cell.written(attribute.span))
    head = cell.written(Span(0, len(magic)))
    between = [piece for piece in pieces if piece.span.start == len(magic)]
    line_break = text[slice(*between[0].original)] if between else "\\n"
    body = tuple(
        Piece(Span(span.start - start, span.end - start), original, kept)
        for span, original, kept in pieces
        if span.start >= start
    )
    return Fence(written[start:], body, head, options, line_break, _escaped)


def _regions(text: str, written: str, pieces: tuple[Piece, ...]) -> tuple[list[Region], list[Diagnostic]]:
    """The generated regions of a Markdown cell, and the findings about them."""
    from cnnspec.documents.markdown import read_markdown

    cell = Source("", written, Source("", text), pieces)
    page = read_markdown(Source("", written))
    regions = []
    for one in page.regions:
        line_end = written.find("\n", one.head.end)
        if line_end < 0:
            continue
        before, after = (cell.written(Span(at, at + 1)) for at in (line_end, one.body.end))
        body = Span(before.end, after.start)
        newline = text[slice(*before)]
        region = one._replace(head=cell.written(one.head), body=body, newline=newline, escaped=_escaped)
        regions.append(region)
    return regions, [finding._replace(span=cell.written(finding.span)) for finding in page.findings]


def _escaped(line: str) -> str:
    return json.dumps(line, ensure_ascii=False)[1:-1]
