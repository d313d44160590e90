"""Typst: a `table` with spanning cells, the rules of booktabs, matrices in brackets."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.table.cells import Cell, Grid, Matrix, Row
from cnnspec.drawing.table.formats.marks import Marks

ALIGN = {"l": "left", "c": "center", "r": "right"}
PLAIN = frozenset(" ,()")
"""Punctuation without a special meaning in markup."""


def write(grids: Sequence[Grid]) -> str:
    """The tables, one below another."""
    return "\n".join(map(_table, grids))


def escaped(text: str) -> str:
    """Text as markup: with a backslash before all other punctuation."""
    pieces = []
    for char in text:
        if not char.isprintable():
            pieces.append("?")
        elif char.isascii() and not char.isalnum() and char not in PLAIN:
            pieces.append(f"\\{char}")
        else:
            pieces.append(char)
    return "".join(pieces)


def _table(grid: Grid) -> str:
    aligns = ", ".join(f"{ALIGN[align]} + horizon" for align in grid.align)
    lines = [
        "#table(",
        f"  columns: {len(grid.align)},",
        f"  align: ({aligns},),",
        "  stroke: none,",
        "  table.hline(),",
    ]
    below = [0] * len(grid.align)
    for row, cells in zip(grid.rows, grid.starts(), strict=True):
        lines += _rule(row, below)
        below = [max(left - 1, 0) for left in below]
        for start, cell in cells:
            below[start : start + cell.columns] = [cell.rows - 1] * cell.columns
        if cells:
            lines.append("  " + " ".join(f"{_cell(cell)}," for _, cell in cells))
    return "\n".join([*lines, "  table.hline(),", ")", ""])


def _rule(row: Row, below: list[int]) -> list[str]:
    if row.rule == "full":
        return ["  table.hline(stroke: 0.5pt),"]
    free = [place for place, left in enumerate(below) if not left]
    if row.rule == "part" and free:
        return [f"  table.hline(start: {free[0]}, end: {free[-1] + 1}, stroke: 0.3pt),"]
    return []


def _cell(cell: Cell) -> str:
    spans = [
        f"{name}: {count}" for name, count in (("colspan", cell.columns), ("rowspan", cell.rows)) if count > 1
    ]
    if cell.columns > 1:
        spans.append("align: center + horizon")
    text = MARKS.content(cell.content)
    return f"table.cell({', '.join(spans)})[{text}]" if spans else f"[{text}]"


def _matrix(matrix: Matrix) -> str:
    rows = ", ".join(f"display(#[{MARKS.line(line)}])" for line in matrix.rows)
    times = f" times {matrix.times}" if matrix.times > 1 else ""
    return f'#box(inset: (y: 2pt), $vec(delim: "[", {rows}){times}$)'


def _scientific(mantissa: str, exponent: int) -> str:
    return f"{escaped(mantissa)}×10#super[{exponent}]"


MARKS = Marks(
    escaped,
    power="#super[{}]".format,
    scientific=_scientific,
    matrix=_matrix,
    between=r" \ ",
    symbol="#emph[{}]",
    bold="#strong[{}]",
)
