"""Tables, pages and pieces of text on standard output: plain, or drawn by rich where colours are wanted.

Plain text needs no library: rich is 16 ms to import, a tenth of a whole `check`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from cnnspec.cli.terminal import columns, out, wants_color
from cnnspec.diagnostics.printable import printable, width
from cnnspec.report.table import LEAST, Table, plain


def show(pieces: Iterable[str | Table], color: str) -> None:
    """Write texts and tables, as `--color` and standard output ask for."""
    for piece in pieces:
        if isinstance(piece, str):
            out(piece)
        elif wants_color(sys.stdout, color):
            sys.stdout.flush()
            _draw(piece)
        else:
            out(plain(piece, columns(sys.stdout)))


def show_page(text: str, color: str) -> None:
    """A page: as Markdown in a pipe."""
    if not wants_color(sys.stdout, color):
        out(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    width = min(columns(sys.stdout), 100)
    Console(file=sys.stdout, force_terminal=True, width=width).print(Markdown(text))


_STYLES = {"plain": "", "wrong": "red", "faint": "dim", "total": "bold"}


def _draw(table: Table) -> None:
    """A table in colours. Text from a spec is no markup here: it goes in as `Text`."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    room = columns(sys.stdout)
    console = Console(file=sys.stdout, force_terminal=True, width=room, highlight=False, soft_wrap=False)
    drawn = Drawn(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in table.columns:
        drawn.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=None,
            min_width=LEAST if column.flexible else width(column.title),
        )
    for number, row in enumerate(table.rows):
        if row.style == "total" and (number == 0 or table.rows[number - 1].style != "total"):
            drawn.add_section()
        drawn.add_row(*(Text(printable(cell)) for cell in row.cells), style=_STYLES[row.style])
    for line in table.title.splitlines():
        console.print(Text(printable(line), style="bold"))
    console.print(drawn)
    for note in table.notes:
        console.print(Text(note))
