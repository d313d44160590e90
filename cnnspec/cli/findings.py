"""How findings reach a person: on standard error, each once, errors first in the order of the text."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from cnnspec.cli.terminal import err, wants_color
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.text import render_text


def show_findings(findings: Iterable[Diagnostic], source: Source, color: str, *, advice: bool = True) -> int:
    """Write findings to standard error; gives how many pieces of advice were left out."""
    in_color = wants_color(sys.stderr, color)
    left_out = 0
    for finding in findings:
        if finding.severity is Severity.ADVICE and not advice:
            left_out += 1
            continue
        err(render_text(finding, source, in_color))
    return left_out
