"""Where the output goes: a terminal or a pipe, with or without colours, how wide; and writing to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple, TextIO

from cnnspec import __version__
from cnnspec.cli import USAGE
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.text import render_text
from cnnspec.report.table import Table, drawn

PIPE_WIDTH = 100
"""Columns of a table that goes into a pipe or a file."""
PAGE_WIDTH = 100


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is looking."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def columns(stream: TextIO) -> int:
    """How many columns there are: COLUMNS, the terminal's, or `PIPE_WIDTH`."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < int(given[:6]) < 10_000:
        return int(given[:6])
    try:
        return os.get_terminal_size(stream.fileno()).columns or PIPE_WIDTH
    except (OSError, ValueError):
        return PIPE_WIDTH


def out(text: str) -> None:
    """Write to standard output."""
    sys.stdout.write(text)


def out_json(text: str) -> None:
    """Write JSON, or a piece of it, to standard output; its strings may hold what GitHub's runner obeys."""
    sys.stdout.write(text.replace("##[", "##\\u005b"))


def err(text: str) -> None:
    """Write to standard error, after what was written to standard output before."""
    sys.stdout.flush()
    sys.stderr.write(text)
    sys.stderr.flush()


class Output(NamedTuple):
    """How a command answers: `form` is text, json or github; `color` is auto, always or never."""

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
        color = self.colored(sys.stdout)
        for piece in pieces:
            out(piece if isinstance(piece, str) else drawn(piece, columns(sys.stdout), color))

    def page(self, text: str) -> None:
        """Write a page to standard output: in colours drawn by rich, else as Markdown."""
        if not self.colored(sys.stdout):
            out(text)
            return
        from rich.console import Console
        from rich.markdown import Markdown

        room = min(columns(sys.stdout), PAGE_WIDTH)
        Console(file=sys.stdout, force_terminal=True, width=room).print(Markdown(text))

    def findings(self, findings: Iterable[Diagnostic], source: Source, *, always: bool = False) -> None:
        """Write findings to standard error; in the other forms the document has them (unless `always`)."""
        if self.form == "text" or always:
            for finding in findings:
                err(render_text(finding, source, self.colored(sys.stderr)))

    def document(self, content: dict[str, Any]) -> None:
        """Where JSON is asked for, write the command's document; a number that is not finite is null."""
        if self.form == "json":
            import json

            document = {"version": 1, "cnnspec": __version__, **content}
            out_json(json.dumps(_finite(document), indent=1, allow_nan=False) + "\n")

    def refuse(self, path: str, finding: Diagnostic, document: dict[str, Any] | None = None) -> int:
        """Answer with a finding about a file alone, and give the exit status."""
        from cnnspec.diagnostics.as_json import as_json

        source = Source(path, "")
        self.findings([finding], source, always=document is None)
        if document is not None:
            document["diagnostics"].append(as_json(finding, source))
            self.document(document)
        return USAGE


def shown(findings: Iterable[Diagnostic], advice: bool) -> list[Diagnostic]:
    """Those that a person sees: advice only where it is asked for."""
    return [one for one in findings if advice or one.severity is not Severity.ADVICE]


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
