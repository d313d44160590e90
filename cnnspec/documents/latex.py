r"""Specs and generated regions of LaTeX: `\begin{cnn}`, listings, minted, and the files that they include.

A small scanner, which knows comments, verbatim text and `\iffalse`; it expands no macro.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from cnnspec.diagnostics import Diagnostic, Source, Span, line_start
from cnnspec.documents.attributes import OURS, attributes
from cnnspec.documents.fence import (
    MAX_FOUND,
    TOO_LARGE,
    Attribute,
    Document,
    Fence,
    Line,
    Named,
    Region,
    pieces_of,
)
from cnnspec.files import MAX_BYTES

_TOKEN = re.compile(r"%[^\r\n]*|\\[A-Za-z@]+|\\.", re.DOTALL)
_GROUP = re.compile(r"[ \t]*\{([^{}\r\n]*)\}")
_BREAK = re.compile(r"\r\n|\n|\r")
_CNNSPEC = re.compile(r"%[ \t]*cnnspec:[ \t]*(.*?)[ \t]*$")
_CLOSES = re.compile(r"%[ \t]*/cnnspec[ \t]*$")
_LANGUAGE = re.compile(r"(?:^|[\[,{\s])language\s*=\s*\{?\s*(?:\[[^\]]*\])?\s*(\w+)")

_SPECS = frozenset(("cnn", "cnncode"))
"""Environments of specs; `cnncode` is defined by `\\newminted{cnn}`."""
_VERBATIM = frozenset(
    (
        "verbatim", "verbatim*", "Verbatim", "BVerbatim", "LVerbatim", "comment", "filecontents",
        "filecontents*",
    )
)  # fmt: skip
_LISTINGS = frozenset(("lstlisting", "minted"))
_INLINE = frozenset(("\\verb", "\\lstinline", "\\mintinline", "\\cnninline"))
_FILES = frozenset(("\\inputminted", "\\lstinputlisting", "\\cnnfile", "\\input", "\\include", "\\subfile"))
_NO_CONDITION = re.compile(
    r"\\if(?:f|thenelse|(?:un)?def|cs(?:un)?def|def(?:empty|string)|str(?:equal|empty)|(?:not)?blank|bool(?:expr)?"
    r"|toggle|num(?:comp|equal))"
)
"""Macros with arguments, which are not closed by `\\fi`."""
_LONGEST = 4000
"""The most characters of an environment's options, and of verbatim text in a line."""
_WORK = 2_000_000
"""The most characters of brackets that are searched."""


def read_latex(source: Source) -> Document:
    """The specs, regions and included files of a LaTeX document."""
    scanner = _Scanner(source.text)
    scanner.run()
    fences, regions, files = tuple(scanner.fences), tuple(scanner.regions), tuple(scanner.files)
    return Document(source, fences, regions, files, tuple(scanner.findings))


