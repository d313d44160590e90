"""A finding as an entry of `diagnostics` in the JSON document: plain values, a public contract.

Lines and columns count from 1, columns in characters; `end_column` is the first one after.
"""

from __future__ import annotations

from typing import Any

from cnnspec.diagnostics.diagnostic import Diagnostic, Edit, Position, Source

AGAIN = "the same mistake"
"""The message of a related place that has none: its line is named in the finding's own message."""


def as_json(diagnostic: Diagnostic, source: Source) -> dict[str, Any]:
    """The entry of one finding; every string in it can be written as UTF-8. `label`, `note`, `help` and `fix`
    are present only if they are not empty.
    """
    entry: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": utf8(diagnostic.message),
        "file": utf8(source.name),
        **_place(*source.extent(diagnostic.span)),
        "related": [
            {**_place(*source.extent(related.span)), "message": utf8(related.message) or AGAIN}
            for related in diagnostic.related
        ],
    }
    if cell := source.cell(diagnostic.span.start):
        entry |= {"cell": cell.line, "cell_line": cell.column}
    for name in ("label", "note", "help"):
        if text := getattr(diagnostic, name):
            entry[name] = utf8(text)
    if diagnostic.fix:
        entry["fix"] = [_edit(edit, source) for edit in diagnostic.fix]
        entry["safe"] = diagnostic.safe
    return entry


def _place(start: Position, end: Position) -> dict[str, int]:
    return {"line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column}


def _edit(edit: Edit, source: Source) -> dict[str, Any]:
    """An edit, exact to the character: it may remove a line end."""
    start, end = source.position(edit.span.start), source.position(edit.span.end)
    return {**_place(start, end), "text": utf8(source.inserted(edit.text))}


def utf8(text: str) -> str:
    """Lone surrogates, which a file name or a broken file can hold, become U+FFFD."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
