"""HTML: a table with rowspan and colspan; matrices are MathML, where browsers draw brackets of the right
height."""

from __future__ import annotations

import html
from collections.abc import Sequence

from cnnspec.drawing.table.cells import Cell, Grid, Matrix, Row
from cnnspec.drawing.table.formats.marks import Marks

STYLE = (
    "<style>.cnnspec{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid;margin:1em 0}"
    ".cnnspec th,.cnnspec td{padding:.25em .7em;font-weight:normal}"
    ".cnnspec .rule>*{border-top:1px solid}.cnnspec .l{text-align:left}.cnnspec .c{text-align:center}"
    ".cnnspec .r{text-align:right}.cnnspec caption{font-weight:bold}</style>\n"
)


def write(grids: Sequence[Grid]) -> str:
    """The tables; where there are several, with their titles."""
    return STYLE + "".join(_table(grid, grid.title if len(grids) > 1 else "") for grid in grids)


def escaped(text: str) -> str:
    return html.escape("".join(char if char.isprintable() else "\ufffd" for char in text))


def _table(grid: Grid, title: str) -> str:
    lines = ['<table class="cnnspec">']
    if title:
        lines.append(f"<caption>{escaped(title)}</caption>")
    starts = grid.starts()
    rows = [_row(row, cells, grid.align) for row, cells in zip(grid.rows, starts, strict=True)]
    lines += [
        "<thead>",
        *rows[: grid.heads],
        "</thead>",
        "<tbody>",
        *rows[grid.heads :],
        "</tbody>",
        "</table>",
    ]
    return "\n".join(lines) + "\n"


def _row(row: Row, cells: list[tuple[int, Cell]], align: str) -> str:
    rule = ' class="rule"' if row.rule else ""
    return f"<tr{rule}>{''.join(_cell(cell, align[place]) for place, cell in cells)}</tr>"


def _cell(cell: Cell, align: str) -> str:
    tag = "th" if cell.head else "td"
    spans = "".join(
        f' {name}="{count}"'
        for name, count in (("colspan", cell.columns), ("rowspan", cell.rows))
        if count > 1
    )
    side = "c" if cell.columns > 1 else align
    return f'<{tag} class="{side}"{spans}>{MARKS.content(cell.content)}</{tag}>'


def _matrix(matrix: Matrix) -> str:
    rows = "".join(f"<mtr><mtd><mtext>{MARKS.line(line)}</mtext></mtd></mtr>" for line in matrix.rows)
    times = f"<mo>×</mo><mn>{matrix.times}</mn>" if matrix.times > 1 else ""
    return f"<math><mrow><mo>[</mo><mtable>{rows}</mtable><mo>]</mo>{times}</mrow></math>"


MARKS = Marks(
    escaped,
    power="<sup>{}</sup>".format,
    scientific="{}×10<sup>{}</sup>".format,
    matrix=_matrix,
    between="<br>",
    symbol="<i>{}</i>",
    bold="<b>{}</b>",
)
