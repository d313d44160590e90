"""A table as data, and as text that fits the terminal.

Where there is too little room, columns of text are cut, in the order of their `cut`; then whole columns
are left out, in the order of their `drop`, and named below the table. A number is never cut.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from cnnspec.diagnostics.printable import OLD_COMMAND, printable, width

GAP = "  "
CUT = "…"


class Column(NamedTuple):
    """`cut` and `drop` are 0 for a column that is never cut, or never left out; `least` is the width that a
    cut column keeps as long as others can be left out."""

    title: str
    right: bool = False
    cut: int = 0
    drop: int = 0
    least: int = 11


Style = Literal["plain", "wrong", "faint", "total"]
"""`wrong`: the place of a mistake; `faint`: a part that is left out."""


class Row(NamedTuple):
    """A row of cells."""

    cells: tuple[str, ...]
    style: Style = "plain"


class Table(NamedTuple):
    """`title` is shown above, `notes` below."""

    columns: tuple[Column, ...]
    rows: list[Row]
    title: str = ""
    notes: tuple[str, ...] = ()


_STYLES = {"plain": "", "wrong": "\x1b[31m", "faint": "\x1b[2m", "total": "\x1b[1m"}
_MARKS = {"✓": "\x1b[32m", "✗": "\x1b[31m"}
BOLD, RESET = _STYLES["total"], "\x1b[0m"


def drawn(table: Table, room: int, color: bool = False) -> str:
    """The table as text, at most `room` columns wide; ends in a new line. Title and notes keep their
    lines."""
    head = _measured(tuple(column.title for column in table.columns))
    shown = [_measured(row.cells) for row in table.rows]
    natural = [max(taken for _, taken in cells) for cells in zip(head, *shown, strict=True)]
    kept, sizes = _fitted(table.columns, natural, room)

    def line(cells: list[Cell]) -> str:
        parts = (_fit(*cells[place], sizes[place], table.columns[place].right) for place in kept)
        return GAP.join(parts).rstrip()

    rule = "─" * (sum(sizes[place] for place in kept) + len(GAP) * (len(kept) - 1))
    title, *more = (printable(one) for one in table.title.splitlines() or [""])
    styled = [(BOLD, title)] if title else []
    styled += [*(("", one) for one in more), (BOLD, line(head)), ("", rule)]
    above = ""
    for cells, row in zip(shown, table.rows, strict=True):
        if row.style == "total" and above != "total":
            styled.append(("", rule))
        styled.append((_STYLES[row.style], line(cells)))
        above = row.style
    if len(kept) < len(sizes):
        names = [column.title for place, column in enumerate(table.columns) if place not in kept]
        styled.append(("", f"columns left out (too narrow): {', '.join(names)}"))
    styled += [(_MARKS.get(note[:1], ""), note) for note in table.notes]
    return "".join(f"{style}{text}{RESET}\n" if style and color else f"{text}\n" for style, text in styled)


_DIGITS = "0123456789.,"

Cell: TypeAlias = tuple[str, int]
"""A cell's text, and its width in columns of a terminal."""

_NARROW = str.maketrans("", "", "→×…⌊⌋−·✓✗")
"""Characters outside ASCII that take one column each."""


def _measured(cells: tuple[str, ...]) -> list[Cell]:
    """The cells made safe to show. Nearly every one is ASCII, and then its length is its width."""
    measured = []
    for cell in cells:
        plain = cell.isprintable() and OLD_COMMAND not in cell
        if plain and (cell if cell.isascii() else cell.translate(_NARROW)).isascii():
            measured.append((cell, len(cell)))
        else:
            cell = printable(cell)
            measured.append((cell, width(cell)))
    return measured


def _fitted(columns: tuple[Column, ...], natural: list[int], room: int) -> tuple[list[int], list[int]]:
    """The columns that are kept, and their widths."""
    kept = list(range(len(columns)))

    def over(sizes: list[int]) -> int:
        return sum(sizes[place] for place in kept) + len(GAP) * (len(kept) - 1) - room

    least = [
        min(size, column.least) if column.cut else size for size, column in zip(natural, columns, strict=True)
    ]
    for place in sorted(kept, key=lambda place: columns[place].drop):
        if columns[place].drop and over(least) > 0:
            kept.remove(place)
    sizes = list(natural)
    for smallest in (least, [1] * len(columns)):
        for place in sorted(kept, key=lambda place: columns[place].cut):
            if columns[place].cut:
                sizes[place] = max(sizes[place] - max(over(sizes), 0), smallest[place])
    return kept, sizes


def _fit(text: str, taken: int, size: int, right: bool) -> str:
    """`text` cut to `size` columns, the last of them a `…`, or filled up with blanks; no number in it is
    cut in two."""
    if taken > size:
        place = taken = 0
        while taken + width(text[place]) <= size - len(CUT):
            taken += width(text[place])
            place += 1
        while place and text[place] in _DIGITS and text[place - 1] in _DIGITS:
            place -= 1
            taken -= 1
        text, taken = text[:place] + CUT, taken + len(CUT)
    blanks = " " * (size - taken)
    return blanks + text if right else text + blanks
