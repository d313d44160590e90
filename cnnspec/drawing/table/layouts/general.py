"""A table that does not follow a paper: with the rows and columns of the options."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.table.cells import Grid, text
from cnnspec.drawing.table.columns import cells_of, chosen, heads_and_totals
from cnnspec.drawing.table.compare import beside, compared, in_order
from cnnspec.drawing.table.groups import groups
from cnnspec.drawing.table.listing import listed
from cnnspec.drawing.table.networks import Cells, Network, TableOptions

CELLS: dict[str, Cells] = {"line": "call", "layer": "call", "size": "bracket", "stage": "bracket"}
"""The default notation for parts, by the kind of rows."""
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


def general(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """A table of one network, or a table with one column per network."""
    rows = options.rows or ("line" if len(networks) == 1 else "size")
    cells = options.cells or CELLS[rows]
    groups_of_networks = [groups(network, rows) for network in networks]
    options = options._replace(cells=cells)
    if len(networks) == 1:
        columns = chosen(networks[0], options, groups_of_networks[0], LISTED[rows])
        return [listed(groups_of_networks[0], columns, networks[0].label)]
    heads, totals = heads_and_totals(options, networks, COMPARED[rows])
    names = [text(network.label) for network in networks]
    below = in_order(groups_of_networks) if rows == "size" else beside(groups_of_networks)
    return [compared(names, below, heads, lambda part: cells_of(part, cells), totals)]
