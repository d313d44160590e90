"""The output: a terminal or a pipe, with or without colours, its width; and writing to it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple, TextIO

from cnnspec import __version__
from cnnspec.cli import USAGE
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.printable import width
from cnnspec.report.table import CUT, Table, drawn

PIPE_WIDTH = 100
"""The width of a table in a pipe or a file; pages are not wider than this on a terminal either."""

ASCII = {
    "─": "-", "━": "-", "│": "|", "┌": "+", "→": "->", "×": "x", "·": "*", "−": "-", "–": "-", "…": "...",
    "✓": "ok", "✗": "FAILED", "≤": "<=", "≥": ">=", "½": "1/2", "²": "^2", "√": "sqrt", "Σ": "sum", "∂": "d",
    "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "α": "alpha", "β": "beta", "γ": "gamma", "ε": "eps",
    "μ": "mean", "σ": "std", "π": "pi", "’": "'", "“": '"', "”": '"', "•": "-",
    "∞": "inf", "\u0302": "^", "‖": "||",
}  # fmt: skip
"""Replacements for characters that the encoding of the output does not have."""

PIECE = 1 << 14
"""The most characters written at once: with PYTHONUNBUFFERED the rest of a longer text can be lost."""

MARGIN = 8
"""The number of columns to the left of a spec's line in a finding."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def is_terminal(stream: TextIO) -> bool:
    """Whether the stream is a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def width_of(stream: TextIO) -> int | None:
    """The width in columns: COLUMNS, or the terminal's; None if it is not a terminal."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and 0 < int(columns[:6]) < 10_000:
        return int(columns[:6])
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def out(text: str) -> None:
    """Write to standard output, as it is: a program, a spec."""
    for start in range(0, len(text), PIECE):
        sys.stdout.write(text[start : start + PIECE])


def out_json(text: str) -> None:
    """Write JSON, or a piece of it, to standard output; its strings may contain commands that GitHub's runner
    obeys."""
    sys.stdout.write(text.replace("##[", "##\\u005b"))


def say(text: str) -> None:
    """Write text to standard output, with characters of its encoding and lines that fit the terminal."""
    out(_readable(text, sys.stdout))


def err(text: str, *, whole: bool = False) -> None:
    """Write to standard error, after everything written to standard output before. Lines that must stay
    `whole` are not wrapped."""
    sys.stdout.flush()
    sys.stderr.write(text if whole else _readable(text, sys.stderr))
    sys.stderr.flush()


def _readable(text: str, stream: TextIO) -> str:
    text, room = text.translate(_missing(stream.encoding)), width_of(stream)
    return text if room is None else "\n".join(wrapped(line, room) for line in text.split("\n"))


@cache
def _missing(encoding: str | None) -> dict[int, str]:
    """The entries of `ASCII` for the characters that an encoding does not have."""
    needed = {}
    for char, instead in ASCII.items():
        try:
            char.encode(encoding or "utf-8")
        except UnicodeEncodeError:
            needed[ord(char)] = instead
    return needed


def wrapped(line: str, room: int) -> str:
    """A line as lines of at most `room` columns, broken between words; only a word that is longer is cut.

    >>> print(wrapped("  weights = 5·5·3·64 + 64 = 4,864", 24))
      weights = 5·5·3·64 +
        64 = 4,864
    """
    if (len(line) <= room and line.isascii()) or width(_STYLE.sub("", line)) <= room:
        return line
    hang = " " * min(len(line) - len(line.lstrip(" ")) + 2, room // 2)
    lines, taken = [""], 0
    for word in re.findall(r" *[^ ]+", line):
        needed = width(_STYLE.sub("", word))
        if taken + needed > room and lines[-1].strip():
            lines.append(hang)
            word, taken = word.lstrip(" "), len(hang)
            needed = width(_STYLE.sub("", word))
        if taken + needed <= room:
            lines[-1] += word
            taken += needed
            continue
        for char in re.findall(rf"{_STYLE.pattern}|.", word):
            step = 0 if len(char) > 1 else width(char)
            if taken + step > room:
                lines.append(hang)
                taken = len(hang)
            lines[-1] += char
            taken += step
    return "\n".join(lines)


class Output(NamedTuple):
    """The output of a command: `form` is text, json or github; `color` is auto, always or never."""

    form: str
    color: str

    def colored(self, stream: TextIO) -> bool:
        """`--color always|never` decides; else NO_COLOR, FORCE_COLOR, TERM=dumb, and whether `stream` is a
        terminal."""
        if self.color != "auto" or os.environ.get("NO_COLOR"):
            return self.color == "always"
        if os.environ.get("FORCE_COLOR"):
            return True
        return os.environ.get("TERM") != "dumb" and is_terminal(stream)

    def show(self, pieces: Iterable[str | Table]) -> None:
        """Write texts and tables to standard output."""
        room, color = width_of(sys.stdout) or PIPE_WIDTH, self.colored(sys.stdout)
        for piece in pieces:
            if isinstance(piece, str):
                say(piece)
            else:
                missing = _missing(sys.stdout.encoding)
                text = drawn(_translated(piece, missing), room, color)
                say(text.replace(CUT, "~") if ord(CUT) in missing else text)

    def page(self, text: str) -> None:
        """Write a page to standard output: in colours drawn by rich, else as Markdown."""
        if not self.colored(sys.stdout) or _missing(sys.stdout.encoding):
            say(text)
            return
        from rich.console import Console
        from rich.markdown import Markdown

        room = min(width_of(sys.stdout) or PIPE_WIDTH, PIPE_WIDTH)
        Console(file=sys.stdout, force_terminal=True, width=room).print(Markdown(text))

    def findings(self, findings: Iterable[Diagnostic], source: Source, *, always: bool = False) -> None:
        """Write findings to standard error; in the other forms the document has them (unless `always`)."""
        if self.form == "text" or always:
            from cnnspec.diagnostics.text import LINE_WIDTH, render_text

            room = (width_of(sys.stderr) or PIPE_WIDTH + MARGIN) - MARGIN
            room = max(16, min(room, LINE_WIDTH))
            for finding in findings:
                err(render_text(finding, source, self.colored(sys.stderr), room))

    def document(self, content: dict[str, Any]) -> None:
        """With `--format json`, write the command's document; a number that is not finite becomes null."""
        if self.form == "json":
            import json

            document = {"version": 1, "cnnspec": __version__, **content}
            out_json(json.dumps(_finite(document), indent=1, allow_nan=False) + "\n")

    def refuse(self, path: str, finding: Diagnostic, document: dict[str, Any] | None = None) -> int:
        """Report only a finding about a file, and return the exit status."""
        from cnnspec.diagnostics.as_json import as_json

        source = Source(path, "")
        self.findings([finding], source, always=document is None)
        if document is not None:
            document["diagnostics"].append(as_json(finding, source))
            self.document(document)
        return USAGE


def shown(findings: Iterable[Diagnostic], advice: bool) -> list[Diagnostic]:
    """The findings to show: advice only with --advice."""
    return [finding for finding in findings if advice or finding.severity is not Severity.ADVICE]


def _translated(table: Table, missing: dict[int, str]) -> Table:
    """The table with the `missing` characters replaced, before its columns are measured."""
    if not missing:
        return table
    rows = [row._replace(cells=tuple(cell.translate(missing) for cell in row.cells)) for row in table.rows]
    return table._replace(rows=rows)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
