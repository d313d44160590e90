"""A document is read, and one of its specs chosen: `paper.md#LeNet5`."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.documents.compose import Composer, specs
from cnnspec.documents.fence import Document, Fence, Named, SpecText
from cnnspec.documents.included import MAX_FILES, document_file, spec_file
from cnnspec.files import DOCUMENTS, MAX_BYTES, NOWHERE, document_named, named, read_one, read_source

MOST_BYTES = {"markdown": 1_000_000, "latex": 2_000_000, "notebook": 20_000_000}


def most_bytes(path: str, limit: int = 0) -> int:
    """The limit on the bytes of a document, by its format."""
    return max(MOST_BYTES[DOCUMENTS[os.path.splitext(path)[1].lower()]], limit)


def read_document(path: str, limit: int = 0) -> Document:
    """The document at `path`; if it cannot be read, one without specs, with the finding."""
    source, problem = read_source(path, most_bytes(path, limit))
    return Document(source, findings=(problem,)) if problem is not None else document_of(source)


def document_of(source: Source) -> Document:
    """A text as a document; the ending of its name decides the format."""
    kind = DOCUMENTS[os.path.splitext(source.name)[1].lower()]
    if kind == "latex":
        from cnnspec.documents.latex import read_latex

        return read_latex(source)
    if kind == "notebook":
        from cnnspec.documents.notebook import read_notebook

        return read_notebook(source)
    from cnnspec.documents.markdown import read_markdown

    return read_markdown(source)


class Part(NamedTuple):
    """A document, the findings about it, and the `.cnn` files that it includes."""

    document: Document
    findings: tuple[Diagnostic, ...]
    files: list[str]


class Opened(NamedTuple):
    """A document and those that it includes, and the specs of all in the order of the text. If the argument
    names one spec, it is `chosen`, with its variant if one is named; `problem` is the reason if there is
    none.
    """

    parts: list[Part]
    specs: list[SpecText]
    chosen: SpecText | None = None
    variant: str | None = None
    problem: Diagnostic | None = None


def open_document(argument: str, limit: int = MAX_BYTES) -> Opened:
    """The document of an argument, with its specs."""
    path, name = document_named(argument) or (argument, "")
    reader = _Reader(os.path.dirname(path), limit)
    reader.read(path)
    return _chosen(Opened(reader.parts, reader.specs), name)


def _chosen(opened: Opened, name: str) -> Opened:
    if not name or opened.parts[0].document.unread:
        return opened
    chosen = choose(opened.specs, name)
    if chosen is None:
        return opened._replace(problem=none_chosen(opened.specs, name))
    return opened._replace(chosen=chosen[0], variant=chosen[1])


class _Reader:
    """Reads a document in the order of its text, with the files below `folder` where it includes them."""

    def __init__(self, folder: str, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self.composer = Composer()
        self.seen: set[str] = set()
        self.parts: list[Part] = []
        self.specs: list[SpecText] = []

    def read(self, path: str) -> None:
        self.seen.add(os.path.normpath(path))
        document = read_document(path, self.limit)
        findings, files = [*document.findings], list[str]()
        place = len(self.parts)
        self.parts.append(Part(document, (), files))
        parts: list[Fence | Named] = [*document.fences, *document.files]
        for one in sorted(parts, key=_start):
            if isinstance(one, Fence):
                spec, problems = self.composer.add(document.source, one)
                self.specs += [spec] if spec is not None else []
                findings += problems
            elif one.path.lower().endswith(".cnn"):
                file = spec_file(self.folder, one)
                if isinstance(file, Diagnostic):
                    findings.append(file)
                elif self.is_new(file):
                    files.append(file)
            elif (further := document_file(self.folder, one)) is not None and self.is_new(further):
                self.read(further)
        ordered = tuple(sorted(findings, key=lambda one: one.span))
        self.parts[place] = self.parts[place]._replace(findings=ordered)

    def is_new(self, path: str) -> bool:
        """Whether a file is read for the first time, and the limit allows it."""
        known = os.path.normpath(path) in self.seen or len(self.seen) >= MAX_FILES
        self.seen.add(os.path.normpath(path))
        return not known


def _start(one: Fence | Named) -> int:
    return one.head.start if isinstance(one, Fence) else one.span.start


class Spec(NamedTuple):
    """The single spec of an argument: its place, its text, and the chosen variant."""

    path: str
    source: Source
    problem: Diagnostic | None
    variant: str | None = None


def read_spec(argument: str, limit: int = MAX_BYTES) -> Spec:
    """The single spec of an argument: that of a file, or one of a document."""
    if document_named(argument) is None:
        return Spec(*read_one(argument, named(argument), limit))
    return _spec(argument, open_document(argument, limit))


def spec_of(argument: str, source: Source) -> Spec:
    """The same of a document whose text is known; files that it includes are not read."""
    name = (document_named(argument) or ("", ""))[1]
    document = document_of(source)
    texts, problems = specs(document)
    part = Part(document, (*document.findings, *problems), [])
    return _spec(argument, _chosen(Opened([part], texts), name))


def _spec(argument: str, opened: Opened) -> Spec:
    source = opened.parts[0].document.source
    findings = [finding for part in opened.parts for finding in part.findings]
    if opened.chosen is not None:
        return Spec(argument, opened.chosen, None, opened.variant)
    if findings and not opened.specs:
        return Spec(argument, source, findings[0])
    if opened.problem is None and len(opened.specs) == 1:
        return Spec(argument, opened.specs[0], None)
    return Spec(argument, Source(source.name, ""), opened.problem or none_chosen(opened.specs, ""))


_NAMES = re.compile(r"^[ \t]*(model|variant)[ \t]+([A-Za-z][A-Za-z0-9_]*)", re.MULTILINE)


def choose(texts: list[SpecText], name: str) -> tuple[SpecText, str | None] | None:
    """The spec with a name: that of its fence, of its model, or of a variant, which is then chosen; `2` is
    the second spec of the document."""
    if name.isdecimal() and len(name) < 6 and 0 < int(name) <= len(texts):
        return texts[int(name) - 1], None
    for text in texts:
        if text.fence.name == name:
            return text, None
    for word in ("model", "variant"):
        for text in texts:
            if (word, name) in _NAMES.findall(text.fence.text):
                return text, name if word == "variant" else None
    return None


def none_chosen(texts: list[SpecText], name: str) -> Diagnostic:
    """E903 if no spec of a document has the name, or several do."""
    if not texts:
        return Diagnostic("E903", "this document contains no spec", NOWHERE, help="a spec is a fence `cnn`")
    names = [_name_of(text, number) for number, text in enumerate(texts, 1)]
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    if not name:
        message = f"this document contains {len(texts)} specs: {listed}"
        return Diagnostic(
            "E903", message, NOWHERE, help=f"choose one, for example {texts[0].name}#{names[0]}"
        )
    way = did_you_mean(name, names) or f"there {'is' if len(names) == 1 else 'are'} {listed}"
    return Diagnostic("E903", f"this document contains no spec named {name}", NOWHERE, help=way)


def _name_of(text: SpecText, number: int) -> str:
    model = next((name for word, name in _NAMES.findall(text.fence.text) if word == "model"), "")
    return text.fence.name or model or str(number)
