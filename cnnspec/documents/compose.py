"""The text of a fence as a spec of its own: with the input that it names, after the fence that it continues
from.

Text from elsewhere is in pieces at the place of the attribute; findings about the whole text are at the line
that opens the fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Piece, Source, Span
from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.documents.fence import Attribute, Document, Fence, SpecText
from cnnspec.files import MAX_BYTES

MAX_SPECS = 200
MAX_CHARACTERS = 1_000_000
"""The most characters of all specs of a document and those that it includes, each with the specs that it
continues from."""

_MODEL = re.compile(r"^[ \t]*model\b", re.MULTILINE)
_INPUT = re.compile(r"^[ \t]*input\b", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class _Text:
    """A text that is composed, with the origin of its parts."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.pieces: list[Piece] = []
        self.length = 0

    def add(self, text: str, original: Span, kept: bool = False) -> None:
        if text:
            self.parts.append(text)
            self.pieces.append(Piece(Span(self.length, self.length + len(text)), original, kept))
            self.length += len(text)

    def add_value(self, word: str, attribute: Attribute) -> None:
        """A statement whose value is an attribute's."""
        self.add(f"{word} ", Span(attribute.span.start, attribute.span.start))
        self.add(
            attribute.value, attribute.span, attribute.span.end - attribute.span.start == len(attribute.value)
        )
        self.add("\n", Span(attribute.span.end, attribute.span.end))

    def add_fence(self, fence: Fence) -> Span:
        """Adds a fence with its input; returns the place of its own text."""
        if "input" in fence.attributes and not _second_input(fence):
            self.add_value("input", fence.attributes["input"])
        start = self.length
        for span, original, kept in fence.pieces:
            self.add(fence.text[span.start : span.end], original, kept)
        own = Span(start, self.length)
        if fence.text and not fence.text.endswith("\n"):
            at = fence.pieces[-1].original.end
            self.add("\n", Span(at, at))
        return own

    def add_foreign(self, fence: Fence, at: Span) -> None:
        """A fence of another document, which the attribute at this place names."""
        other = _Text()
        other.add_fence(fence)
        self.add("".join(other.parts), at)


class Earlier(NamedTuple):
    """A fence that others may continue from, its document, and the fence that it continues from."""

    fence: Fence
    document: Source
    before: tuple[Earlier, ...] = ()


def spec_text(document: Source, fence: Fence, before: tuple[Earlier, ...]) -> SpecText:
    """The spec of a fence, after the fences `before` it."""
    composed = _Text()
    chain = (*before, Earlier(fence, document))
    composed.add(" ", fence.head)
    composed.add("\n", Span(fence.head.end, fence.head.end))
    if "name" in fence.attributes and not any(_MODEL.search(one.fence.text) for one in chain):
        if _IDENTIFIER.fullmatch(fence.name):
            composed.add_value("model", fence.attributes["name"])
    first = next(one.fence for one in chain if one.document is document)
    own, parts = WHOLE_FILE, []
    for one in chain:
        start = composed.length
        if one.document is document:
            own = composed.add_fence(one.fence)
        else:
            composed.add_foreign(one.fence, first.attributes["after"].span)
        parts.append(Span(start, composed.length))
    earlier = tuple(one.fence for one in before)
    return SpecText("".join(composed.parts), document, composed.pieces, fence, earlier, own, tuple(parts))


def fence_text(document: Source, fence: Fence) -> SpecText:
    """The text of a fence, without the additions of its attributes."""
    return SpecText(fence.text, document, fence.pieces, fence, (), Span(0, len(fence.text)))


class Composer:
    """The specs of a document and of those that it includes: their fences are added in the order of the
    text."""

    def __init__(self) -> None:
        self.specs = 0
        self.characters = 0
        self.named: dict[str, Earlier] = {}
        self.full = False

    def add(self, document: Source, fence: Fence) -> tuple[SpecText | None, list[Diagnostic]]:
        """Adds the spec of a fence, and the findings about its attributes; adds nothing once the limit is
        reached."""
        if self.full:
            return None, []
        findings = [*_wrong_attributes(fence, self.named, document)]
        after = fence.attributes.get("after")
        chain: tuple[Earlier, ...] = ()
        if after is not None and after.value in self.named:
            earlier = self.named[after.value]
            chain = (*earlier.before, earlier)
        known = self.named.get(fence.name)
        if fence.name and (known is None or known.document is not document):
            self.named[fence.name] = Earlier(fence, document, chain)
        length = sum(len(one.text) for one in (*(one.fence for one in chain), fence))
        self.specs += 1
        self.characters += length
        if self.specs > MAX_SPECS:
            what = f"more than {MAX_SPECS} specs"
        elif self.characters > MAX_CHARACTERS or length > MAX_BYTES:
            most = MAX_BYTES if length > MAX_BYTES else MAX_CHARACTERS
            what = f"specs of more than {most:,} characters"
        else:
            spec = spec_text(document, fence, chain) if after is None or chain else None
            return spec, findings
        self.full = True
        return None, [*findings, _too_much(what, fence)]


def specs(document: Document) -> tuple[list[SpecText], list[Diagnostic]]:
    """The specs of a document's fences, and the findings about their attributes."""
    composer = Composer()
    added = [composer.add(document.source, fence) for fence in document.fences]
    return [spec for spec, _ in added if spec is not None], [
        finding for _, findings in added for finding in findings
    ]


def _too_much(what: str, fence: Fence) -> Diagnostic:
    message = f"this document has {what}; the rest is not checked"
    return Diagnostic("E601", message, fence.head, help="split the document")


def _second_input(fence: Fence) -> bool:
    return "after" in fence.attributes or _INPUT.search(fence.text) is not None


def _wrong_attributes(fence: Fence, named: Mapping[str, Earlier], document: Source) -> Iterator[Diagnostic]:
    """E901 for each attribute that cannot be used."""
    attributes = fence.attributes
    if "name" in attributes and fence.name in named and named[fence.name].document is document:
        message = f"two specs of this document are named `{fence.name}`"
        yield Diagnostic("E901", message, attributes["name"].span, help="give this one another name")
    after = attributes.get("after")
    if after is not None and after.value not in named:
        near = did_you_mean(after.value, named)
        way = near or f"write name={after.value} at the fence that this one continues from"
        if document.name.lower().endswith((".tex", ".ltx")):
            way += "; if it is in another file, check the document that includes both"
        message = f"no spec above this one is named `{after.value}`"
        yield Diagnostic("E901", message, after.span, help=way)
    if "input" in attributes and _second_input(fence):
        other = f"continues from `{after.value}`" if after is not None else "has an `input` of its own"
        message = f"this spec {other}; input={attributes['input'].value} would be a second one"
        yield Diagnostic("E901", message, attributes["input"].span, help="leave one of them out")
    if "error" in attributes:
        from cnnspec.diagnostics.pages import page

        unknown = [code for code in expected(fence) if page(code) is None]
        if unknown:
            message = f"`{unknown[0]}` is not a code of a finding"
            way = "write a code such as error=E301; `cnnspec explain codes` lists all codes"
            yield Diagnostic("E901", message, attributes["error"].span, help=way)


def expected(fence: Fence) -> tuple[str, ...]:
    """The codes that a fence is expected to have."""
    attribute = fence.attributes.get("error")
    return () if attribute is None else tuple(one.strip().upper() for one in attribute.value.split(","))
