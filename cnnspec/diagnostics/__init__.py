"""Findings: their data types, their renderers, and a page for each."""

from cnnspec.diagnostics.diagnostic import (
    WHOLE_FILE,
    Cause,
    Diagnostic,
    Edit,
    Piece,
    Position,
    Related,
    Severity,
    Sink,
    Source,
    Span,
    line_start,
    severity_of,
)

__all__ = [
    "WHOLE_FILE",
    "Cause",
    "Diagnostic",
    "Edit",
    "Piece",
    "Position",
    "Related",
    "Severity",
    "Sink",
    "Source",
    "Span",
    "line_start",
    "severity_of",
]
