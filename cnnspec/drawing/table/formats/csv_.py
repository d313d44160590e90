"""CSV in plain ASCII, as a table of data: `[3x3, 64; 3x3, 64] x3`. Tables are separated by an empty line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from cnnspec.drawing.table.cells import Content, Grid, Line, Matrix, Piece, Scientific, Size, Symbol
from cnnspec.drawing.table.formats.flat import rows_of, size_text

PLAIN = str.maketrans(
    {"×": "x", "→": "->", "–": "-", "−": "-", "✓": "yes", "…": "...", "·": "*", "≤": "<=", "≥": ">="}
)


def write(grids: Sequence[Grid]) -> str:
    """The tables."""
    return "\n".join(map(_table, grids))


def _table(grid: Grid) -> str:
    found = io.StringIO()
    writer = csv.writer(found, lineterminator="\n")
    writer.writerows([[_harmless(text) for text in row] for row in rows(grid)])
    return found.getvalue()


def rows(grid: Grid) -> list[list[str]]:
    """The rows as plain text."""
    return rows_of(grid, _content, "; ")


def _harmless(text: str) -> str:
    """What a spreadsheet would take for a formula, as text."""
    return (
        f"'{text}" if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and len(text) > 1) else text
    )


def _content(content: Content, row: int, column: int) -> str:
    return "; ".join(_matrix(one) if isinstance(one, Matrix) else _line(one) for one in content)


def _matrix(matrix: Matrix) -> str:
    inside = "; ".join(map(_line, matrix.rows))
    return f"[{inside}]" + (f" x{matrix.times}" if matrix.times > 1 else "")


def _line(line: Line) -> str:
    text = "".join(map(_piece, line.pieces)).translate(PLAIN)
    return "".join(char if char.isprintable() else "?" for char in text)


def _piece(piece: Piece) -> str:
    match piece:
        case Size():
            return size_text(piece, "x", "^")
        case Symbol():
            return piece.name
        case Scientific():
            return f"{piece.mantissa}e{piece.exponent}"
    return piece
