"""JSON: each table with its title and its rows, cells as in CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cnnspec import __version__
from cnnspec.drawing.table.cells import Grid
from cnnspec.drawing.table.formats.csv_ import rows


def write(grids: Sequence[Grid]) -> str:
    """The document."""
    texts = [(grid.title, *rows(grid)) for grid in grids]
    tables = [{"title": title, "head": head, "rows": body} for title, head, *body in texts]
    return (
        json.dumps({"version": 1, "cnnspec": __version__, "tables": tables, "diagnostics": []}, indent=1)
        + "\n"
    )
