"""Fences and generated regions of Markdown: in lists, quotes, admonitions (`!!!`, `:::`) and tabs (`===`).

The blocks are those of markdown-it; markup inside lines is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic, Source, Span
from cnnspec.documents.attributes import OURS, attributes, is_ours, option
from cnnspec.documents.fence import (
    MAX_FOUND,
    TOO_LARGE,
    Attribute,
    Document,
    Fence,
    Line,
    Region,
    pieces_of,
)

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

_INDENT = 4
MAX_LINES = 20_000
_CONTAINER = re.compile(r"(?:!!!|\?\?\?\+?|===[!+]?|:|\[\^[^\]\s]+\]:)[ \t]+\S")
_OPENS = re.compile(r"\s*<!--\s*cnnspec:\s*(.*?)\s*-->\s*", re.DOTALL)
_CLOSES = re.compile(r"\s*<!--\s*/cnnspec\s*-->\s*")


def read_markdown(source: Source) -> Document:
    """The specs and regions of a Markdown document."""
    if "cnn" not in source.text:
        return Document(source)
    page = _Page(source)
    if len(page.starts) > MAX_LINES:
        start = page.starts[MAX_LINES]
        way = f"split it: at most {MAX_LINES:,} lines are read"
        finding = Diagnostic("E601", TOO_LARGE, Span(start, start), help=way)
        return Document(source, findings=(finding,))
    fences: list[Fence] = []
    regions: list[Region] = []
    findings: list[Diagnostic] = []
    opened: tuple[str, Token] | None = None
    for token in _parser().parse(source.text):
        if len(fences) + len(regions) + len(findings) > MAX_FOUND:
            break
        if token.type in ("fence", "colon_fence") and is_ours(token.info):
            fences.append(page.fence(token))
        elif token.type == "html_block" and (match := _OPENS.fullmatch(token.content)):
            if opened is not None:
                findings.append(_unpaired(page.head(opened[1]), "is not closed", "<!-- /cnnspec -->"))
            opened = " ".join(match[1].split()), token
        elif token.type == "html_block" and _CLOSES.fullmatch(token.content):
            if opened is None:
                what = "closes a generated region that was not opened"
                findings.append(Diagnostic("E907", f"this {what}", page.head(token), help="leave it out"))
            else:
                regions.append(page.region(*opened, token))
            opened = None
    if opened is not None:
        findings.append(_unpaired(page.head(opened[1]), "is not closed", "<!-- /cnnspec -->"))
    return Document(source, tuple(fences), tuple(regions), findings=tuple(findings))


def _unpaired(span: Span, what: str, close: str) -> Diagnostic:
    return Diagnostic("E907", f"this generated region {what}", span, help=f"write {close} where it ends")


class _Page:
    """The lines of a document, as markdown-it counts them."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        ends = [match.end() for match in re.finditer(r"\r\n|\n|\r", self.text)]
        self.starts = [0, *ends]
        if self.starts[-1] < len(self.text):
            self.starts.append(len(self.text))

    def line(self, number: int) -> str:
        """A line without its end, with the characters as markdown-it has them."""
        start, end = self.starts[number], self.starts[number + 1]
        return self.text[start:end].rstrip("\r\n").replace("\0", "\ufffd")

    def start(self, number: int) -> int:
        return self.starts[min(number, len(self.starts) - 1)]

    def ending(self, number: int) -> str:
        """The end of a line; `\\n` for a last line without one."""
        whole = self.text[self.start(number) : self.start(number + 1)]
        return whole[len(whole.rstrip("\r\n")) :] or "\n"

    def head(self, token: Token) -> Span:
        """The line that opens a block, without the prefix that other blocks give it."""
        first = _first(token)
        line = self.line(first)
        mark = token.markup or "<!--"
        at = max(line.find(mark), 0)
        return Span(self.starts[first] + at, self.starts[first] + len(line.rstrip()))

    def fence(self, token: Token) -> Fence:
        """A spec, with its attributes and where its lines are."""
        first = _first(token)
        head = self.line(first)
        options = attributes(token.info, self.starts[first] + len(head) - len(token.info))
        lines = list(self.lines(token.content, first + 1))
        if "{" in token.info and "{." not in token.info:
            lines = lines[_options(lines, ":", options) :]
            fence = [at for at, line in enumerate(lines) if line.text.strip() == "---"][:2]
            if len(fence) == 2 and fence[0] == 0:
                _options(lines[1 : fence[1]], "", options)
                lines = lines[fence[1] + 1 :]
        _options(lines, "#|", options)
        text, pieces = pieces_of(lines)
        return Fence(text, pieces, self.head(token), options, self.ending(first) + self.prefix(lines, token))

    def lines(self, content: str, number: int) -> Iterator[Line]:
        """The lines of a block's text. markdown-it removes a prefix, which may end inside a tab."""
        for text in content.split("\n")[: None if content[-1:] != "\n" else -1]:
            if number + 1 >= len(self.starts):
                return
            raw = self.line(number)
            blanks = next((at for at in range(_INDENT) if raw.endswith(text[at:])), 0)
            begin = self.starts[number] + len(raw) - (len(text) - blanks)
            yield Line(text, begin - 1 if blanks else begin, self.starts[number + 1], blanks)
            number += 1

    def prefix(self, lines: list[Line], token: Token) -> str:
        """The characters before a line of the block: the blanks and quotation marks of the blocks around
        it."""
        for line in lines:
            if line.text.strip():
                start = self.starts[_number_of(self.starts, line.start)]
                before = self.text[start : line.start]
                if not line.blanks:
                    return before
                column = len(before.expandtabs(_INDENT))
                return before + " " * (_INDENT - column % _INDENT - line.blanks)
        first = _first(token)
        before = self.text[self.starts[first] : self.head(token).start]
        return re.sub(r"[^>\s]", " ", before)

    def region(self, command: str, opens: Token, closes: Token) -> Region:
        """A generated region between two comments."""
        assert opens.map is not None
        body = Span(self.start(opens.map[1]), self.start(_first(closes)))
        head = self.head(opens)
        before = self.text[self.starts[_first(opens)] : head.start]
        return Region(command, head, body, self.ending(_first(opens)), re.sub(r"[^>\s]", " ", before))


