"""Typst: a `table` with spanning cells, the rules of booktabs, matrices in brackets."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.table.cells import (
    Cell,
    Content,
    Grid,
    Line,
    Matrix,
    Piece,
    Row,
    Scientific,
    Size,
    Symbol,
)

ALIGN = {"l": "left", "c": "center", "r": "right"}
PLAIN = frozenset(" ,()")
"""Punctuation that means itself."""


def write(grids: Sequence[Grid]) -> str:
    """The tables, one below another."""
    return "\n".join(map(_table, grids))


def escaped(text: str) -> str:
    """Text as markup: a backslash before all other punctuation."""
    found = []
    for char in text:
        if not char.isprintable():
            found.append("?")
        elif char.isascii() and not char.isalnum() and char not in PLAIN:
            found.append(f"\\{char}")
        else:
            found.append(char)
    return "".join(found)


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
    text = _content(cell.content)
    return f"table.cell({', '.join(spans)})[{text}]" if spans else f"[{text}]"


def _content(content: Content) -> str:
    return r" \ ".join(_matrix(one) if isinstance(one, Matrix) else _line(one) for one in content)


def _matrix(matrix: Matrix) -> str:
    rows = ", ".join(f"display(#[{_line(line)}])" for line in matrix.rows)
    times = f" times {matrix.times}" if matrix.times > 1 else ""
    return f'#box(inset: (y: 2pt), $vec(delim: "[", {rows}){times}$)'


def _line(line: Line) -> str:
    text = "".join(map(_piece, line.pieces))
    return f"#strong[{text}]" if line.bold else text


def _piece(piece: Piece) -> str:
    match piece:
        case Size():
            return "×".join(
                escaped(dim) + (f"#super[{power}]" if power > 1 else "") for dim, power in piece.factors()
            )
        case Symbol():
            return f"#emph[{escaped(piece.name)}]"
        case Scientific():
            return f"{escaped(piece.mantissa)}×10#super[{piece.exponent}]"
    return escaped(piece)
