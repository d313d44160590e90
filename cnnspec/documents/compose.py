"""The text of a fence as a spec of its own: with the input that it names, after the fence that it goes on
from.

What comes from elsewhere are pieces that stand for the attribute, or for the other fence; findings about the
whole text are at the line that opens the fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Piece, Source, Span
from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.documents.fence import Attribute, Document, Fence, SpecText
from cnnspec.files import MAX_BYTES

MAX_SPECS = 200
MAX_CHARACTERS = 1_000_000
"""Of all specs of a document and those that it includes, each with what it continues from."""

_MODEL = re.compile(r"^[ \t]*model\b", re.MULTILINE)
_INPUT = re.compile(r"^[ \t]*input\b", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class _Text:
    """A text that is put together, and where its parts come from."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.pieces: list[Piece] = []
        self.length = 0

    def add(self, text: str, original: Span, kept: bool = False) -> None:
        if text:
            self.parts.append(text)
            self.pieces.append(Piece(Span(self.length, self.length + len(text)), original, kept))
            self.length += len(text)

    def add_value(self, word: str, given: Attribute) -> None:
        """A statement whose value is an attribute's."""
        self.add(f"{word} ", Span(given.span.start, given.span.start))
        self.add(given.value, given.span, given.span.end - given.span.start == len(given.value))
        self.add("\n", Span(given.span.end, given.span.end))

    def add_fence(self, fence: Fence) -> Span:
        start = self.length
        for span, original, kept in fence.pieces:
            self.add(fence.text[span.start : span.end], original, kept)
        own = Span(start, self.length)
        if fence.text and not fence.text.endswith("\n"):
            at = fence.pieces[-1].original.end
            self.add("\n", Span(at, at))
        return own


def spec_text(document: Source, fence: Fence, before: tuple[Fence, ...]) -> SpecText:
    """The spec that a fence is, after the fences `before` it."""
    made = _Text()
    chain = (*before, fence)
    made.add(" ", fence.head)
    made.add("\n", Span(fence.head.end, fence.head.end))
    if "name" in fence.attributes and not any(_MODEL.search(one.text) for one in chain):
        if _IDENTIFIER.fullmatch(fence.name):
            made.add_value("model", fence.attributes["name"])
    own = WHOLE_FILE
    for one in chain:
        if "input" in one.attributes and not _second_input(one):
            made.add_value("input", one.attributes["input"])
        own = made.add_fence(one)
    return SpecText("".join(made.parts), document, made.pieces, fence, before, own)


def fence_text(document: Source, fence: Fence) -> SpecText:
    """What stands in a fence, and nothing else."""
    return SpecText(fence.text, document, fence.pieces, fence, (), Span(0, len(fence.text)))


class Taken:
    """What the specs of a document and of those that it includes take so far."""

    specs = 0
    characters = 0


def specs(document: Document, taken: Taken | None = None) -> tuple[list[SpecText], list[Diagnostic]]:
    """The specs of a document's fences, and what is wrong with their attributes."""
    taken = taken or Taken()
    findings: list[Diagnostic] = []
    found: list[SpecText] = []
    named: dict[str, Fence] = {}
    before: dict[str, tuple[Fence, ...]] = {}
    for fence in document.fences:
        findings += _wrong_attributes(fence, named)
        after = fence.attributes.get("after")
        chain: tuple[Fence, ...] = ()
        if after is not None and after.value in named:
            chain = (*before[after.value], named[after.value])
        if fence.name:
            named.setdefault(fence.name, fence)
            before.setdefault(fence.name, chain)
        length = sum(len(one.text) for one in (*chain, fence))
        taken.specs += 1
        taken.characters += length
        if taken.specs > MAX_SPECS:
            findings.append(_too_much(f"more than {MAX_SPECS} specs", fence))
            break
        if taken.characters > MAX_CHARACTERS or length > MAX_BYTES:
            most = MAX_BYTES if length > MAX_BYTES else MAX_CHARACTERS
            findings.append(_too_much(f"specs of more than {most:,} characters", fence))
            break
        if after is None or chain:
            found.append(spec_text(document.source, fence, chain))
    return found, findings


def _too_much(what: str, fence: Fence) -> Diagnostic:
    message = f"this document has {what}; the rest is not checked"
    return Diagnostic("E601", message, fence.head, help="split the document")


def _second_input(fence: Fence) -> bool:
    return "after" in fence.attributes or _INPUT.search(fence.text) is not None


def _wrong_attributes(fence: Fence, named: Mapping[str, Fence]) -> Iterator[Diagnostic]:
    """E901 for each attribute that cannot be used."""
    given = fence.attributes
    if "name" in given and fence.name in named:
        message = f"two specs of this document are named `{fence.name}`"
        yield Diagnostic("E901", message, given["name"].span, help="give this one another name")
    after = given.get("after")
    if after is not None and after.value not in named:
        near = did_you_mean(after.value, named)
        way = near or f"write name={after.value} at the fence that this one continues from"
        message = f"no spec above this one is named `{after.value}`"
        yield Diagnostic("E901", message, after.span, help=way)
    if "input" in given and _second_input(fence):
        other = f"continues from `{after.value}`" if after is not None else "has an `input` of its own"
        message = f"this spec {other}; input={given['input'].value} would be a second one"
        yield Diagnostic("E901", message, given["input"].span, help="leave one of them out")
    if "error" in given:
        from cnnspec.diagnostics.pages import page

        unknown = [code for code in expected(fence) if page(code) is None]
        if unknown:
            message = f"`{unknown[0]}` is not a code of a finding"
            way = "write a code such as error=E301; `cnnspec explain codes` lists all codes"
            yield Diagnostic("E901", message, given["error"].span, help=way)


def expected(fence: Fence) -> tuple[str, ...]:
    """The codes that a fence is to give."""
    given = fence.attributes.get("error")
    return () if given is None else tuple(one.strip().upper() for one in given.value.split(","))
