"""JSON: each table with its title and its rows, cells as in CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cnnspec import __version__
from cnnspec.drawing.table.cells import Grid
from cnnspec.drawing.table.formats.csv_ import rows


def write(grids: Sequence[Grid]) -> str:
    """The document."""
    found = [{"title": grid.title, "head": rows(grid)[0], "rows": rows(grid)[1:]} for grid in grids]
    return json.dumps({"version": 1, "cnnspec": __version__, "tables": found}, indent=1) + "\n"
