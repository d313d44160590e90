"""A document with new texts in its fences or regions; everything else stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Edit, Sink, Source, Span, line_start
from cnnspec.documents.compose import fence_text, specs
from cnnspec.documents.fence import Document, Fence
from cnnspec.files import write_whole
from cnnspec.pipeline import Model, apply_fixes

_BOM = b"\xef\xbb\xbf"
MOST_ROUNDS = 10


def with_edits(text: str, edits: Iterable[Edit]) -> str:
    """A text with some of its stretches replaced."""
    for span, replacement in sorted(edits, reverse=True):
        text = text[: span.start] + replacement + text[span.end :]
    return text


def edits_for(fence: Fence, text: str, document: str) -> list[Edit]:
    """The edits of a document for a fence with a new text: the lines that differ. The first one is written
    from its beginning if it was blank, or if a part of a tab belongs to the blocks around it.
    """
    old, new = fence.text.rstrip("\n").split("\n"), text.rstrip("\n").split("\n")
    if not fence.pieces or old == new:
        return []
    first = 0
    while first < min(len(old), len(new)) - 1 and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first - 1 and old[-1 - last] == new[-1 - last]:
        last += 1
    start = sum(len(line) + 1 for line in old[:first])
    changed = "\n".join(old[first : len(old) - last])
    span = Span(_original(fence, start), _original(fence, start + len(changed)))
    written = fence.written("\n".join(new[first : len(new) - last]))
    tab = changed.startswith(" ") and document[span.start] == "\t"
    if (tab or not old[first].strip()) and fence.line_break[0] in "\r\n":
        span = Span(line_start(document, span.start), span.end)
        written = fence.line_break.lstrip("\r\n") + written
    return [Edit(span, written)]


def _original(fence: Fence, offset: int) -> int:
    """The place in the document of an offset of the fence's text."""
    for span, original, kept in fence.pieces:
        if offset < span.end:
            return original.start + (offset - span.start if kept else 0)
    return fence.pieces[-1].original.end


class Formatted(NamedTuple):
    """The result of formatting: the document's new text, or the reason why it is unchanged."""

    text: str | None
    findings: tuple[Diagnostic, ...] = ()


def in_document(finding: Diagnostic, source: Source) -> Diagnostic:
    """A finding about the text of a fence, with its places in the document."""
    return finding._replace(
        span=source.written(finding.span),
        related=tuple(one._replace(span=source.written(one.span)) for one in finding.related),
        fix=tuple(Edit(source.written(one.span), source.inserted(one.text)) for one in finding.fix),
    )


def formatted(document: Document) -> Formatted:
    """The document with its fences in their canonical form; fences with errors on purpose stay as they are.
    If one has syntax errors, nothing changes."""
    from cnnspec.language import parse
    from cnnspec.language.formatter import format_file

    if document.unread:
        return Formatted(None, document.findings)
    edits: list[Edit] = []
    findings: list[Diagnostic] = []
    for fence in document.fences:
        if fence.wrong_on_purpose or not fence.text.strip():
            continue
        source, sink = fence_text(document.source, fence), Sink()
        file = parse(source, sink)
        if sink.has_errors:
            findings += [in_document(one, source) for one in sink]
        else:
            edits += edits_for(fence, format_file(source, file), document.source.text)
    if findings:
        return Formatted(None, tuple(findings))
    return Formatted(with_edits(document.source.text, edits))


def fixed(document: Document, models: Callable[[Source], list[Model]]) -> tuple[str, int]:
    """The document with the safe fixes of its fences applied once, and their number; fences with errors on
    purpose stay as they are."""
    edits: list[Edit] = []
    edit_count = 0
    for spec in specs(document)[0]:
        if spec.fence.wrong_on_purpose:
            continue
        findings = tuple(dict.fromkeys(finding for model in models(spec) for finding in model.findings))
        inside = tuple(
            finding
            for finding in findings
            if all(
                spec.own.start <= edit.span.start and edit.span.end <= spec.own.end for edit in finding.fix
            )
        )
        text, count = apply_fixes(spec, inside)
        own = text[spec.own.start : len(text) - (len(spec.text) - spec.own.end)]
        edits += edits_for(spec.fence, own, document.source.text)
        edit_count += count
    return with_edits(document.source.text, edits), edit_count


def write_document(path: str, text: str) -> Diagnostic | None:
    """Replace a document's text and keep its byte-order mark."""
    return write_whole(path, document_bytes(path, text), force=True)


def document_bytes(path: str, text: str) -> bytes:
    """A document's new text, after the byte-order mark that it has."""
    try:
        with open(path, "rb") as file:
            mark = _BOM if file.read(len(_BOM)) == _BOM else b""
    except OSError:
        mark = b""  # writing reports it
    return mark + text.encode("utf-8")