class _Scanner:
    """One run over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.fences: list[Fence] = []
        self.regions: list[Region] = []
        self.files: list[Named] = []
        self.findings: list[Diagnostic] = []
        self.attributes: dict[str, Attribute] = {}
        """The attributes in a comment for the next environment."""
        self.opened: tuple[str, Span] | None = None
        self.conditions: list[bool] = []
        """For each `\\if…` that is open, whether its `\\else` is never typeset."""
        self.language = ""
        """The language of listings that name none."""
        self.work = 0

    def run(self) -> None:
        while match := _TOKEN.search(self.text, self.at):
            self.at = match.end()
            token = match[0]
            count = len(self.fences) + len(self.regions) + len(self.files) + len(self.findings)
            if self.work > _WORK or count > MAX_FOUND:
                way = "split the document"
                self.findings = [Diagnostic("E601", TOO_LARGE, Span(match.start(), self.at), help=way)]
                return
            if token.startswith("%"):
                self.comment(match.start(), token)
            elif token in ("\\endinput", "\\stop"):
                break
            elif token == "\\begin":
                self.environment(match.start())
            elif token == "\\end" and self.group() == "document":
                break
            elif token in _INLINE:
                self.skip_inline(token)
            elif token in _FILES:
                self.file(token)
            elif token == "\\lstset" and (options := self.bracketed("{", "}")) is not None:
                language = _LANGUAGE.search(options[0])
                self.language = language[1] if language else self.language
            elif token == "\\newif":
                self.at = found.end() if (found := _TOKEN.match(self.text, self.at)) else self.at
            else:
                self.condition(token)
        if self.opened is not None:
            self.unclosed(self.opened[1])

    def unclosed(self, span: Span) -> None:
        way = "write % /cnnspec where it ends"
        self.findings.append(Diagnostic("E907", "this generated region is not closed", span, help=way))

    def condition(self, token: str) -> None:
        """Skips the text that `\\iffalse` and similar conditions leave out; both sides of other conditions
        are read."""
        if token == "\\iffalse":
            self.skip_condition()
        elif token.startswith("\\if") and not _NO_CONDITION.fullmatch(token):
            self.conditions.append(token == "\\iftrue")
        elif token == "\\else" and self.conditions and self.conditions[-1]:
            self.skip_condition()
        elif token == "\\fi" and self.conditions:
            self.conditions.pop()

    def skip_condition(self) -> None:
        """Moves after the `\\else` or `\\fi` of a condition, as TeX does, without regard to verbatim text."""
        depth = 1
        while depth and (match := _TOKEN.search(self.text, self.at)):
            self.at = match.end()
            token = match[0]
            if token == "\\newif":
                self.at = found.end() if (found := _TOKEN.match(self.text, self.at)) else self.at
            elif token == "\\fi":
                depth -= 1
            elif token == "\\else" and depth == 1:
                self.conditions.append(False)
                return
            elif token.startswith("\\if") and not _NO_CONDITION.fullmatch(token):
                depth += 1
        if depth:
            self.at = len(self.text)

    def comment(self, start: int, token: str) -> None:
        """`% cnnspec: …` and `% /cnnspec` on lines of their own."""
        if "cnnspec" not in token:
            return
        begin = line_start(self.text, start)
        if self.text[begin:start].strip():
            return
        span = Span(start, start + len(token.rstrip()))
        if match := _CNNSPEC.match(token):
            if "=" in match[1].split(" ")[0]:
                self.attributes |= attributes(match[1], start + match.start(1))
                return
            if self.opened is not None:
                self.unclosed(self.opened[1])
            self.opened = match[1], span
        elif _CLOSES.match(token):
            if self.opened is None:
                what = "this closes a generated region that was not opened"
                self.findings.append(Diagnostic("E907", what, span, help="leave it out"))
                return
            command, head = self.opened
            body = Span(self.next_line(head.end), begin)
            self.regions.append(Region(command, head, body, self.line_end(head.end)))
            self.opened = None

    def next_line(self, offset: int) -> int:
        match = _BREAK.search(self.text, offset)
        return match.end() if match else len(self.text)

    def line_end(self, offset: int) -> str:
        match = _BREAK.search(self.text, offset)
        return match[0] if match else "\n"

    def group(self) -> str | None:
        """The text of the braces that follow; moves after them."""
        match = _GROUP.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[1].strip()

    def bracketed(self, opens: str, closes: str) -> tuple[str, int] | None:
        """The text of the brackets that follow on this line, braces in it counted, and where it begins."""
        at = self.at
        while self.text[at : at + 1] in (" ", "\t"):
            at += 1
        if self.text[at : at + 1] != opens:
            return None
        depth = 0
        for end in range(at + 1, min(at + _LONGEST, len(self.text))):
            self.work += 1
            char = self.text[end]
            if char == closes and depth == 0:
                self.at = end + 1
                return self.text[at + 1 : end], at + 1
            depth += (char == "{") - (char == "}")
        return None

    def skip_inline(self, token: str) -> None:
        """`\\verb|…|`, `\\lstinline[…]{…}`, `\\mintinline{…}|…|`."""
        self.at += self.text.startswith("*", self.at)
        if token != "\\verb":
            self.bracketed("[", "]")
        if token == "\\mintinline":
            self.group()
        if token != "\\verb" and self.bracketed("{", "}") is not None:
            return
        mark = self.text[self.at : self.at + 1]
        line = _BREAK.split(self.text[self.at + 1 : self.at + _LONGEST], maxsplit=1)[0]
        self.work += len(line)
        if mark.strip() and mark in line:
            self.at += line.index(mark) + 2

    def file(self, token: str) -> None:
        """A file that is included: a spec, or another document."""
        self.bracketed("[", "]")
        if token == "\\inputminted" and self.group() != "cnn":
            return
        start = self.at
        match = _GROUP.match(self.text, start) or re.compile(r"[ \t]+([^\s{}\\%]+)").match(self.text, start)
        if match is None or "\\" in match[1] or "#" in match[1]:  # a macro, or a macro's argument
            return
        self.at = match.end()
        path = match[1].strip()
        document = token in ("\\input", "\\include", "\\subfile")
        if document and not os.path.splitext(path)[1]:
            path += ".tex"
        if path and path.lower().endswith((".tex", ".ltx") if document else ".cnn"):
            self.files.append(Named(path, Span(match.start(1), match.end(1))))

    def environment(self, start: int) -> None:
        r"""`\begin{…}`: a spec, verbatim text, or something that contains more."""
        name = self.group()
        if name is None or name not in _SPECS | _LISTINGS | _VERBATIM:
            return
        options = self.bracketed("[", "]")
        language = self.group() if name == "minted" else ""
        if name == "lstlisting":
            match = _LANGUAGE.search(options[0]) if options is not None else None
            language = match[1] if match else self.language
        ours = name in _SPECS or (language or "").lower() == "cnn"
        closing = f"\\end{{{name}}}"
        end = self.text.find(closing, self.at)
        head = Span(start, self.at)
        if end < 0:  # the end of the spec is unknown: it is neither checked nor changed
            self.at = len(self.text)
            if ours:
                message = f"\\begin{{{name}}} has no {closing}"
                way = f"write {closing} after the spec"
                self.findings.append(Diagnostic("E904", message, head, help=way))
        elif ours and end - self.at > 2 * MAX_BYTES:
            self.findings.append(Diagnostic("E601", TOO_LARGE, head, help="a spec has a few hundred lines"))
        elif ours:
            own = attributes(*options) if options is not None else {}
            self.fences.append(self.fence(head, end, self.attributes | own))
        self.attributes = {}
        self.at = end + len(closing) if end >= 0 else self.at

    def fence(self, head: Span, end: int, own: dict[str, Attribute]) -> Fence:
        """The spec between the line that opens it and `end`, without the common prefix of its lines."""
        first = _BREAK.search(self.text, head.end, end)
        begin, newline = (first.end(), first[0]) if first else (end, "\n")
        last = line_start(self.text, end)
        stop = last if not self.text[last:end].strip() else end
        lines = list(self.lines(begin, max(begin, stop)))
        texts = [line.text for line in lines if line.text.strip()]
        indent = _common([text[: len(text) - len(text.lstrip(" \t"))] for text in texts])
        gobbled = [
            Line(text.removeprefix(indent), start + len(indent) * text.startswith(indent), stop)
            for text, start, stop, _ in lines
        ]
        text, pieces = pieces_of(gobbled)
        ours = {key: one for key, one in own.items() if key in OURS}
        return Fence(text, pieces, head, ours, newline + indent)

    def lines(self, begin: int, end: int) -> Iterator[Line]:
        while begin < end:
            match = _BREAK.search(self.text, begin, end)
            stop, after = (match.start(), match.end()) if match else (end, end)
            yield Line(self.text[begin:stop], begin, after)
            begin = after


def _common(indents: list[str]) -> str:
    """The first words that all of them have in common."""
    shortest = min(indents, key=len, default="")
    same = (all(indent[at] == char for indent in indents) for at, char in enumerate(shortest))
    return shortest[: next((at for at, equal in enumerate(same) if not equal), len(shortest))]
