"""CSV in plain ASCII, as a table of data: `[3x3, 64; 3x3, 64] x3`. Tables are separated by an empty line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from cnnspec.drawing.table.cells import Grid, Matrix
from cnnspec.drawing.table.formats.flat import matrix_text, rows_of
from cnnspec.drawing.table.formats.marks import Marks

PLAIN = str.maketrans(
    {"×": "x", "→": "->", "–": "-", "−": "-", "✓": "yes", "…": "...", "·": "*", "≤": "<=", "≥": ">="}
)


def write(grids: Sequence[Grid]) -> str:
    """The tables."""
    return "\n".join(map(_table, grids))


def _table(grid: Grid) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([[_harmless(text) for text in row] for row in rows(grid)])
    return buffer.getvalue()


def rows(grid: Grid) -> list[list[str]]:
    """The rows as plain text."""
    return rows_of(grid, MARKS.content, "; ")


def _harmless(text: str) -> str:
    """The text, protected where a spreadsheet would read it as a formula."""
    return (
        f"'{text}" if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and len(text) > 1) else text
    )


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text.translate(PLAIN))


def _matrix(matrix: Matrix) -> str:
    return matrix_text(matrix, MARKS.line, " x")


MARKS = Marks(
    _plain,
    power="^{}".format,
    scientific="{}e{}".format,
    matrix=_matrix,
    between="; ",
    times="x",
)
