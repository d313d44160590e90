"""A finding as text: the lines that it is about, the marks in them, the arithmetic, the help.

    error[E301]: the filter is larger than its input
      ┌─ lenet.cnn:9:10
    7 │ S4: maxpool F2         => 16x2x2
      │     ---------- 16x2x2 comes from here
    9 │ C5: conv F5 K120
      │          ^^ 5x5 filter on a 2x2 map
      = (W − F + 2P)/S + 1 = (2 − 5 + 0)/1 + 1 = −2
      help: P2 keeps it at 2x2; F2 gives 1x1

It is written with its own few escape codes, because an error should be reported as fast as a success.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from cnnspec.diagnostics.diagnostic import WHOLE_FILE, Diagnostic, Position, Severity, Source, Span
from cnnspec.diagnostics.printable import cells, printable

LINE_WIDTH = 100
"""The most columns of a source line that are shown; a longer line is cut around the marks."""

_HEAD = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.ADVICE: "1;36"}
_BOLD = "1"
_FRAME = "34"
_RELATED = "1;34"
_HELP = "1;32"


class _Mark(NamedTuple):
    """Characters of one line that are underlined: columns from 1, `end` the first one after."""

    line: int
    start: int
    end: int
    sign: str
    label: str


def render_text(
    diagnostic: Diagnostic, source: Source | None = None, color: bool = False, line_width: int = LINE_WIDTH
) -> str:
    """The finding as text that ends in a new line.

    There are no lines to show without a source, with an empty one (a file that could not be read) and of a
    finding about the whole file.
    """

    def paint(text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if color and text else text

    head_style = _HEAD[diagnostic.severity]
    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", head_style)
    out = [head + paint(f": {printable(diagnostic.message)}", _BOLD)]
    margin = " "
    if source is not None and source.text and diagnostic.span != WHOLE_FILE:
        marks = _marks(diagnostic, source)
        digits = len(str(marks[-1].line))
        margin = " " * digits
        start, _ = source.extent(diagnostic.span)
        where = f"{printable(source.name)}:{start.line}:{start.column}"
        if cell := source.cell(diagnostic.span.start):
            where += f" (cell {cell.line}, line {cell.column})"
        out.append(f"{margin} {paint('┌─', _FRAME)} {where}")
        bar = paint("│", _FRAME)
        before = marks[0].line
        for line, group in groupby(marks, key=lambda mark: mark.line):
            if line > before + 2:
                out.append(paint("...", _FRAME))
            before = line
            text = source.line(line)
            for together in _fitting([*group], text, line_width):
                shown, underlines = _view(text, together, line_width)
                out.append(f"{paint(f'{line:>{digits}}', _FRAME)} {bar} {shown}".rstrip())
                for mark, (indent, length) in zip(together, underlines, strict=True):
                    style = head_style if mark.sign == "^" else _RELATED
                    under = paint(f"{mark.sign * length} {printable(mark.label)}".rstrip(), style)
                    out.append(f"{margin} {bar} {' ' * indent}{under}")
    elif source is not None and source.name:
        out.append(f"{margin} {paint('┌─', _FRAME)} {printable(source.name)}")
    out += [f"{margin} {paint('=', _FRAME)} {printable(line)}" for line in diagnostic.note.splitlines()]
    lead = paint("help:", _HELP)
    for line_of_help in help_of(diagnostic).splitlines():
        out.append(f"{margin} {lead} {printable(line_of_help)}")
        lead = " " * len("help:")
    return "\n".join(out) + "\n"


def help_of(diagnostic: Diagnostic) -> str:
    """The help; if there is only a fix, the fix in words."""
    if diagnostic.help or not diagnostic.fix:
        return diagnostic.help
    texts = [edit.text.strip() for edit in diagnostic.fix if edit.text.strip()]
    return f"write {', '.join(f'`{text}`' for text in texts)}" if texts else "leave it out"


def _marks(diagnostic: Diagnostic, source: Source) -> list[_Mark]:
    """All underlines, in the order of the text; without those of the same slip on other lines, which the
    message names.
    """
    marks = _marks_of(diagnostic.span, "^", diagnostic.label, source)
    line = marks[0].line
    for related in diagnostic.related:
        if related.message or source.extent(related.span)[0].line == line:
            marks += _marks_of(related.span, "-", related.message, source)
    return sorted(marks)


def _marks_of(span: Span, sign: str, label: str, source: Source) -> list[_Mark]:
    """One mark; for a span over several lines one on its first and one, with the label, on its last line."""
    start, end = source.extent(span)
    if start.line == end.line:
        return [_Mark(start.line, start.column, end.column, sign, label)]
    last = source.line(end.line)
    last_start = min(len(last) - len(last.lstrip()) + 1, end.column)
    first_end = len(source.line(start.line).rstrip()) + 1
    return [
        _Mark(*start, max(first_end, start.column), sign, ""),
        _Mark(*Position(end.line, last_start), end.column, sign, label),
    ]


def _fitting(marks: list[_Mark], text: str, line_width: int) -> list[list[_Mark]]:
    """Marks of one line that can be shown under one copy of it: all, unless the line has to be cut."""
    if len(text) <= line_width:
        return [marks]
    together = [[marks[0]]]
    for mark in marks[1:]:
        if mark.end - together[-1][0].start <= line_width * 2 // 3:
            together[-1].append(mark)
        else:
            together.append([mark])
    return together


def _view(text: str, marks: list[_Mark], line_width: int) -> tuple[str, list[tuple[int, int]]]:
    """The visible part of a line, with a `…` where it is cut, and the indent and length of each underline.

    Only the neighbourhood of the marks is looked at: a line may be a megabyte.
    """
    first = marks[0].start - 1
    base, end = max(first - 2 * line_width, 0), len(text.rstrip())
    shown = cells(text[base : min(first + 2 * line_width, end)])
    sizes = [columns for _, columns in shown]
    low, high = 0, len(sizes)
    if base or base + high < end or sum(sizes) > line_width:
        low, high = _window(sizes, first - base, max(mark.end for mark in marks) - 1 - base, line_width - 2)
    before = "…" if base + low > 0 else ""
    after = "…" if base + high < end else ""
    underlines = []
    for mark in marks:
        start = min(max(mark.start - 1 - base, low), high)
        outside = max(
            mark.start - 1 - base - high, 0
        )  # after the blanks that end a line, which are not shown
        length = sum(sizes[start : min(max(mark.end - 1 - base, start), high)])
        underlines.append((len(before) + sum(sizes[low:start]) + outside, max(length, 1)))
    return before + "".join(char for char, _ in shown[low:high]) + after, underlines


def _window(sizes: list[int], start: int, end: int, room: int) -> tuple[int, int]:
    """The characters to show: the marked ones first, then as many on either side as fit."""
    low = high = min(start, len(sizes))
    while high < min(end, len(sizes)) and sizes[high] <= room:
        room -= sizes[high]
        high += 1
    grows = True
    while grows:
        grows = False
        if low > 0 and sizes[low - 1] <= room:
            low -= 1
            room -= sizes[low]
            grows = True
        if high < len(sizes) and sizes[high] <= room:
            room -= sizes[high]
            high += 1
            grows = True
    return low, high
