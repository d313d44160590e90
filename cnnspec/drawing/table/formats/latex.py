"""LaTeX: a `tabular` with the rules of booktabs, \\multicolumn and \\multirow, matrices in brackets.

It needs the packages booktabs and multirow, and can be used wherever a `tabular` can.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnnspec.drawing.table.cells import Cell, Content, Grid, Matrix, Row
from cnnspec.drawing.table.formats.marks import Marks
from cnnspec.drawing.writers.tikz import escaped as plain

HEAD = "% \\usepackage{booktabs,multirow}\n"
OWN = {"–": "--", "✓": r"$\surd$", "[": "{[}", "]": "{]}", "*": "{*}"}
r"""Replacements for single characters. A bracket or a star after `\\` would be read as its argument."""


def write(grids: Sequence[Grid]) -> str:
    """The tables, one below another."""
    return HEAD + "\n".join(map(_table, grids))


def escaped(text: str) -> str:
    """Text that LaTeX prints unchanged."""
    return "".join(OWN.get(piece) or plain(piece) for piece in re.split(r"([–✓\[\]*])", text))


def _table(grid: Grid) -> str:
    lines = [f"\\begin{{tabular}}{{{grid.align}}}", "\\toprule"]
    covered = [0] * len(grid.align)
    heights = [_height(row) for row in grid.rows]
    for place, (row, cells) in enumerate(zip(grid.rows, grid.starts(), strict=True)):
        if place and not row.rule and max(heights[place - 1 : place + 1]) > 1:
            lines.append("\\addlinespace")
        lines += _rule(row, covered)
        covered = _covered(covered, cells)
        lines.append(_row(cells, grid.align, heights[place:]) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _rule(row: Row, covered: list[int]) -> list[str]:
    """The rule above a row; a partial one covers only the columns that no cell from above covers."""
    if row.rule == "full":
        return ["\\midrule"]
    free = [place for place, left in enumerate(covered, start=1) if not left]
    return [f"\\cmidrule{{{free[0]}-{free[-1]}}}"] if row.rule == "part" and free else []


def _covered(covered: list[int], cells: list[tuple[int, Cell]]) -> list[int]:
    still_covered = [max(left - 1, 0) for left in covered]
    for start, cell in cells:
        still_covered[start : start + cell.columns] = [cell.rows - 1] * cell.columns
    return still_covered


def _height(row: Row) -> int:
    """The number of lines in a row."""
    return max((_lines(cell.content) for cell in row.cells), default=1)


def _lines(content: Content) -> int:
    return sum(len(one.rows) if isinstance(one, Matrix) else 1 for one in content)


def _row(cells: list[tuple[int, Cell]], align: str, heights: list[int]) -> str:
    # \multirow counts lines from the middle of the first row
    texts = [""] * len(align)
    skipped: set[int] = set()
    for start, cell in cells:
        text = _content(cell.content, "c" if cell.columns > 1 else align[start])
        if cell.rows > 1:
            text = f"\\multirow{{{sum(heights[1 : cell.rows]) + 1}}}{{*}}{{{text}}}"
        if cell.columns > 1:
            text = f"\\multicolumn{{{cell.columns}}}{{c}}{{{text}}}"
        texts[start] = text
        skipped |= set(range(start + 1, start + cell.columns))
    return " & ".join(text for place, text in enumerate(texts) if place not in skipped)


def _content(content: Content, align: str) -> str:
    if len(content) <= 1:
        return MARKS.content(content)
    apart = r" \\[5pt] " if any(isinstance(one, Matrix) for one in content) else r" \\ "
    inside = MARKS._replace(between=apart).content(content)
    return f"\\begin{{tabular}}[c]{{@{{}}{align}@{{}}}}{inside}\\end{{tabular}}"


def _matrix(matrix: Matrix) -> str:
    rows = r" \\ ".join(map(MARKS.line, matrix.rows))
    times = rf"\times {matrix.times}" if matrix.times > 1 else ""
    return rf"$\left[\begin{{tabular}}{{@{{}}c@{{}}}}{rows}\end{{tabular}}\right]{times}$"


MARKS = Marks(
    escaped,
    power="^{}".format,
    scientific=r"${}\times 10^{{{}}}$".format,
    matrix=_matrix,
    between="",
    symbol=r"\textit{{{}}}",
    bold=r"\textbf{{{}}}",
    size="${}$",
    times=r"\times ",
)
