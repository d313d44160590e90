"""A table that follows no paper's: the rows and columns that were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.table.cells import Grid, text
from cnnspec.drawing.table.columns import cells_of, chosen, heads_and_totals
from cnnspec.drawing.table.compare import beside, compared, in_order
from cnnspec.drawing.table.groups import groups
from cnnspec.drawing.table.listing import listed
from cnnspec.drawing.table.networks import Asked, Cells, Network

CELLS: dict[str, Cells] = {"line": "call", "layer": "call", "size": "bracket", "stage": "bracket"}
"""How a part is written, where that is not asked for."""
LISTED = {
    "line": ("name", "layer", "output", "weights", "MACs"),
    "stage": ("name", "layer", "output", "weights", "MACs"),
    "size": ("output", "layer", "weights", "MACs"),
    "layer": ("name", "layer", "output", "weights", "MACs"),
}
COMPARED = {
    "line": ("name", "output", "weights", "MACs"),
    "stage": ("name", "output", "weights", "MACs"),
    "size": ("output", "weights", "MACs"),
    "layer": ("name", "output", "weights", "MACs"),
}


def general(networks: Sequence[Network], asked: Asked) -> list[Grid]:
    """A table of one network, or one with a column for each."""
    rows = asked.rows or ("line" if len(networks) == 1 else "size")
    cells = asked.cells or CELLS[rows]
    found = [groups(network, rows) for network in networks]
    asked = asked._replace(cells=cells)
    if len(networks) == 1:
        columns = chosen(networks[0], asked, found[0], LISTED[rows])
        return [listed(found[0], columns, networks[0].label)]
    heads, totals = heads_and_totals(asked, networks, COMPARED[rows])
    names = [text(network.label) for network in networks]
    below = in_order(found) if rows == "size" else beside(found)
    return [compared(names, below, heads, lambda part: cells_of(part, cells), totals)]
