"""A finding as an entry of `diagnostics` in the JSON document: plain values, a public contract.

Lines and columns count from 1, columns in characters; `end_column` is the first one after.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from cnnspec.diagnostics.diagnostic import Diagnostic, Edit, Position, Source


class Place(TypedDict):
    line: int
    column: int
    end_line: int
    end_column: int


class RelatedEntry(Place):
    message: str


class EditEntry(Place):
    text: str


class DiagnosticEntry(Place):
    """One finding. `label`, `note`, `help` and `fix` stand only where there are such.

    `label` is what stands under the marked characters, `note` the arithmetic, one line a formula. `safe`
    stands beside `fix`: it keeps the network's meaning, and `check --fix` applies it.
    """

    code: str
    severity: str
    message: str
    file: str
    related: list[RelatedEntry]
    label: NotRequired[str]
    note: NotRequired[str]
    help: NotRequired[str]
    fix: NotRequired[list[EditEntry]]
    safe: NotRequired[bool]


def as_json(diagnostic: Diagnostic, source: Source) -> DiagnosticEntry:
    """The entry of one finding; every string in it can be written as UTF-8."""
    start, end = source.extent(diagnostic.span)
    entry: DiagnosticEntry = {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": _utf8(diagnostic.message),
        "file": _utf8(source.name),
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "related": [
            {**_place(*source.extent(related.span)), "message": _utf8(related.message)}
            for related in diagnostic.related
        ],
    }
    if diagnostic.label:
        entry["label"] = _utf8(diagnostic.label)
    if diagnostic.note:
        entry["note"] = _utf8(diagnostic.note)
    if diagnostic.help:
        entry["help"] = _utf8(diagnostic.help)
    if diagnostic.fix:
        entry["fix"] = [_edit(edit, source) for edit in diagnostic.fix]
        entry["safe"] = diagnostic.safe
    return entry


def _place(start: Position, end: Position) -> Place:
    return {"line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column}


def _edit(edit: Edit, source: Source) -> EditEntry:
    """An edit, to the character: it may take a line end away."""
    start, end = source.position(edit.span.start), source.position(edit.span.end)
    return {**_place(start, end), "text": _utf8(edit.text)}


def _utf8(text: str) -> str:
    """Lone surrogates, which a file name or a broken file can hold, become U+FFFD."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
