"""A grid for formats without spanning cells: one row of texts per row of the table."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.drawing.table.cells import Content, Grid, Line, Matrix


def rows_of(grid: Grid, show: Callable[[Content], str], between: str) -> list[list[str]]:
    """The rows. A cell across columns is repeated in each of them, unless it is a head. Rows beside a cell
    that is several rows high are one row, with their texts joined by `between`."""
    width = len(grid.align)
    texts_of_cells: list[list[list[str]]] = []
    left = 0
    for cells in grid.starts():
        if not left:
            texts_of_cells.append([[] for _ in range(width)])
        left = max([left - 1, *(cell.rows - 1 for _, cell in cells)]) if left or cells else 0
        for start, cell in cells:
            for column in range(start, start + (1 if cell.head else cell.columns)):
                text = show(cell.content)
                if text:
                    texts_of_cells[-1][column].append(text)
    return [[between.join(texts) for texts in row] for row in texts_of_cells]


def matrix_text(matrix: Matrix, show: Callable[[Line], str], times: str = " × ") -> str:
    """`[3×3, 64; 3×3, 64] × 3`."""
    inside = "; ".join(map(show, matrix.rows))
    return f"[{inside}]" + (f"{times}{matrix.times}" if matrix.times > 1 else "")