def _options(lines: list[Line], mark: str, options: dict[str, Attribute]) -> int:
    """Take the attributes from the options at the head of a block; returns the number of these lines."""
    for number, line in enumerate(lines):
        pair = option(line.text, line.start, mark)
        if pair is None:
            return number
        if pair[0] in OURS:
            options.setdefault(*pair)
    return len(lines)


def _first(token: Token) -> int:
    assert token.map is not None
    return token.map[0]


def _number_of(starts: list[int], offset: int) -> int:
    from bisect import bisect_right

    return bisect_right(starts, offset) - 1


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.disable("reference")
    alternatives: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "indented", _indented, alternatives)
    parser.block.ruler.before("fence", "colon_fence", _colon_fence, alternatives)
    parser.block.ruler.before("fence", "directive", _directive, alternatives)
    return parser


def _indented(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The rule for a line that begins with `!!!`, `???`, `===` (admonitions and tabs of Python-Markdown),
    `: ` (a definition) or `[^1]:` (a footnote), and the lines below it that are indented by four."""
    if state.is_code_block(start):
        return False
    head = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if not _CONTAINER.match(head):
        return False
    if silent:
        return True
    around = state.parentType, state.lineMax, state.blkIndent
    state.blkIndent = state.sCount[start] + _INDENT
    line = start + 1
    while line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    while line > start + 1 and state.isEmpty(line - 1):
        line -= 1
    state.lineMax = line
    state.push("container_open", "div", 1)
    state.md.block.tokenize(state, start + 1, line)
    state.push("container_close", "div", -1)
    state.parentType, state.lineMax, state.blkIndent = around
    state.line = line
    return True


_COLONS = re.compile(r"(:{3,})(\{(?!\.)[^}]*\}[^\r\n]*)")


def _closing(state: StateBlock, start: int, end: int, fence: str) -> int:
    """The line that closes the fence which opened at `start`, or where its block ends."""
    line = start + 1
    while line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()
        if text and not text.strip(fence[0]) and len(text) >= len(fence):
            break
        line += 1
    return line


def _colon_fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The rule for a spec in colons, `:::{cnn}`; other blocks in colons contain Markdown, as it is."""
    if state.is_code_block(start):
        return False
    match = _COLONS.match(state.src, state.bMarks[start] + state.tShift[start], state.eMarks[start])
    if match is None or not is_ours(match[2]):
        return False
    if silent:
        return True
    line = _closing(state, start, end, match[1])
    token = state.push("colon_fence", "code", 0)
    token.info, token.markup, token.map = match[2], match[1], [start, line]
    token.content = state.getLines(start + 1, line, state.sCount[start], True)
    state.line = min(line + 1, end)
    return True


_DIRECTIVE = re.compile(r"(`{3,}|~{3,})\{([a-z-]+)\}")
_OF_MARKDOWN = frozenset(
    (
        "admonition", "attention", "card", "caution", "danger", "div", "dropdown", "error", "exercise",
        "figure", "grid", "grid-item", "grid-item-card", "hint", "important", "margin", "note", "prf",
        "proof", "seealso", "sidebar", "solution", "tab-item", "tab-set", "tip", "topic", "warning",
    )
)  # fmt: skip
"""Directives of MyST whose text is Markdown."""


def _directive(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The rule for a directive of MyST that contains Markdown, although it is written as a fence."""
    if state.is_code_block(start):
        return False
    match = _DIRECTIVE.match(state.src, state.bMarks[start] + state.tShift[start], state.eMarks[start])
    if match is None or match[2] not in _OF_MARKDOWN:
        return False
    if silent:
        return True
    line = _closing(state, start, end, match[1])
    around = state.parentType, state.lineMax
    state.lineMax = line
    state.push("container_open", "div", 1)
    state.md.block.tokenize(state, start + 1, line)
    state.push("container_close", "div", -1)
    state.parentType, state.lineMax = around
    state.line = min(line + 1, end)
    return True
