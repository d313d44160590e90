"""Markdown as GitHub renders it. Where lines are short, the columns are aligned in the text as well."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnnspec.diagnostics.printable import width
from cnnspec.drawing.table.cells import Grid, Matrix
from cnnspec.drawing.table.formats.flat import matrix_text, rows_of
from cnnspec.drawing.table.formats.marks import Marks

SUPER = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
RULES = {"l": ":--", "c": ":-:", "r": "--:"}
LONGEST = 200
"""The longest line, in characters, of a table whose columns are aligned in the text."""
_SPECIAL = re.compile(
    r"[\\`*<>|~$@]|(?<=:)//|(?<=www)\."
    r"|\[(?![0-9, …]*\](?!\())|(?<![0-9, …])\]|\](?=\()"  # except brackets around a list of numbers
    r"|&(?=[#A-Za-z])|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])"
)


def write(grids: Sequence[Grid]) -> str:
    """The tables; where there are several, with their titles."""
    if len(grids) == 1:
        return _table(grids[0])
    return "\n".join(f"**{escaped(grid.title)}**\n\n{_table(grid)}" for grid in grids)


def escaped(text: str) -> str:
    """Text that Markdown shows unchanged."""
    text = "".join(char if char.isprintable() else "?" for char in text)
    return _SPECIAL.sub(
        lambda match: "".join(f"&#{ord(char)};" if char in "<>&@" else f"\\{char}" for char in match[0]),
        text,
    )


def _table(grid: Grid) -> str:
    head, *body = rows_of(grid, MARKS.content, "<br>")
    rules = [RULES[align] for align in grid.align]
    rows = [head, rules, *body]
    widths = [max(width(text) for text in column) for column in zip(*rows, strict=True)]
    if sum(widths) + 3 * len(widths) > LONGEST:
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)
    lines = []
    for row in rows:
        cells = []
        for text, room, align in zip(row, widths, grid.align, strict=True):
            if row is rules:
                cells.append(
                    {
                        "l": ":" + "-" * (room - 1),
                        "c": ":" + "-" * (room - 2) + ":",
                        "r": "-" * (room - 1) + ":",
                    }[align]
                )
                continue
            missing = room - width(text)
            before = {"l": 0, "c": missing // 2, "r": missing}[align]
            cells.append(" " * before + text + " " * (missing - before))
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _power(number: int) -> str:
    return str(number).translate(SUPER)


def _scientific(mantissa: str, exponent: int) -> str:
    return f"{mantissa}×10{_power(exponent)}"


def _matrix(matrix: Matrix) -> str:
    return matrix_text(matrix, MARKS.line)


MARKS = Marks(
    escaped,
    power=_power,
    scientific=_scientific,
    matrix=_matrix,
    between="<br>",
    symbol="*{}*",
    bold="**{}**",
)
