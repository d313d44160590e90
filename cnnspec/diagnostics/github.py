"""A finding as a GitHub workflow command: it shows up beside the line in a pull request.

    ::error file=lenet.cnn,line=9,col=10,endLine=9,endColumn=12,title=cnnspec E301::the filter is larger …

The runner reads commands line by line, so what comes from a spec must not begin one: `%`, carriage
returns and new lines are written as `%25`, `%0D`, `%0A`, in properties `:` and `,` too.
"""

from __future__ import annotations

from cnnspec.diagnostics.diagnostic import WHOLE_FILE, Diagnostic, Severity, Source
from cnnspec.diagnostics.printable import printable
from cnnspec.diagnostics.text import help_of

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def render_github(diagnostic: Diagnostic, source: Source | None = None) -> str:
    """One workflow command, ending in a new line."""
    properties: dict[str, str] = {}
    if source is not None and source.name:
        properties["file"] = printable(source.name)
        if source.text and diagnostic.span != WHOLE_FILE:
            start, end = source.extent(diagnostic.span)
            if start.line == end.line:
                properties |= {
                    "line": str(start.line),
                    "col": str(start.column),
                    "endLine": str(end.line),
                    "endColumn": str(end.column),
                }
            else:  # GitHub refuses columns on an annotation of several lines
                properties |= {"line": str(start.line), "endLine": str(end.line)}
    properties["title"] = f"cnnspec {diagnostic.code}"
    lines = [diagnostic.message]
    if diagnostic.label:
        lines[0] += f": {diagnostic.label}"
    lines += diagnostic.note.splitlines()
    lines += [
        f"help: {line}" if number == 0 else line
        for number, line in enumerate(help_of(diagnostic).splitlines())
    ]
    escaped = {name: _escape(value).replace(":", "%3A") for name, value in properties.items()}
    listed = ",".join(f"{name}={value.replace(',', '%2C')}" for name, value in escaped.items())
    message = "%0A".join(_escape(printable(line)) for line in lines)
    return f"::{_COMMAND[diagnostic.severity]} {listed}::{message}\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
