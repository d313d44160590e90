"""The elements of a table, between the layouts that fill it and the writers that print it.

Text in a cell is a line of pieces: plain text, and mathematics as small values, so that each format writes
them in its own way. Text is unescaped; each writer escapes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Size:
    """`3×3`, `112×112×64`; with `squared`, equal neighbours as a power: `112²×64`."""

    dims: tuple[str, ...]
    squared: bool = False

    def factors(self) -> list[tuple[str, int]]:
        """The dimensions with their powers."""
        powers: list[tuple[str, int]] = []
        for place, dim in enumerate(self.dims, start=1):
            map_ = self.squared and place < len(self.dims)  # the last dimension is the number of channels
            if map_ and powers and powers[-1][0] == dim != "1":
                powers[-1] = dim, powers[-1][1] + 1
            else:
                powers.append((dim, 1))
        return powers


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, in italics."""

    name: str


@dataclass(frozen=True, slots=True)
class Scientific:
    """`3.9×10⁹`."""

    mantissa: str
    exponent: int


Piece: TypeAlias = str | Size | Symbol | Scientific


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces on one line."""

    pieces: tuple[Piece, ...]
    bold: bool = False

    def __add__(self, other: Line) -> Line:
        return Line(self.pieces + other.pieces, self.bold)

    def __bool__(self) -> bool:
        return bool(self.pieces)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Lines in brackets, taken `times` times: `[1×1, 64; 3×3, 64] × 3`."""

    rows: tuple[Line, ...]
    times: int = 1


Content: TypeAlias = tuple[Line | Matrix, ...]
"""The lines and matrices of a cell, from top to bottom."""
EMPTY: Content = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is `columns` wide and `rows` high."""

    content: Content = EMPTY
    columns: int = 1
    rows: int = 1
    head: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The cells that begin in a row. `rule` is the line above it: over all columns, or (`part`) over the
    columns that no cell from above covers."""

    cells: tuple[Cell, ...]
    rule: Literal["", "part", "full"] = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A whole table. `align` has a letter for each column: l, c or r; the first `heads` rows are its head."""

    align: str
    rows: tuple[Row, ...]
    heads: int = 1
    title: str = ""

    def starts(self) -> list[list[tuple[int, Cell]]]:
        """For each row, its cells with the columns where they begin."""
        below = [0] * len(self.align)
        rows_of_starts: list[list[tuple[int, Cell]]] = []
        for row in self.rows:
            row_starts: list[tuple[int, Cell]] = []
            place = 0
            for cell in row.cells:
                while below[place]:
                    place += 1
                row_starts.append((place, cell))
                place += cell.columns
            below = [max(left - 1, 0) for left in below]
            for start, cell in row_starts:
                for column in range(start, start + cell.columns):
                    below[column] = cell.rows - 1
            rows_of_starts.append(row_starts)
        return rows_of_starts


def text(*pieces: Piece) -> Line:
    """A line of these pieces; empty text is left out."""
    return Line(tuple(piece for piece in pieces if piece != ""))


def cell(*pieces: Piece, columns: int = 1, rows: int = 1, head: bool = False) -> Cell:
    """A cell with one line."""
    line = text(*pieces)
    return Cell((line,) if line else EMPTY, columns, rows, head)


def bold(line: Line) -> Line:
    """The same line in bold."""
    return replace(line, bold=True)
