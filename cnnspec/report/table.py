"""A table as data, and as text."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from cnnspec.diagnostics.printable import OLD_COMMAND, printable, width

GAP = "  "
CUT = "…"
LEAST = 11
"""Columns of a terminal that a flexible column keeps, however narrow the terminal is."""


class Column(NamedTuple):
    """`flexible` columns are cut where the table is wider than there is room."""

    title: str
    right: bool = False
    flexible: bool = False


Style = Literal["plain", "wrong", "faint", "total"]
"""`wrong`: where a mistake is; `faint`: what is left out."""


class Row(NamedTuple):
    """A row of cells."""

    cells: tuple[str, ...]
    style: Style = "plain"


class Table(NamedTuple):
    """`title` stands above, `notes` below."""

    columns: tuple[Column, ...]
    rows: list[Row]
    title: str = ""
    notes: tuple[str, ...] = ()


_STYLES = {"plain": "", "wrong": "\x1b[31m", "faint": "\x1b[2m", "total": "\x1b[1m"}
BOLD, RESET = _STYLES["total"], "\x1b[0m"


def drawn(table: Table, room: int, color: bool = False) -> str:
    """The table as text, at most `room` columns wide where that can be; ends in a new line."""
    shown = [_measured(row.cells) for row in table.rows]
    head = _measured(tuple(column.title for column in table.columns))
    sizes = [max(taken for _, taken in cells) for cells in zip(head, *shown, strict=True)]
    _shrink(table, sizes, room)
    rule = "─" * (sum(sizes) + len(GAP) * (len(sizes) - 1))
    styled = [(BOLD, printable(line)) for line in table.title.splitlines()]
    styled += [(BOLD, _line(table, head, sizes)), ("", rule)]
    above = ""
    for cells, row in zip(shown, table.rows, strict=True):
        if row.style == "total" and above != "total":
            styled.append(("", rule))
        styled.append((_STYLES[row.style], _line(table, cells, sizes)))
        above = row.style
    styled += [("", note) for note in table.notes]
    return "".join(f"{style}{line}{RESET}\n" if style and color else f"{line}\n" for style, line in styled)


Cell: TypeAlias = tuple[str, int]
"""What is shown, and how many columns of a terminal that takes."""

_NARROW = str.maketrans("", "", "→×…⌊⌋−·")
"""Characters of our own that take one column each."""


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


def _shrink(table: Table, sizes: list[int], room: int) -> None:
    """Take what is too wide from the flexible columns, the widest first."""
    over = sum(sizes) + len(GAP) * (len(sizes) - 1) - room
    flexible = [place for place, column in enumerate(table.columns) if column.flexible]
    while over > 0 and flexible:
        widest = max(flexible, key=lambda place: sizes[place])
        others = [sizes[place] for place in flexible if place != widest]
        step = min(over, max(1, sizes[widest] - max(others, default=0)))
        step = min(step, sizes[widest] - LEAST)
        if step <= 0:
            return
        sizes[widest] -= step
        over -= step


def _line(table: Table, cells: list[Cell], sizes: list[int]) -> str:
    parts = []
    for column, (cell, taken), size in zip(table.columns, cells, sizes, strict=True):
        if taken > size:
            cell, taken = _cut(cell, size)
        blanks = " " * (size - taken)
        parts.append(blanks + cell if column.right else cell + blanks)
    return GAP.join(parts).rstrip()


def _cut(text: str, size: int) -> tuple[str, int]:
    """`text` cut to `size` columns, the last of them a `…`."""
    taken = 0
    for place, char in enumerate(text):
        step = width(char)
        if taken + step > size - 1:
            return text[:place] + CUT, taken + 1
        taken += step
    return text, taken
